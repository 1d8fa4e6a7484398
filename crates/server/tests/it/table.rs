//! Tables of what clients send: each row has people and a group of its own, says in our words what
//! is done, and what must be true then. All rows of a table are tried; what fails is told at once.
//!
//! In paths, filters and bodies `{ada}`, `{bob}` and `{mia}` are the ids of the row's users,
//! `{sales}` that of its group, whose members are Ada and Bob, and `{n}` is the row's number.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Client, Reply};

use crate::messages::{CORE, ENTERPRISE, ERROR, GROUP, encoded, patch};

/// A path within a JSON pointer to the enterprise extension.
pub(crate) fn enterprise(attribute: &str) -> String {
    format!("/{ENTERPRISE}/{attribute}")
}

/// One row.
pub(crate) struct Row {
    says: &'static str,
    given: Value,
    steps: Vec<Step>,
}

enum Step {
    Send {
        method: Method,
        path: String,
        headers: Vec<(&'static str, &'static str)>,
        body: Option<Value>,
        statuses: &'static [u16],
    },
    /// A request that must be refused so, and change nothing.
    Refused {
        method: Method,
        path: String,
        body: Option<Value>,
        status: u16,
        kind: Option<&'static str>,
    },
    /// What the last answer must hold.
    Answers {
        pointer: String,
        value: Option<Value>,
    },
    /// What must be there, or not.
    Sees {
        path: String,
        pointer: String,
        value: Option<Value>,
    },
    Members {
        group: String,
        of: Vec<&'static str>,
    },
    Finds {
        path: String,
        filter: String,
        who: Vec<&'static str>,
    },
}

/// A row that says this of the client.
pub(crate) fn row(says: &'static str) -> Row {
    Row { says, given: Value::Null, steps: Vec::new() }
}

/// Plays all rows with this connector.
pub(crate) async fn play(idp: &Client, rows: Vec<Row>) {
    let mut failed = Vec::new();
    let count = rows.len();
    for (n, row) in rows.into_iter().enumerate() {
        let says = row.says;
        if let Err(why) = Playing::new(idp, n, &row.given).await.row(row.steps).await {
            failed.push(format!("row {n}, {says}:\n  {}", why.replace('\n', "\n  ")));
        }
    }
    assert!(failed.is_empty(), "{} of {count} rows:\n{}", failed.len(), failed.join("\n"));
}

impl Row {
    /// What Ada has beside a user name, or instead of what she usually has.
    pub(crate) fn given(mut self, given: Value) -> Row {
        self.given = given;
        self
    }

    fn send(
        mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        statuses: &'static [u16],
    ) -> Row {
        let (path, headers) = (path.to_owned(), Vec::new());
        self.steps.push(Step::Send { method, path, headers, body, statuses });
        self
    }

    /// A GET that succeeds.
    pub(crate) fn get(self, path: &str) -> Row {
        self.send(Method::GET, path, None, &[200])
    }

    /// A POST that creates.
    pub(crate) fn post(self, path: &str, body: Value) -> Row {
        self.send(Method::POST, path, Some(body), &[201])
    }

    /// A PUT that succeeds.
    pub(crate) fn put(self, path: &str, body: Value) -> Row {
        self.send(Method::PUT, path, Some(body), &[200])
    }

    /// A PATCH of these operations that succeeds, with a body or without.
    pub(crate) fn patch(self, path: &str, operations: Value) -> Row {
        self.send(Method::PATCH, path, Some(patch(operations)), &[200, 204])
    }

    /// A PATCH with this whole body that succeeds.
    pub(crate) fn patch_body(self, path: &str, body: Value) -> Row {
        self.send(Method::PATCH, path, Some(body), &[200, 204])
    }

    /// A DELETE that succeeds.
    pub(crate) fn delete(self, path: &str) -> Row {
        self.send(Method::DELETE, path, None, &[204])
    }

    /// The last request is sent with these headers instead of the usual ones.
    pub(crate) fn with(mut self, set: &[(&'static str, &'static str)]) -> Row {
        if let Some(Step::Send { headers, .. }) = self.steps.last_mut() {
            headers.extend_from_slice(set);
        }
        self
    }

    /// A request that must be refused with this status and `scimType`, and change nothing.
    pub(crate) fn refused(
        mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: u16,
        kind: Option<&'static str>,
    ) -> Row {
        self.steps.push(Step::Refused { method, path: path.to_owned(), body, status, kind });
        self
    }

    /// A PATCH of these operations that must be refused.
    pub(crate) fn bad_patch(self, path: &str, operations: Value, kind: &'static str) -> Row {
        self.refused(Method::PATCH, path, Some(patch(operations)), 400, Some(kind))
    }

    /// The last answer has this value there.
    pub(crate) fn answers(mut self, pointer: &str, value: Value) -> Row {
        self.steps.push(Step::Answers { pointer: pointer.to_owned(), value: Some(value) });
        self
    }

    /// The last answer has nothing there.
    pub(crate) fn answers_without(mut self, pointer: &str) -> Row {
        self.steps.push(Step::Answers { pointer: pointer.to_owned(), value: None });
        self
    }

    /// A GET shows this value there.
    pub(crate) fn sees(mut self, path: &str, pointer: &str, value: Value) -> Row {
        let (path, pointer) = (path.to_owned(), pointer.to_owned());
        self.steps.push(Step::Sees { path, pointer, value: Some(value) });
        self
    }

    /// A GET of Ada shows this value there.
    pub(crate) fn ada(self, pointer: &str, value: Value) -> Row {
        self.sees("/Users/{ada}", pointer, value)
    }

    /// A GET of Ada shows nothing there.
    pub(crate) fn ada_without(self, pointer: &str) -> Row {
        self.lacks("/Users/{ada}", pointer)
    }

    /// A GET shows nothing there.
    pub(crate) fn lacks(mut self, path: &str, pointer: &str) -> Row {
        let (path, pointer) = (path.to_owned(), pointer.to_owned());
        self.steps.push(Step::Sees { path, pointer, value: None });
        self
    }

    /// The row's group has exactly these members.
    pub(crate) fn members(mut self, of: &[&'static str]) -> Row {
        self.steps.push(Step::Members { group: "{sales}".to_owned(), of: of.to_vec() });
        self
    }

    /// A filter finds exactly these.
    pub(crate) fn finds(mut self, path: &str, filter: &str, who: &[&'static str]) -> Row {
        let (path, filter) = (path.to_owned(), filter.to_owned());
        self.steps.push(Step::Finds { path, filter, who: who.to_vec() });
        self
    }
}

/// A row that is played: its people, and the last answer.
struct Playing<'a> {
    idp: &'a Client,
    words: Vec<(&'static str, String)>,
    last: Value,
}

impl Playing<'_> {
    async fn new<'a>(idp: &'a Client, n: usize, given: &Value) -> Playing<'a> {
        let mut words = vec![("{n}", n.to_string())];
        for (word, name) in [("{mia}", "mia"), ("{bob}", "bob"), ("{ada}", "ada")] {
            let mut body = json!({ "schemas": [CORE], "userName": format!("{name}{n}@x.test") });
            if name == "ada"
                && let Value::Object(given) = given
            {
                body.as_object_mut().unwrap().extend(given.clone());
            }
            let body = filled(&words, body);
            words.push((word, idp.post("/Users", body).await.expect(201).id()));
        }
        let body = json!({
            "schemas": [GROUP], "displayName": "Sales {n}",
            "members": [{ "value": "{ada}" }, { "value": "{bob}" }],
        });
        let body = filled(&words, body);
        words.push(("{sales}", idp.post("/Groups", body).await.expect(201).id()));
        Playing { idp, words, last: Value::Null }
    }

    fn path(&self, path: &str) -> String {
        words_in(&self.words, path)
    }

    async fn row(mut self, steps: Vec<Step>) -> Result<(), String> {
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Send { method, path, headers, body, statuses } => {
                let reply = self.send(method, &path, &headers, body).await;
                let ok = statuses.contains(&reply.status.as_u16());
                holds(ok, || format!("{path} was to be answered {statuses:?}: {reply}"))?;
                self.last = reply.body;
                if let Some(id) = self.last.get("id").and_then(Value::as_str) {
                    let id = id.to_owned();
                    self.words.retain(|(word, _)| *word != "{new}");
                    self.words.push(("{new}", id));
                }
                Ok(())
            }
            Step::Refused { method, path, body, status, kind } => {
                let before = self.everything().await;
                let reply = self.send(method, &path, &[], body).await;
                let scim = reply.body["schemas"] == json!([ERROR])
                    && reply.body["status"] == json!(status.to_string())
                    && reply.body["detail"].as_str().is_some_and(|detail| !detail.is_empty())
                    && reply.header("content-type") == "application/scim+json";
                let so = reply.status.as_u16() == status
                    && reply.body.get("scimType").and_then(Value::as_str) == kind;
                holds(so && scim, || format!("{path} was to be {status} {kind:?}: {reply}"))?;
                holds(before == self.everything().await, || format!("{path} changed something"))
            }
            Step::Answers { pointer, value } => {
                let saw = self.last.pointer(&pointer).cloned();
                let wanted = value.map(|value| filled(&self.words, value));
                holds(saw == wanted, || format!("answer{pointer}: {saw:?}, not {wanted:?}"))
            }
            Step::Sees { path, pointer, value } => {
                let reply = self.send(Method::GET, &path, &[], None).await;
                holds(reply.status.as_u16() == 200, || format!("{path}: {reply}"))?;
                let saw = reply.body.pointer(&pointer).cloned();
                let wanted = value.map(|value| filled(&self.words, value));
                holds(saw == wanted, || format!("{path}{pointer}: {saw:?}, not {wanted:?}"))
            }
            Step::Members { group, of } => {
                let reply = self.send(Method::GET, &format!("/Groups/{group}"), &[], None).await;
                let members = reply.body["members"].as_array().cloned().unwrap_or_default();
                let saw: Vec<String> =
                    members.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect();
                let wanted: BTreeSet<String> = of.iter().map(|id| self.path(id)).collect();
                let once = saw.len() == wanted.len();
                let same = saw.iter().cloned().collect::<BTreeSet<_>>() == wanted;
                holds(once && same, || format!("members: {saw:?}, not {wanted:?}"))
            }
            Step::Finds { path, filter, who } => {
                let filter = encoded(&self.path(&filter));
                let reply =
                    self.send(Method::GET, &format!("{path}?filter={filter}"), &[], None).await;
                holds(reply.status.as_u16() == 200, || format!("{filter}: {reply}"))?;
                let found = reply.body["Resources"].as_array().cloned().unwrap_or_default();
                let saw: Vec<String> =
                    found.iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect();
                let wanted: Vec<String> = who.iter().map(|id| self.path(id)).collect();
                let total = reply.body["totalResults"] == wanted.len();
                holds(saw == wanted && total, || format!("{filter}: {saw:?}, not {wanted:?}"))
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let body = body.map(|body| filled(&self.words, body).to_string().into_bytes());
        self.idp.send(method, &self.path(path), headers, body).await
    }

    async fn everything(&self) -> Value {
        let mut all = Vec::new();
        for path in ["/Users?count=1000", "/Groups?count=1000"] {
            all.push(self.idp.get(path).await.expect(200).body);
        }
        Value::Array(all)
    }
}

fn holds(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn words_in(words: &[(&'static str, String)], text: &str) -> String {
    words.iter().fold(text.to_owned(), |text, (word, id)| text.replace(word, id))
}

fn filled(words: &[(&'static str, String)], body: Value) -> Value {
    serde_json::from_str(&words_in(words, &body.to_string())).unwrap()
}
