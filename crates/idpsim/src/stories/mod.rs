//! Histories worth recording: what identity providers and an operator did to one tenant over days or a
//! year, played against a real server, with a ledger of who did what that no server wrote.
//!
//! Separate from [`Script`](crate::Script), which is one provider's month: a story has several
//! hands in it, and ends with questions that an auditor would ask. The ledger is kept by the
//! story from what it means to do and what the protocol says comes of it; that an audit of the
//! log says the same is for a test to find out.

mod entra_year;
mod erased_person;
mod group_rules;
mod ledger;
mod link;
mod mass_mistake;
mod okta_month;
mod stage;
mod two_idps;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

pub use ledger::Deed;
pub use stage::Stage;

use crate::wire::{ClientError, escaped};

/// The stories that can be played, each with what it tells.
pub const STORIES: [(&str, &str); 6] = [
    ("okta-month", "a company's first month on Okta, with a question about a Sunday night"),
    ("entra-year", "200 people on Entra ID for a year, with a new domain and a new key half-way"),
    ("two-idps", "Okta for employees and OneLogin for contractors, with grants by an operator"),
    ("mass-mistake", "a group rule is edited wrongly on a Friday, and 300 of 400 lose everything"),
    ("erased-person", "somebody asks to be forgotten, and their name goes to somebody else"),
    ("group-rules", "roles that follow from groups, and from groups in groups"),
];

/// What a story leaves behind, beside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the story itself knows: the moments and the people that its questions are about.
    pub facts: Map<String, Value>,
    /// Who did what, in order.
    pub deeds: Vec<Deed>,
    /// What an auditor would ask.
    pub questions: Vec<Question>,
}

impl Told {
    /// The facts and the deeds as they are kept in a file: `{"facts":{…},"names":[…],"deeds":[…]}`. A
    /// deed is `[at, by, event, of, [who…]]`, where `who` are places among the names, because each
    /// stands in many deeds.
    pub fn written(&self) -> Value {
        let mut names: Vec<&str> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut deeds = Vec::new();
        for deed in &self.deeds {
            let mut who = Vec::new();
            for name in &deed.who {
                let place = *places.entry(name).or_insert_with(|| {
                    names.push(name);
                    names.len() - 1
                });
                who.push(place);
            }
            deeds.push(json!([shown(deed.at), deed.by, deed.event, deed.of, who]));
        }
        json!({ "facts": self.facts, "names": names, "deeds": deeds })
    }
}

/// A question, as a GET below `/admin/v1/tenants/{tenant}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question in words.
    pub name: String,
    /// The path, with its query.
    pub path: String,
}

/// When the story of this name begins, for a clock that is to stand there before anything is done.
pub fn begins(name: &str) -> Option<DateTime<Utc>> {
    let seconds = match name {
        "okta-month" => okta_month::START_SECONDS,
        "entra-year" => entra_year::START_SECONDS,
        "two-idps" => two_idps::START_SECONDS,
        "mass-mistake" => mass_mistake::START_SECONDS,
        "erased-person" => erased_person::START_SECONDS,
        "group-rules" => group_rules::START_SECONDS,
        _ => return None,
    };
    DateTime::from_timestamp(seconds, 0)
}

/// Plays the story of this name; none if there is no such one. It ends at the first answer that the
/// client could not live with.
pub async fn play(name: &str, stage: &Stage) -> Option<Result<Told, ClientError>> {
    Some(match name {
        "okta-month" => okta_month::play(stage).await,
        "entra-year" => entra_year::play(stage).await,
        "two-idps" => two_idps::play(stage).await,
        "mass-mistake" => mass_mistake::play(stage).await,
        "erased-person" => erased_person::play(stage).await,
        "group-rules" => group_rules::play(stage).await,
        _ => return None,
    })
}

/// The questions of a story, in the making.
#[derive(Default)]
struct Questions(Vec<Question>);

impl Questions {
    /// Any GET: `query` is written as it is read.
    fn ask(&mut self, name: &str, path: &str, query: &[(&str, &str)]) {
        let mut path = path.to_owned();
        for (number, (key, value)) in query.iter().enumerate() {
            path.push(if number == 0 { '?' } else { '&' });
            path.push_str(&format!("{key}={}", escaped(value)));
        }
        self.0.push(Question { name: name.to_owned(), path });
    }

    /// Which commits there are.
    fn commits(&mut self, name: &str, query: &[(&str, &str)]) {
        let whole: Vec<_> = query.iter().copied().chain([("count", "1000")]).collect();
        self.ask(name, "/audit/commits", &whole);
    }
}

/// Asks how somebody's roles came to be.
fn ask_roles(questions: &mut Questions, name: &str, user: &str) {
    questions.commits(name, &[("user", user), ("event", "RoleAssigned,RoleRevoked")]);
}

/// A moment as it is written in facts and questions.
fn shown(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}
