//! What must hold for any input, one function per target. The first byte of an input is how it is read: a digit from `0` to `5`
//! for strict, lenient or interop, as a user or as a group; the rest is the text or the body.
//!
//! libFuzzer calls these with what it makes up; `tests/it/fuzz.rs` calls them with the seeds and what a seeded generator makes of
//! them, so that they are kept without libFuzzer too.

use std::collections::{BTreeMap, BTreeSet};

use scim::bulk::{Job, JobError, Method, Outcome, Run, Stage, Task, write_answer};
use scim::{
    AttrPath, Catalogue, Cursor, Filter, Invalid, ListQuery, Mode, Object, Options, Packed, Patch,
    PatchPath, Projection, ResourceType, ScimType, Value, admit, error_body, limits, validate,
};

/// The most that the explanation of an error may have, in bytes: it quotes the client, but never at length.
const DETAIL_BYTES: usize = 2_000;

/// How an input is read.
struct Reading<'i> {
    options: Options,
    rtype: &'static ResourceType,
    rest: &'i [u8],
}

impl<'i> Reading<'i> {
    fn of(data: &'i [u8]) -> Option<Self> {
        let (how, rest) = data.split_first()?;
        let mode = match how % 3 {
            0 => Mode::Strict,
            1 => Mode::Lenient,
            _ => Mode::Interop,
        };
        let rtype = if how / 3 % 2 == 0 { ResourceType::user() } else { ResourceType::group() };
        Some(Self { options: mode.into(), rtype, rest })
    }

    fn text(&self) -> Option<&'i str> {
        std::str::from_utf8(self.rest).ok()
    }

    /// A resource with something in most places.
    fn sample(&self) -> Object {
        let body: &[u8] = if self.rtype.name == "User" {
            br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen","externalId":"7",
                "active":true,"name":{"givenName":"Barbara","familyName":"Jensen"},"displayName":"Babs",
                "emails":[{"type":"work","value":"b@x.example","primary":true},{"type":"home","value":"B@y.example"}],
                "phoneNumbers":[{"type":"work","value":"+1 555"}],"roles":[{"value":"Admin"}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                    {"department":"Sales","manager":{"value":"26118915"}}}"#
        } else {
            br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour guides","externalId":"9",
                "members":[{"value":"26118915"},{"value":"00919288"}]}"#
        };
        let body = Value::parse(body).expect("the sample is JSON");
        admit(&body, self.rtype, Mode::Lenient).expect("the sample fits").object
    }
}

/// An error is one of those that the input may have, short, and good JSON.
fn check(fault: &Invalid, kinds: &[ScimType]) {
    assert!(kinds.contains(&fault.kind), "{:?}: {}", fault.kind, fault.detail);
    assert!(!fault.detail.is_empty() && fault.detail.len() <= DETAIL_BYTES, "{}", fault.detail);
    let body = error_body(400, Some(fault.kind), &fault.detail);
    assert!(Value::parse(&body).is_ok(), "{}", String::from_utf8_lossy(&body));
}

/// A filter prints as a filter that is the same, and says the same of a resource however that is stored.
pub fn filter(data: &[u8]) {
    let Some(reading) = Reading::of(data) else { return };
    let Some(text) = reading.text() else { return };
    let filter = match Filter::parse(text, reading.rtype, reading.options) {
        Ok(filter) => filter,
        Err(fault) => return check(&fault, &[ScimType::InvalidFilter]),
    };
    let printed = filter.to_string();
    if printed.len() <= limits::FILTER_BYTES {
        let again = Filter::parse(&printed, reading.rtype, reading.options);
        assert_eq!(again.as_ref(), Ok(&filter), "{printed}");
    }
    let sample = reading.sample();
    let matches = filter.matches(&sample);
    assert_eq!(matches, filter.matches(&Packed::pack(&sample)), "{printed}");
    if matches && let Some(name) = filter.must_equal("userName") {
        assert!(name.eq_ignore_ascii_case("bjensen"), "an index would have missed it: {printed}");
    }
}

/// A path prints as a path that is the same; a list of paths is read or refused.
pub fn path(data: &[u8]) {
    let Some(reading) = Reading::of(data) else { return };
    let Some(text) = reading.text() else { return };
    let (rtype, options) = (reading.rtype, reading.options);
    match PatchPath::parse(text, rtype, options) {
        Ok(path) => {
            let printed = path.to_string();
            if printed.len() <= limits::PATH_BYTES {
                assert_eq!(
                    PatchPath::parse(&printed, rtype, options).as_ref(),
                    Ok(&path),
                    "{printed}"
                );
            }
        }
        // The interoperability profile calls an unknown attribute bad syntax (I-03).
        Err(fault) => check(
            &fault,
            &[ScimType::InvalidPath, ScimType::InvalidFilter, ScimType::InvalidSyntax],
        ),
    }
    match AttrPath::parse(text, rtype, options) {
        Ok(path) => {
            let printed = path.to_string();
            assert_eq!(AttrPath::parse(&printed, rtype, options).as_ref(), Ok(&path), "{printed}");
            assert!(path.is(&printed), "{printed}");
        }
        Err(fault) => check(&fault, &[ScimType::InvalidPath]),
    }
    for (only, except) in [(Some(text), None), (None, Some(text))] {
        if let Err(fault) = Projection::parse(only, except, rtype) {
            check(&fault, &[ScimType::InvalidValue, ScimType::InvalidPath]);
        }
    }
}

/// The body of an input, if it's JSON; it is written as it was read.
fn body(bytes: &[u8]) -> Option<Value> {
    match Value::parse(bytes) {
        Ok(value) => {
            assert_eq!(Value::parse(&value.to_json()).as_ref(), Ok(&value));
            Some(value)
        }
        Err(fault) => {
            check(&fault, &[ScimType::InvalidSyntax]);
            None
        }
    }
}

/// A PATCH that can be read can be applied: all of it, and what comes of it is a good resource, or nothing of it.
pub fn patch(data: &[u8]) {
    let Some(reading) = Reading::of(data) else { return };
    let Some(body) = body(reading.rest) else { return };
    let (rtype, options) = (reading.rtype, reading.options);
    let kinds = [
        ScimType::InvalidSyntax,
        ScimType::InvalidPath,
        ScimType::InvalidFilter,
        ScimType::InvalidValue,
        ScimType::NoTarget,
        ScimType::Mutability,
        ScimType::TooMany,
    ];
    let patch = match Patch::parse(&body, rtype, options) {
        Ok(patch) => patch,
        Err(fault) => return check(&fault, &kinds),
    };
    assert!(patch.operations.len() <= limits::PATCH_STEPS);
    let before = reading.sample();
    let mut after = before.clone();
    match patch.apply(&mut after, rtype, options) {
        Ok(_) => {
            assert_eq!(validate(&after, rtype), Ok(()));
            assert_eq!(Packed::pack(&after).unpack(), after);
        }
        Err(fault) => {
            check(&fault, &kinds);
            assert_eq!(after, before, "a PATCH that failed left something behind");
        }
    }
    for operation in &patch.operations {
        if operation.path.attr.is("members")
            && let Err(fault) = operation.members_edit(options)
        {
            check(&fault, &kinds);
        }
    }
}

/// Chance that comes from the input alone.
struct Dice(u64);

impl Dice {
    /// Whether something goes well, as it mostly does.
    fn is_lucky(&mut self) -> bool {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 61 != 0
    }
}

/// A job comes to its end whatever becomes of its operations: each is tried once, refers to nothing that isn't there, and
/// what is there in the end is what was reported.
pub fn bulk(data: &[u8]) {
    let Some(reading) = Reading::of(data) else { return };
    let Some(body) = body(reading.rest) else { return };
    let (catalogue, options) = (Catalogue::builtin(), reading.options);
    let job = match Job::parse(body, catalogue, options) {
        Ok(job) => job,
        Err(JobError::Invalid(fault)) => {
            return check(&fault, &[ScimType::InvalidSyntax, ScimType::InvalidValue]);
        }
        Err(JobError::TooMany { operations, limit }) => return assert!(operations > limit),
    };
    for operation in &job.operations {
        if let Err(fault) = &operation.wish {
            check(fault, &[ScimType::InvalidSyntax, ScimType::InvalidValue]);
        }
    }
    let (fail_on_errors, count) = (job.fail_on_errors, job.operations.len());
    let is_careless = reading.rest.windows(5).any(|five| five == b"made-");
    let mut dice =
        Dice(data.iter().fold(0, |sum: u64, byte| sum.rotate_left(5) ^ u64::from(*byte)));
    let mut run = Run::new(job, catalogue, options, "https://h/v2");
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    let mut granted: BTreeSet<usize> = BTreeSet::new();
    let mut tried: BTreeSet<(usize, u8)> = BTreeSet::new();
    let mut sent: Vec<(usize, Value)> = Vec::new();
    let mut errors: u64 = 0;
    while let Some(task) = run.next() {
        match task {
            Task::Refuse { operation, why } => {
                assert!(tried.insert((operation, 3)), "refused twice");
                assert!(why.to_string().len() <= DETAIL_BYTES, "{why}");
                granted.remove(&operation);
                errors += 1;
            }
            Task::Do { operation, request, stage } => {
                let part = match stage {
                    Stage::Whole | Stage::Begin => 0,
                    Stage::Finish => 1,
                    Stage::Undo => 2,
                };
                assert!(tried.insert((operation, part)), "tried twice");
                let has_stopped = fail_on_errors.is_some_and(|most| errors >= most);
                assert!(!has_stopped || stage == Stage::Undo, "it should have stopped");
                if let Some(data) = &request.data {
                    check_references(data, request.method, &request.resource_type, options);
                    if !is_careless {
                        check_ids(data, &there);
                        if matches!(request.method, Method::Post) || stage == Stage::Finish {
                            sent.push((operation, data.clone()));
                        }
                    }
                }
                assert_eq!(request.id.is_none(), request.method == Method::Post);
                let is_done = stage == Stage::Undo || dice.is_lucky();
                let id = request.id.clone().unwrap_or_else(|| format!("made-{operation}-"));
                match (stage, is_done) {
                    (Stage::Undo, _) => {
                        assert_eq!(there.remove(&id), Some(operation), "nothing to undo");
                        granted.remove(&operation);
                    }
                    (_, false) => errors += 1,
                    (Stage::Whole | Stage::Begin | Stage::Finish, true) => {
                        if request.method == Method::Post {
                            there.insert(id.clone(), operation);
                        }
                        if stage != Stage::Begin {
                            granted.insert(operation);
                        }
                    }
                }
                run.tell(operation, stage, is_done.then_some(id));
            }
        }
    }
    let has_stopped = fail_on_errors.is_some_and(|most| errors >= most);
    for at in 0..count {
        assert!(run.is_processed(at) || has_stopped, "operation {at} was forgotten");
        assert!(run.is_processed(at) || !granted.contains(&at), "operation {at} was hushed up");
    }
    for operation in there.values() {
        assert!(granted.contains(operation), "operation {operation} left something half done");
    }
    for (_, data) in sent.iter().filter(|(operation, _)| granted.contains(operation)) {
        check_ids(data, &there);
    }
    let outcomes: Vec<Outcome> = run.operations().iter().map(outcome).collect();
    let mut answer = Vec::new();
    write_answer(&mut answer, &outcomes);
    let answer = Value::parse(&answer).expect("the answer is JSON");
    let told = answer.as_complex().and_then(|answer| answer.get("Operations")?.as_list());
    assert_eq!(told.map(<[Value]>::len), Some(count));
}

fn outcome(operation: &scim::bulk::Operation) -> Outcome {
    let (method, bulk_id) = (operation.method.clone(), operation.bulk_id.clone());
    Outcome { method, bulk_id, status: 200, ..Outcome::default() }
}

/// Nothing is left that would have to be replaced: alone, the request could be read.
fn check_references(data: &Value, method: Method, rtype: &str, options: Options) {
    let path = if method == Method::Post { format!("/{rtype}s") } else { format!("/{rtype}s/1") };
    let operation = Object::from_iter([
        ("method", Value::from(method.as_str())),
        ("path", Value::from(path)),
        ("bulkId", Value::from("itself")),
        ("data", data.clone()),
    ]);
    let urn = Value::from("urn:ietf:params:scim:api:messages:2.0:BulkRequest");
    let job = Object::from_iter([
        ("schemas", Value::List(vec![urn])),
        ("Operations", Value::List(vec![Value::Complex(operation)])),
    ]);
    let job = Job::parse(Value::Complex(job), Catalogue::builtin(), options);
    let job = job.expect("a job of one operation");
    for operation in &job.operations {
        assert!(operation.wish.is_ok(), "a reference was left: {operation:?}");
    }
}

/// Each id that the job itself has made up is one of what is there now.
fn check_ids(data: &Value, there: &BTreeMap<String, usize>) {
    let text = String::from_utf8(data.to_json()).expect("JSON is UTF-8");
    for rest in text.split("made-").skip(1) {
        let number = rest.split('-').next().unwrap_or_default();
        assert!(there.contains_key(&format!("made-{number}-")), "it refers to nothing: {text}");
    }
}

/// A cursor is exactly its bytes; any other bytes are the same error. What a query says of cursors is read or refused.
pub fn cursor(data: &[u8]) {
    match Cursor::from_bytes(data) {
        Ok(cursor) => {
            assert_eq!(cursor.to_bytes(), data);
            assert_eq!(data.len(), Cursor::BYTES);
            let kinds = [ScimType::ExpiredCursor, ScimType::InvalidCursor, ScimType::InvalidCount];
            for (query, count, now) in [
                (cursor.query, None, i64::MIN),
                (cursor.query, Some(1), cursor.expires_ms),
                ([0; 16], Some(cursor.count), 0),
            ] {
                if let Err(fault) = cursor.check(query, count, now) {
                    check(&fault, &kinds);
                }
            }
        }
        Err(fault) => {
            assert_eq!(fault, Cursor::foreign());
            check(&fault, &[ScimType::InvalidCursor]);
        }
    }
    let Some(reading) = Reading::of(data) else { return };
    let Some(text) = reading.text() else { return };
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = ListQuery::from_pairs(pairs, reading.rtype, reading.options);
    if let Err(fault) = query {
        let kinds = [
            ScimType::InvalidValue,
            ScimType::InvalidFilter,
            ScimType::InvalidPath,
            ScimType::InvalidCount,
            ScimType::InvalidCursor,
        ];
        check(&fault, &kinds);
    }
}
