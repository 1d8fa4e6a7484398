//! The order of a job, and what is put in the place of references. What holds for any job stands in `fuzz/src/lib.rs`.

use proptest::prelude::*;

use super::*;
use crate::mode::Mode;

const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn job(operations: &str) -> Result<Job, JobError> {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{operations}]}}"#
    );
    let body = Value::parse(body.as_bytes()).unwrap();
    Job::parse(body, Catalogue::builtin(), Mode::Lenient)
}

fn user(bulk_id: &str, name: &str, manager: &str) -> String {
    let manager = match manager {
        "" => String::new(),
        manager => format!(r#","{ENT}":{{"manager":{{"value":"bulkId:{manager}"}}}}"#),
    };
    format!(
        r#"{{"method":"POST","path":"/Users","bulkId":"{bulk_id}","data":{{"userName":"{name}"{manager}}}}}"#
    )
}

fn group(bulk_id: &str, members: &[&str]) -> String {
    let members: Vec<String> =
        members.iter().map(|id| format!(r#"{{"value":"bulkId:{id}"}}"#)).collect();
    format!(
        r#"{{"method":"POST","path":"/Groups","bulkId":"{bulk_id}","data":{{"displayName":"{bulk_id}","members":[{}]}}}}"#,
        members.join(",")
    )
}

fn patch(path: &str, operation: &str) -> String {
    format!(r#"{{"method":"PATCH","path":"{path}","data":{{"Operations":[{operation}]}}}}"#)
}

fn delete(path: &str) -> String {
    format!(r#"{{"method":"DELETE","path":"{path}"}}"#)
}

/// Runs a job in which all goes well but for these operations, and tells what was asked for, with `'` for what was begun, `+` for
/// what was finished, `-` for what was undone and `!` for what was refused.
fn steps(job: Job, catalogue: &Catalogue, bad: &[usize]) -> (String, Vec<Request>) {
    let mut run = Run::new(job, catalogue, Mode::Lenient, "https://h/v2");
    let (mut told, mut requests) = (Vec::new(), Vec::new());
    while let Some(task) = run.next() {
        match task {
            Task::Refuse { operation, .. } => told.push(format!("{operation}!")),
            Task::Do { operation, request, stage } => {
                let (mark, is_bad) = match stage {
                    Stage::Whole => ("", bad.contains(&operation)),
                    Stage::Begin => ("'", bad.contains(&operation)),
                    Stage::Finish => ("+", false),
                    Stage::Undo => ("-", false),
                };
                told.push(format!("{operation}{mark}"));
                let id = request.id.clone().unwrap_or_else(|| format!("id{operation}"));
                requests.push(request);
                run.tell(operation, stage, (!is_bad).then_some(id));
            }
        }
    }
    (told.join(" "), requests)
}

fn check(operations: &[String], expected: &str) {
    let job = job(&operations.join(",")).unwrap();
    assert_eq!(steps(job, Catalogue::builtin(), &[]).0, expected, "{operations:#?}");
}

#[test]
fn r_7644_3_7_06_the_order_is_the_given_one_but_for_forward_references() {
    let title = r#"{"op":"add","path":"title","value":"T"}"#;
    let rename = r#"{"op":"replace","value":{"USERNAME":"y"}}"#;
    check(&[user("a", "x", ""), group("g", &["a"]), delete("/Users/9")], "0 1 2");
    check(&[group("g", &["u"]), user("u", "x", "")], "1 0");
    check(&[user("a", "x", "b"), user("b", "y", "c"), user("c", "z", "")], "2 1 0");
    // The second of two that ask for one name stays the second.
    check(&[group("g", &["b"]), user("a", "x", ""), user("b", "X", "")], "1 2 0");
    check(&[user("a", "x", "b"), user("b", "X", "")], "0' 1 0+");
    // What may free a name, or take one, keeps its place.
    check(&[user("a", "x", "c"), delete("/Users/9"), user("c", "z", "")], "0' 1 2 0+");
    check(&[user("a", "x", "c"), patch("/Users/2", rename), user("c", "z", "")], "0' 1 2 0+");
    check(&[user("a", "x", "c"), patch("/Users/2", title), user("c", "z", "")], "1 2 0");
    // A change waits for its resource, and for all of it.
    check(&[patch("/Groups/bulkId:g", title), group("g", &[])], "1 0");
    check(&[patch("/Groups/bulkId:g", title), delete("/Users/9"), group("g", &[])], "1 2 0");
    let clear = r#"{"op":"remove","path":"members"}"#;
    check(&[group("a", &["b"]), patch("/Groups/bulkId:a", clear), group("b", &[])], "2 0 1");
    check(&[group("a", &["b"]), patch("/Groups/bulkId:a", clear), group("b", &["a"])], "0' 2 0+ 1");
}

#[test]
fn r_7644_3_7_1_01_circles_are_begun_and_finished() {
    check(&[group("a", &["b"]), group("b", &["a"])], "0' 1 0+");
    check(&[group("a", &["a"])], "0' 0+");
    check(&[group("a", &["b", "c"]), group("b", &["a"]), group("c", &["b"])], "0' 1 2 0+");
    check(
        &[user("a", "x", "b"), user("b", "y", "a"), group("c", &["d"]), group("d", &["c"])],
        "0' 1 0+ 2' 3 2+",
    );
    let circle = job(&[group("a", &["b"]), group("b", &["c"]), group("c", &["a"])].join(","));
    let (told, _) = steps(circle.clone().unwrap(), Catalogue::builtin(), &[2]);
    assert_eq!(told, "0' 2 1! 0- 0!");
    // Whoever was there already goes as well.
    let operations = [group("a", &["b", "c"]), group("b", &["a"]), group("c", &["a"])].join(",");
    let (told, _) = steps(job(&operations).unwrap(), Catalogue::builtin(), &[2]);
    assert_eq!(told, "0' 1 2 0- 0! 1- 1!");
    let mut circle = circle.unwrap();
    circle.fail_on_errors = Some(1);
    assert_eq!(steps(circle, Catalogue::builtin(), &[2]).0, "0' 2 0-");
}

/// What is left out comes back as an `add`, in its own place.
#[test]
fn r_7644_3_7_1_01_a_resource_begins_without_what_is_not_there() {
    let operations = format!(
        r#"{{"method":"POST","path":"/Users","bulkId":"a","data":{{"USERNAME":"a","title":"T",
            "{ENT}":{{"department":"D","Manager":"bulkId:b"}}}}}},
        {{"method":"POST","path":"/Users","bulkId":"b","data":{{"userName":"A"}}}}"#
    );
    let (told, requests) = steps(job(&operations).unwrap(), Catalogue::builtin(), &[]);
    assert_eq!(told, "0' 1 0+");
    let text = |at: usize| {
        let request: &Request = &requests[at];
        String::from_utf8(request.data.as_ref().unwrap().to_json()).unwrap()
    };
    let without =
        format!(r#"{{"USERNAME":"a","title":"T","{ENT}":{{"department":"D","Manager":null}}}}"#);
    assert_eq!(text(0), without);
    assert_eq!(
        text(2),
        format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{"op":"add","path":"{ENT}:manager","value":"id1"}}]}}"#
        )
    );
    assert_eq!((requests[2].method, requests[2].id.as_deref()), (Method::Patch, Some("id0")));
}

/// Schemas of one's own: references by address, in a core attribute and in an extension; one that is required can't be left
/// out, so its circle can't be resolved.
#[test]
fn r_7644_3_7_2_01_references_are_where_the_schema_has_them() {
    let base = r#"{"id":"urn:x:Thing","name":"Thing","attributes":[
        {"name":"label","type":"string"},{"name":"home","type":"reference","referenceTypes":["external"]},
        {"name":"part","type":"reference","referenceTypes":["Thing"],"required":true}]}"#;
    let more = r#"{"id":"urn:x:More","attributes":[
        {"name":"owner","type":"complex","multiValued":true,"subAttributes":[
            {"name":"who","type":"reference","referenceTypes":["Thing"]},{"name":"note","type":"string"}]}]}"#;
    let types = r#"[{"name":"Thing","endpoint":"/Things","schema":"urn:x:Thing",
        "schemaExtensions":[{"schema":"urn:x:More","required":false}]}]"#;
    let catalogue = Catalogue::compile(&[base, more], types).unwrap();
    let job = |operations: &str| {
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{operations}]}}"#
        );
        Job::parse(Value::parse(body.as_bytes()).unwrap(), &catalogue, Mode::Strict).unwrap()
    };
    let thing = |bulk_id: &str, data: &str| {
        format!(r#"{{"method":"POST","path":"/Things","bulkId":"{bulk_id}","data":{{{data}}}}}"#)
    };
    let second = thing(
        "b",
        r#""label":"bulkId:a","home":"bulkId:a","part":"bulkId:a",
            "urn:x:More":{"owner":[{"who":"../Things/bulkId:a","note":"bulkId:a"}]}"#,
    );
    let (told, requests) = steps(job(&format!("{second},{}", thing("a", ""))), &catalogue, &[]);
    assert_eq!(told, "1 0");
    assert_eq!(
        String::from_utf8(requests[1].data.as_ref().unwrap().to_json()).unwrap(),
        r#"{"label":"bulkId:a","home":"bulkId:a","part":"https://h/v2/Things/id1","urn:x:More":{"owner":[{"who":"../Things/id1","note":"bulkId:a"}]}}"#
    );
    let circle = [thing("a", r#""part":"bulkId:b""#), thing("b", r#""part":"bulkId:a""#)];
    assert_eq!(steps(job(&circle.join(",")), &catalogue, &[]).0, "0! 1!");
}

/// In a PATCH: in values, in the filters of paths, in keys that are paths.
#[test]
fn r_7644_3_7_2_02_references_in_patches() {
    let check = |operation: &str, expected: &str| {
        let operations = [
            user("u", "u", ""),
            group("g", &[]),
            patch("/Groups/1", operation),
            patch("/Users/1", operation),
        ];
        let (_, requests) = steps(job(&operations.join(",")).unwrap(), Catalogue::builtin(), &[]);
        let text = |at: usize| {
            let request: &Request = &requests[at];
            String::from_utf8(request.data.as_ref().unwrap().to_json()).unwrap()
        };
        let expected = format!(r#"{{"Operations":[{expected}]}}"#);
        assert!([text(2), text(3)].contains(&expected), "{operation}: {} {}", text(2), text(3));
    };
    check(
        r#"{"op":"add","path":"members","value":["bulkId:u",{"value":"bulkId:g","display":"bulkId:g"}]}"#,
        r#"{"op":"add","path":"members","value":["id0",{"value":"id1","display":"bulkId:g"}]}"#,
    );
    check(
        r#"{"op":"remove","path":"members[value eq \"bulkId:u\" or not ($ref eq \"bulkId:g\")]"}"#,
        r#"{"op":"remove","path":"members[value eq \"id0\" or not ($ref eq \"https://h/v2/Groups/id1\")]"}"#,
    );
    check(
        r#"{"op":"add","value":{"members[value eq \"bulkId:u\"]":{"value":"bulkId:u"}}}"#,
        r#"{"op":"add","value":{"members[value eq \"id0\"]":{"value":"id0"}}}"#,
    );
    check(
        &format!(
            r#"{{"op":"add","value":{{"{ENT}:manager.value":"bulkId:u","title":"bulkId:u"}}}}"#
        ),
        &format!(r#"{{"op":"add","value":{{"{ENT}:manager.value":"id0","title":"bulkId:u"}}}}"#),
    );
    check(
        &format!(r#"{{"op":"add","path":"{ENT}","value":{{"manager":{{"value":"bulkId:u"}}}}}}"#),
        &format!(r#"{{"op":"add","path":"{ENT}","value":{{"manager":{{"value":"id0"}}}}}}"#),
    );
    check(
        r#"{"op":"remove","path":"emails[value eq \"bulkId:u\"]"}"#,
        r#"{"op":"remove","path":"emails[value eq \"bulkId:u\"]"}"#,
    );
}

#[test]
fn r_7644_3_7_3_01_the_answer() {
    let (location, version) = (Some("https://h/v2/Users/1".to_owned()), Some("W/\"1\"".to_owned()));
    let (method, bulk_id) = (Some("POST".to_owned()), Some("q\"".to_owned()));
    let failed =
        Outcome { method, status: 409, response: Some(b"{}".to_vec()), ..Outcome::default() };
    let outcomes = [
        Outcome { bulk_id, location, version, status: 201, response: None, ..failed.clone() },
        failed,
    ];
    let mut out = Vec::new();
    write_answer(&mut out, &outcomes);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[{"method":"POST","bulkId":"q\"","location":"https://h/v2/Users/1","version":"W/\"1\"","status":"201"},{"method":"POST","status":"409","response":{}}]}"#
    );
}

proptest! {
    /// Creations that ask for different names and refer to each other in no circle: each is done once and whole, what it refers
    /// to before it.
    #[test]
    fn r_7644_3_7_06_references_without_circles_cost_nothing(
        order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
        references in prop::collection::vec((0..12usize, 0..12usize), 0..30),
    ) {
        let mut operations = vec![String::new(); 12];
        for (rank, at) in order.iter().enumerate() {
            let targets = references.iter().filter(|(from, to)| *from == rank && *to < rank);
            let targets: Vec<String> =
                targets.filter_map(|(_, to)| order.get(*to)).map(ToString::to_string).collect();
            let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
            operations[*at] = group(&at.to_string(), &targets);
        }
        let (told, requests) = steps(job(&operations.join(",")).unwrap(), Catalogue::builtin(), &[]);
        let mut run: Vec<usize> = told.split(' ').map(|at| at.parse().unwrap()).collect();
        for (request, at) in requests.iter().zip(&run) {
            let text = String::from_utf8(request.data.as_ref().unwrap().to_json()).unwrap();
            prop_assert!(!text.contains("bulkId:"), "{} of {}", at, text);
        }
        run.sort_unstable();
        prop_assert_eq!(run, (0..12).collect::<Vec<_>>());
    }
}
