//! The recorded answers are right, not only the same as ever: each story kept a ledger of its own while it was
//! played, from what it meant to do and what SCIM says comes of it. What the audit answers is held
//! against that ledger, and against what the story is known to be about.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::app::Client;
use testkit::fixture::{self, Fixture};

/// Below what every question of these stories is asked.
const ACME: &str = "/admin/v1/tenants/acme";
/// What stands for the name of somebody who was erased.
const ERASED: &str = "(erased)";

/// One thing that was done to one user, or to none: the ledger's and the audit's words alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Done {
    at: String,
    by: String,
    event: String,
    /// The role or the group.
    of: String,
    who: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The story's ledger.
fn ledger(facts: &Value) -> Vec<Done> {
    let mut all = Vec::new();
    for deed in facts["deeds"].as_array().unwrap() {
        let who = deed[4].as_array().unwrap().iter();
        let names = who.map(|place| text(&facts["names"][place.as_u64().unwrap() as usize]));
        let names: Vec<String> = names.collect();
        for who in if names.is_empty() { vec![String::new()] } else { names } {
            let [at, by, event, of] = [0, 1, 2, 3].map(|field| text(&deed[field]));
            all.push(Done { at, by, event, of, who });
        }
    }
    all.sort();
    all
}

/// What answered commits say was done.
fn told(commits: &Value) -> Vec<Done> {
    let mut all = Vec::new();
    for entry in commits.as_array().unwrap() {
        for told in entry["events"].as_array().unwrap() {
            let event = text(&told["type"]);
            let name = |field: &str| told[field].as_str().map(str::to_owned);
            let of = match event.as_str() {
                "RoleAssigned" | "RoleRevoked" => name("roleName"),
                group if group.starts_with("Group") => name("groupName"),
                _ => None,
            };
            let is_about = told.get("user").or_else(|| told.get("member")).is_some();
            let who = name("userName").or_else(|| name("memberName"));
            let who = who.or_else(|| is_about.then(|| ERASED.to_owned())).unwrap_or_default();
            let (at, by) = (text(&entry["at"]), text(&entry["actor"]["name"]));
            all.push(Done { at, by, event, of: of.unwrap_or_default(), who });
        }
    }
    all.sort();
    all
}

/// Every commit of the tenant, page by page.
async fn everything(operator: &Client) -> Vec<Value> {
    let (mut all, mut from) = (Vec::new(), 1);
    loop {
        let path = format!("{ACME}/audit/commits?from={from}&count=500");
        let page = operator.get(&path).await.expect(200).body;
        all.extend(page["commits"].as_array().unwrap().iter().cloned());
        match page["next"]["from"].as_u64() {
            Some(next) => from = next,
            None => return all,
        }
    }
}

/// Seen to catch: an event that the audit leaves out, a name as it is now instead of as it was then, a
/// membership that ends through somebody else's source, and a wrong actor.
#[tokio::test(flavor = "multi_thread")]
async fn every_commit_is_in_the_ledger_and_nothing_else_is() {
    for name in fixture::names() {
        let fixture = Fixture::replay(&name);
        if fixture.facts.is_null() {
            continue;
        }
        let serving = fixture.serve().await;
        let told = told(&Value::from(everything(&serving.operator).await));
        let ledger = ledger(&fixture.facts);
        let only = |these: &[Done], those: &[Done]| -> Vec<String> {
            let mut count: BTreeMap<&Done, i64> = BTreeMap::new();
            these.iter().for_each(|done| *count.entry(done).or_default() += 1);
            those.iter().for_each(|done| *count.entry(done).or_default() -= 1);
            let more = count.into_iter().filter(|(_, count)| *count > 0);
            more.take(8).map(|(done, count)| format!("{count} × {done:?}")).collect()
        };
        let (untold, unknown) = (only(&ledger, &told), only(&told, &ledger));
        assert!(
            untold.is_empty() && unknown.is_empty(),
            "{name}:\nonly in the ledger: {untold:#?}\nonly in the answer: {unknown:#?}"
        );
        assert!(told.len() > 100, "{name}: hardly anything happened");
    }
}
