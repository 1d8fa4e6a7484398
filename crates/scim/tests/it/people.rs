//! Any user with attributes of every type, and any filter on them with what it must find, worked out in another way.

use proptest::prelude::*;
use scim::{Catalogue, Object, ResourceType, Value};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const HR: &str = "urn:example:hr:1.0:User";

/// Users with an extension that has an attribute of every type.
pub(crate) fn rtype() -> ResourceType {
    let document = format!(
        r#"{{"id":"{HR}","attributes":[
            {{"name":"level","type":"integer"}},
            {{"name":"rate","type":"decimal"}},
            {{"name":"since","type":"dateTime"}},
            {{"name":"remote","type":"boolean"}},
            {{"name":"code","type":"string","caseExact":true}},
            {{"name":"tags","type":"string","multiValued":true}},
            {{"name":"page","type":"reference","referenceTypes":["external"]}},
            {{"name":"desks","type":"complex","multiValued":true,"subAttributes":[
                {{"name":"value"}},{{"name":"floor","type":"integer"}},{{"name":"primary","type":"boolean"}}]}}]}}"#
    );
    let document = Value::parse(document.as_bytes()).unwrap();
    Catalogue::builtin().with_extension(&document, "User", false).unwrap().user().clone()
}

fn text() -> impl Strategy<Value = String> {
    "[aAbB]{0,3}"
}

const MOMENTS: [&str; 4] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "2026-01-01T00:00:00.500Z",
    "2025-12-31T23:00:00-02:00",
];

fn moment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(MOMENTS.to_vec())
}

/// The milliseconds after 2026 began.
fn millis(moment: &str) -> i64 {
    match moment {
        "2026-01-01T00:00:00Z" | "2026-01-01T01:00:00+01:00" | "2026-01-01T00:00:00.000Z" => 0,
        "2026-01-01T00:00:00.500Z" => 500,
        "2025-12-31T23:00:00-02:00" | "2026-01-01T01:00:00.000Z" => 3_600_000,
        other => panic!("{other}"),
    }
}

/// An element of a list: its `value`, another sub-attribute, and whether it may be primary.
fn elements(
    other: &'static str,
    of: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Option<Value>> {
    let one = (text(), prop::option::of(of), any::<bool>());
    prop::option::of(prop::collection::vec(one, 0..4)).prop_map(move |list| {
        let mut is_first = true;
        let element = |(value, more, primary): (String, Option<Value>, bool)| {
            let mut object = Object::from_iter([("value", Value::from(value))]);
            if let Some(more) = more {
                object.set(other, more);
            }
            if primary && std::mem::take(&mut is_first) {
                object.set("primary", true);
            }
            Value::Complex(object)
        };
        list.map(|list| Value::List(list.into_iter().map(element).collect()))
    })
}

/// The body of a POST.
pub(crate) fn body() -> impl Strategy<Value = Object> {
    let core = (
        "[aAbB]{1,3}",
        prop::option::of(text()),
        prop::option::of(any::<bool>()),
        prop::option::of(text()),
        prop::option::of(text()),
        elements("type", text().prop_map(Value::from)),
    );
    let own = (
        prop::option::of(-2i64..3),
        prop::option::of(prop::sample::select(vec![-0.5, 0.0, 0.25, 2.0])),
        prop::option::of(moment()),
        prop::option::of(any::<bool>()),
        prop::option::of(text()),
        prop::option::of(prop::collection::vec(text(), 0..3)),
        elements("floor", (-2i64..3).prop_map(Value::Integer)),
    );
    (core, own).prop_map(|(core, own)| {
        let (user_name, title, active, external_id, given, emails) = core;
        let (level, rate, since, remote, code, tags, desks) = own;
        let mut body = Object::from_iter([("schemas", Value::List(vec![USER.into(), HR.into()]))]);
        body.set("userName", user_name);
        let mut hr = Object::new();
        let set = |object: &mut Object, name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.set(name.to_owned(), value);
            }
        };
        set(&mut body, "title", title.map(Value::from));
        set(&mut body, "active", active.map(Value::from));
        set(&mut body, "externalId", external_id.map(Value::from));
        let name = given.map(|given| Object::from_iter([("givenName", given)]).into());
        set(&mut body, "name", name);
        set(&mut body, "emails", emails);
        set(&mut hr, "level", level.map(Value::from));
        set(&mut hr, "rate", rate.map(Value::Decimal));
        set(&mut hr, "since", since.map(Value::from));
        set(&mut hr, "remote", remote.map(Value::from));
        set(&mut hr, "code", code.map(Value::from));
        let tags = tags.map(|tags| Value::List(tags.into_iter().map(Value::from).collect()));
        set(&mut hr, "tags", tags);
        set(&mut hr, "desks", desks);
        body.set(HR, hr);
        body
    })
}

/// A comparison in no other terms than the RFC's words.
#[derive(Clone, Debug)]
pub(crate) enum Naive {
    All(Vec<Naive>),
    Any(Vec<Naive>),
    Not(Box<Naive>),
    Present(Path),
    Null(Path, bool),
    Compare(Path, &'static str, Literal),
    Element(Path, Box<Naive>),
}

/// Where a value is: the text of the path, the names to it, and whether case counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) text: &'static str,
    names: &'static [&'static str],
    exact: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Text(String),
    Flag(bool),
    Number(f64),
    Moment(&'static str),
}

const fn path(text: &'static str, names: &'static [&'static str]) -> Path {
    Path { text, names, exact: false }
}

const TEXTS: [Path; 8] = [
    path("userName", &["userName"]),
    path("title", &["title"]),
    path("name.givenName", &["name", "givenName"]),
    path("emails.value", &["emails", "value"]),
    path("emails.type", &["emails", "type"]),
    path("urn:example:hr:1.0:User:tags", &[HR, "tags"]),
    Path { text: "externalId", names: &["externalId"], exact: true },
    Path { text: "urn:example:hr:1.0:User:code", names: &[HR, "code"], exact: true },
];
const NUMBERS: [Path; 3] = [
    path("urn:example:hr:1.0:User:level", &[HR, "level"]),
    path("urn:example:hr:1.0:User:rate", &[HR, "rate"]),
    path("urn:example:hr:1.0:User:desks.floor", &[HR, "desks", "floor"]),
];
const FLAGS: [Path; 3] = [
    path("active", &["active"]),
    path("emails.primary", &["emails", "primary"]),
    path("urn:example:hr:1.0:User:remote", &[HR, "remote"]),
];
const SINCE: Path = path("urn:example:hr:1.0:User:since", &[HR, "since"]);
const EMAILS: Path = path("emails", &["emails"]);
const DESKS: Path = path("urn:example:hr:1.0:User:desks", &[HR, "desks"]);

fn one_of(paths: &[Path]) -> impl Strategy<Value = Path> + use<> {
    prop::sample::select(paths.to_vec())
}

fn op(words: &[&'static str]) -> impl Strategy<Value = &'static str> + use<> {
    prop::sample::select(words.to_vec())
}

const ORDERED: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];
const PARTS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

fn number() -> impl Strategy<Value = Literal> {
    prop::sample::select(vec![-2.0, -0.5, 0.0, 0.25, 1.0, 2.0]).prop_map(Literal::Number)
}

/// One comparison or presence test on these paths.
fn leaf(
    texts: &[Path],
    numbers: &[Path],
    flags: &[Path],
    moments: &[Path],
) -> BoxedStrategy<Naive> {
    let all: Vec<Path> = [texts, numbers, flags, moments].concat();
    let mut kinds = vec![
        one_of(&all).prop_map(Naive::Present).boxed(),
        (one_of(&all), any::<bool>()).prop_map(|(path, is)| Naive::Null(path, is)).boxed(),
    ];
    if !texts.is_empty() {
        let compare = (one_of(texts), op(&PARTS), text());
        kinds.push(compare.prop_map(|(p, op, t)| Naive::Compare(p, op, Literal::Text(t))).boxed());
    }
    if !numbers.is_empty() {
        let compare = (one_of(numbers), op(&ORDERED), number());
        kinds.push(compare.prop_map(|(p, op, n)| Naive::Compare(p, op, n)).boxed());
    }
    if !flags.is_empty() {
        let compare = (one_of(flags), op(&["eq", "ne"]), any::<bool>());
        kinds.push(compare.prop_map(|(p, op, f)| Naive::Compare(p, op, Literal::Flag(f))).boxed());
    }
    if !moments.is_empty() {
        let compare = (one_of(moments), op(&ORDERED), moment());
        kinds
            .push(compare.prop_map(|(p, op, m)| Naive::Compare(p, op, Literal::Moment(m))).boxed());
    }
    prop::strategy::Union::new(kinds).boxed()
}

fn composed(leaf: BoxedStrategy<Naive>, depth: u32) -> BoxedStrategy<Naive> {
    leaf.prop_recursive(depth, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Naive::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Naive::Any),
            inner.prop_map(|inner| Naive::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

/// Any filter in the brackets of one of two attributes.
pub(crate) fn element() -> impl Strategy<Value = (Path, Naive)> {
    let emails = leaf(
        &[path("value", &["value"]), path("type", &["type"])],
        &[],
        &[path("primary", &["primary"])],
        &[],
    );
    let desks = leaf(
        &[path("value", &["value"])],
        &[path("floor", &["floor"])],
        &[path("primary", &["primary"])],
        &[],
    );
    prop_oneof![
        composed(emails, 2).prop_map(|inner| (EMAILS, inner)),
        composed(desks, 2).prop_map(|inner| (DESKS, inner)),
    ]
}

/// Any filter on users.
pub(crate) fn filter() -> impl Strategy<Value = Naive> {
    let plain = leaf(&TEXTS, &NUMBERS, &FLAGS, &[SINCE]);
    let inside = element().prop_map(|(path, inner)| Naive::Element(path, Box::new(inner)));
    composed(prop_oneof![3 => plain, 1 => inside].boxed(), 3)
}

impl Naive {
    /// As a client would write it: with parentheses around everything that has parts.
    pub(crate) fn text(&self) -> String {
        let joined = |terms: &[Naive], word: &str| {
            let terms: Vec<_> = terms.iter().map(Naive::text).collect();
            format!("({})", terms.join(word))
        };
        match self {
            Self::All(terms) => joined(terms, " and "),
            Self::Any(terms) => joined(terms, " or "),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::Present(path) => format!("{} pr", path.text),
            Self::Null(path, true) => format!("{} eq null", path.text),
            Self::Null(path, false) => format!("{} ne null", path.text),
            Self::Compare(path, op, literal) => {
                let literal = match literal {
                    Literal::Text(text) => format!("\"{text}\""),
                    Literal::Flag(flag) => flag.to_string(),
                    Literal::Number(number) => number.to_string(),
                    Literal::Moment(moment) => format!("\"{moment}\""),
                };
                format!("{} {op} {literal}", path.text)
            }
            Self::Element(path, inner) => format!("{}[{}]", path.text, inner.text()),
        }
    }

    /// Whether it finds a resource or an element.
    pub(crate) fn finds(&self, object: &Object) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.finds(object)),
            Self::Any(terms) => terms.iter().any(|term| term.finds(object)),
            Self::Not(inner) => !inner.finds(object),
            Self::Present(path) => values(object, path.names)
                .iter()
                .any(|value| value.as_str().is_none_or(|text| !text.is_empty())),
            Self::Null(path, is_null) => values(object, path.names).is_empty() == *is_null,
            Self::Compare(path, op, literal) => {
                let values = values(object, path.names);
                let compares =
                    |op| values.iter().any(|value| holds(value, op, literal, path.exact));
                match *op {
                    "ne" => {
                        values.is_empty()
                            || values.iter().any(|value| !holds(value, "eq", literal, path.exact))
                    }
                    op => compares(op),
                }
            }
            Self::Element(path, inner) => values(object, path.names)
                .iter()
                .any(|value| value.as_complex().is_some_and(|element| inner.finds(element))),
        }
    }
}

/// The values at the end of a path, the elements of lists one by one.
fn values<'v>(object: &'v Object, names: &[&str]) -> Vec<&'v Value> {
    let Some((first, rest)) = names.split_first() else { return Vec::new() };
    let found: Vec<&Value> = match object.get(first) {
        None => Vec::new(),
        Some(Value::List(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    if rest.is_empty() {
        return found;
    }
    found.into_iter().filter_map(Value::as_complex).flat_map(|inner| values(inner, rest)).collect()
}

fn holds(value: &Value, op: &str, literal: &Literal, exact: bool) -> bool {
    let order = match (value, literal) {
        (Value::String(value), Literal::Text(wanted)) => {
            let (value, wanted) = if exact {
                (value.clone(), wanted.clone())
            } else {
                (value.to_lowercase(), wanted.to_lowercase())
            };
            match op {
                "co" => return value.contains(&wanted),
                "sw" => return value.starts_with(&wanted),
                "ew" => return value.ends_with(&wanted),
                _ => value.cmp(&wanted),
            }
        }
        (Value::String(value), Literal::Moment(wanted)) => millis(value).cmp(&millis(wanted)),
        (Value::Bool(value), Literal::Flag(wanted)) => value.cmp(wanted),
        (Value::Integer(value), Literal::Number(wanted)) => {
            (*value as f64).partial_cmp(wanted).unwrap()
        }
        (Value::Decimal(value), Literal::Number(wanted)) => value.partial_cmp(wanted).unwrap(),
        (value, literal) => panic!("{value:?} {literal:?}"),
    };
    match op {
        "eq" => order.is_eq(),
        "gt" => order.is_gt(),
        "ge" => order.is_ge(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        other => panic!("{other}"),
    }
}
