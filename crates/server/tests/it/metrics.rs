//! `/metrics`, read by a parser that forgives nothing, and held against what was sent.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;
use testkit::app::{OPERATOR_KEY, TestApp};

type Labels = BTreeMap<String, String>;

/// One line: its name, its labels, its value.
struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

struct Family {
    name: String,
    kind: String,
    samples: Vec<Sample>,
}

fn is_name(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|b| is_letter(b) || b.is_ascii_digit())
}

/// The labels between braces, with what was escaped.
fn labels(mut text: &str) -> Labels {
    let mut all = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("no label: {text}"));
        assert!(is_name(name), "{name}");
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().expect("the value of a label ends") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("something is escaped").1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    c => panic!("\\{c} is no escape"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(all.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        text = &rest[end + 1..];
        if !text.is_empty() {
            text = text.strip_prefix(',').expect("a comma between labels");
            assert!(!text.is_empty(), "a comma at the end");
        }
    }
    all
}

/// Reads an exposition, and refuses what a strict reader would.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'));
    let mut families: Vec<Family> = Vec::new();
    let mut helped = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && !help.is_empty() && helped.is_none(), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(helped.take().as_deref(), Some(name), "HELP and TYPE go together");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(families.iter().all(|family| family.name != name), "{name} is there twice");
            let (name, kind) = (name.to_owned(), kind.to_owned());
            families.push(Family { name, kind, samples: Vec::new() });
        } else {
            assert!(helped.is_none() && !line.is_empty() && !line.starts_with('#'), "{line:?}");
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            assert!(value.is_finite() && value >= 0.0, "{line}");
            let (name, labels) = match series.split_once('{') {
                Some((name, rest)) => (name, labels(rest.strip_suffix('}').expect("a brace"))),
                None => (series, Labels::new()),
            };
            let family = families.last_mut().expect("a family before its lines");
            let suffix = name.strip_prefix(family.name.as_str()).expect("a line of its family");
            match family.kind.as_str() {
                "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
                _ => assert_eq!(suffix, "", "{line}"),
            }
            assert_eq!(labels.contains_key("le"), suffix == "_bucket", "{line}");
            let twin = |other: &&Sample| other.name == name && other.labels == labels;
            assert!(family.samples.iter().find(twin).is_none(), "{line} is there twice");
            family.samples.push(Sample { name: name.to_owned(), labels, value });
        }
    }
    for family in families.iter().filter(|family| family.kind == "histogram") {
        check_histogram(family);
    }
    families.into_iter().map(|family| (family.name.clone(), family)).collect()
}

/// Buckets ascend, what they count too, and the last is all.
fn check_histogram(family: &Family) {
    let of = |labels: &Labels| {
        labels.clone().into_iter().filter(|(name, _)| name != "le").collect::<Labels>()
    };
    let all: BTreeSet<Labels> = family.samples.iter().map(|sample| of(&sample.labels)).collect();
    for labels in all {
        let name = |suffix: &str| format!("{}{suffix}", family.name);
        let own: Vec<&Sample> =
            family.samples.iter().filter(|sample| of(&sample.labels) == labels).collect();
        let one = |suffix| {
            let mut found = own.iter().filter(|sample| sample.name == name(suffix));
            let value = found.next().expect(suffix).value;
            assert!(found.next().is_none());
            value
        };
        let buckets: Vec<(f64, f64)> = own
            .iter()
            .filter(|sample| sample.name == name("_bucket"))
            .map(|sample| (sample.labels["le"].parse().unwrap(), sample.value))
            .collect();
        assert!(buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1));
        assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, one("_count")));
        assert!(one("_sum") >= 0.0);
    }
}

impl Family {
    /// The value of the one line with this name's end and these labels; 0: there is none.
    fn value(&self, suffix: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Labels = labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let name = format!("{}{suffix}", self.name);
        let found = self.samples.iter().find(|one| one.name == name && one.labels == labels);
        found.map_or(0.0, |sample| sample.value)
    }
}

async fn metrics(app: &TestApp) -> BTreeMap<String, Family> {
    let reply = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200);
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    parse(reply.body.as_str().unwrap())
}

/// Seen to catch buckets that are not cumulative, a label that is not escaped, a route counted as another, and a status as
/// another class.
#[tokio::test]
async fn what_was_sent_is_what_was_counted() {
    let app = TestApp::start().await;
    let idp = app.idp();
    // A connector's name may hold what has to be escaped.
    let named = json!({ "name": "a \"b\" \\ c", "preset": "generic" });
    app.operator().post("/tenants/acme/connectors", named).await.expect(201);
    for number in 0..7 {
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("m{number}@acme.com") });
        let id = idp.post("/Users", user).await.expect(201).body["id"].as_str().unwrap().to_owned();
        idp.get(&format!("/Users/{id}")).await.expect(200);
        idp.get(&format!("/Users/{id}?attributes=userName")).await.expect(200);
        idp.get(&format!("/Users/{id}x")).await.expect(404);
    }
    let own = |verb: &str| Method::from_bytes(verb.as_bytes()).unwrap();
    for verb in ["BREW", "STIR"] {
        app.stranger(None).send(own(verb), "/scim/acme/v2/Users", &[], None).await.expect(401);
    }
    let families = metrics(&app).await;
    let (total, seconds) =
        (&families["rollbook_http_requests_total"], &families["rollbook_http_request_seconds"]);
    let of = |route, method, status| [("route", route), ("method", method), ("status", status)];
    for (route, method, status, times) in [
        ("scim_users", "POST", "2xx", 7.0),
        ("scim_user", "GET", "2xx", 14.0),
        ("scim_user", "GET", "4xx", 7.0),
        ("scim_user", "GET", "5xx", 0.0),
        ("scim_users", "other", "4xx", 2.0),
    ] {
        assert_eq!(total.value("", &of(route, method, status)), times, "{route} {method} {status}");
    }
    let counted = |route, method| seconds.value("_count", &[("route", route), ("method", method)]);
    assert_eq!(counted("scim_user", "GET"), 21.0);
    assert_eq!(counted("scim_users", "POST"), 7.0);
    assert!(seconds.value("_sum", &[("route", "scim_user"), ("method", "GET")]) > 0.0);
    // Neither an id, nor a slug, nor a method that nobody knows is told.
    for sample in total.samples.iter().chain(&seconds.samples) {
        let known = |label: &str| ["route", "method", "status", "le"].contains(&label);
        assert!(sample.labels.keys().all(|label| known(label)));
        assert!(sample.labels.values().all(|value| !value.contains("acme") && value != "BREW"));
    }
    let all: f64 = total.samples.iter().map(|sample| sample.value).sum();
    let took: f64 =
        seconds.samples.iter().filter(|s| s.name.ends_with("_count")).map(|s| s.value).sum();
    assert_eq!(all, took);
    let again = metrics(&app).await;
    let operations = [("route", "operations"), ("method", "GET"), ("status", "2xx")];
    let before = total.value("", &operations);
    assert_eq!(again["rollbook_http_requests_total"].value("", &operations), before + 1.0);

    let named = Labels::from([
        ("tenant".to_owned(), "acme".to_owned()),
        ("connector".to_owned(), "a \"b\" \\ c".to_owned()),
    ]);
    let requests = &families["rollbook_scim_requests_total"].samples;
    assert!(requests.iter().any(|sample| sample.labels == named));
    assert_eq!(families["rollbook_problems_total"].value("", &[("kind", "refused")]), 9.0);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(families["rollbook_build_info"].value("", &version), 1.0);
    assert!(families["process_resident_memory_bytes"].value("", &[]) > 1e6);
    assert_eq!(families["rollbook_ready"].value("", &[]), 1.0);
    assert_eq!(families["rollbook_log_damaged"].value("", &[]), 0.0);
    assert_eq!(families["rollbook_log_check_remaining"].value("", &[]), 0.0);
}

/// Each commit is in one turn, and no turn is durable without a sync.
#[tokio::test]
async fn turns_and_syncs_are_counted() {
    let app = TestApp::start().await;
    let before = metrics(&app).await;
    for number in 0..5 {
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("t{number}@acme.com") });
        app.idp().post("/Users", user).await.expect(201);
    }
    let after = metrics(&app).await;
    let more =
        |family: &str, suffix| after[family].value(suffix, &[]) - before[family].value(suffix, &[]);
    assert_eq!(
        (more("rollbook_turn_commits", "_sum"), more("rollbook_turn_commits", "_count")),
        (5.0, 5.0)
    );
    assert!(more("rollbook_log_sync_seconds", "_count") >= 5.0);
    assert!(more("rollbook_log_sync_seconds", "_sum") > 0.0);
    for why in ["busy", "unavailable"] {
        assert_eq!(after["rollbook_writer_refusals_total"].value("", &[("why", why)]), 0.0);
    }
}
