//! A random history of a tenant, and what is asked of it while it runs.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{OPERATOR_KEY, TestApp};

use crate::messages::{CORE, GROUP, patch};

/// A seeded stream of numbers (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

/// Someone who was created. Every value of theirs has [`Person::token`] in it.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) is_there: bool,
}

impl Person {
    pub(super) fn token(&self) -> String {
        token(self.number)
    }
}

fn token(number: usize) -> String {
    format!("canary{number}x")
}

/// A request, from the server's root.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) key: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
}

/// What a client can hold on to of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

/// An answer, and the moment at which it was given.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) ask: Ask,
    pub(super) answer: Answer,
    /// What the answer says that it shows; else where the log ended.
    pub(super) position: u64,
    /// The time, if it means that position for ever.
    pub(super) time: Option<i64>,
    head: u64,
    at: i64,
    /// The numbers of the people who were there.
    pub(super) there: BTreeSet<usize>,
}

const TOLD: [&str; 9] = [
    "content-type",
    "etag",
    "location",
    "content-location",
    "rollbook-position",
    "allow",
    "www-authenticate",
    "retry-after",
    "cache-control",
];

impl Ask {
    fn get(key: &str, path: impl Into<String>) -> Ask {
        let (key, path) = (key.to_owned(), path.into());
        Ask { key, method: Method::GET, path, headers: Vec::new(), body: None }
    }

    /// The same as of a moment.
    pub(super) fn as_of(&self, moment: impl std::fmt::Display) -> Ask {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        Ask { path: format!("{}{mark}asOf={moment}", self.path), ..self.clone() }
    }

    /// Asks under a name that does not change with the port; tokens of cursors, which are never the
    /// same twice, are left out of the answer, and answered beside it.
    pub(super) async fn send(
        &self,
        app: &TestApp,
        http: &reqwest::Client,
    ) -> (Answer, Option<String>) {
        let mut request = http
            .request(self.method.clone(), format!("{}{}", app.url, self.path))
            .header("host", "rollbook.test")
            .bearer_auth(&self.key);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.header("content-type", "application/scim+json").body(body.clone());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let told = |name: &&str| {
            let value = answer.headers().get(*name)?.to_str().ok()?;
            Some(format!("{name}: {value}"))
        };
        let headers = TOLD.iter().filter_map(told).collect();
        let mut body = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        const CURSOR: &str = "\"nextCursor\":\"";
        let token = body.find(CURSOR).map(|at| {
            let begin = at + CURSOR.len();
            let end = begin + body[begin..].find('"').unwrap();
            let token = body[begin..end].to_owned();
            body.replace_range(begin..end, "");
            token
        });
        (Answer { status, headers, body }, token)
    }
}

impl Answer {
    pub(super) fn position(&self) -> Option<u64> {
        let said = self.headers.iter().find_map(|h| h.strip_prefix("rollbook-position: "));
        said.map(|position| position.parse().unwrap())
    }
}

/// A tenant's history while it runs.
pub(super) struct History {
    pub(super) app: TestApp,
    pub(super) http: reqwest::Client,
    pub(super) dice: Dice,
    pub(super) people: Vec<Person>,
    pub(super) recorded: Vec<Recorded>,
    groups: Vec<String>,
    schemas: usize,
    keys: Vec<String>,
    me: String,
    cursors: Vec<(Ask, String)>,
    ends: Vec<(u64, i64)>,
    head: u64,
}

const ACME: &str = "/scim/acme/v2";
const ADMIN: &str = "/admin/v1/tenants/acme";

impl History {
    pub(super) async fn begin(seed: u64) -> History {
        let app = TestApp::start().await;
        let new = json!({ "name": "entra", "preset": "entra" });
        let added = app.operator().post("/tenants/acme/connectors", new).await.expect(201).body;
        let keys = vec![TestApp::key("acme"), added["apiKey"].as_str().unwrap().to_owned()];
        let mut history = History {
            app,
            http: reqwest::Client::new(),
            dice: Dice(seed),
            people: Vec::new(),
            recorded: Vec::new(),
            groups: Vec::new(),
            schemas: 0,
            keys,
            me: String::new(),
            cursors: Vec::new(),
            ends: Vec::new(),
            head: 0,
        };
        history.hire().await;
        let who = json!({ "user": history.people[0].id });
        let issued =
            history.app.operator().post("/tenants/acme/credentials", who).await.expect(201);
        history.me = issued.body["apiKey"].as_str().unwrap().to_owned();
        history
    }

    /// One thing happens, sometimes in the same millisecond as the one before; then, sometimes, some
    /// things are asked.
    pub(super) async fn step(&mut self) {
        let passed = self.dice.of(&[0, 0, 1, 1, 2, 1_000]);
        self.app.clock.fetch_add(passed, Ordering::Relaxed);
        match self.dice.below(20) {
            0..=3 => self.hire().await,
            4..=8 => self.change_person().await,
            9 => self.dismiss().await,
            10..=13 => self.change_group().await,
            14 => self.change_connector().await,
            15 => self.change_roles().await,
            16 => self.add_schema().await,
            17 => self.change_rules().await,
            18 => self.elsewhere().await,
            _ => {}
        }
        let shown = self.app.operator().get("/tenants/acme").await.expect(200).body;
        let head = shown["head"]["position"].as_u64().unwrap();
        if head > self.head {
            self.head = head;
            self.ends.push((head, self.app.clock.load(Ordering::Relaxed)));
        }
        for _ in 0..self.dice.below(6) {
            self.read().await;
        }
    }

    /// That nothing more happens: which times mean one position is known now.
    pub(super) fn end(&mut self) {
        for recorded in &mut self.recorded {
            let (head, at) = (recorded.head, recorded.at);
            let is_last = !self.ends.iter().any(|(end, time)| *end > head && *time == at);
            recorded.time = (is_last && recorded.position == head).then_some(at);
        }
    }

    fn key(&mut self) -> String {
        let keys = self.keys.clone();
        self.dice.of(&keys)
    }

    fn someone(&mut self) -> Person {
        let people = self.people.clone();
        self.dice.of(&people)
    }

    fn some_group(&mut self) -> String {
        let groups = self.groups.clone();
        if groups.is_empty() { "none".to_owned() } else { self.dice.of(&groups) }
    }

    async fn write(&self, key: &str, method: Method, path: &str, body: Value) -> Value {
        let client = self.app.stranger(Some(key));
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        client.send(method, path, &[], body).await.body
    }

    async fn hire(&mut self) {
        let (number, key) = (self.people.len(), self.key());
        let t = token(number);
        let mut user = json!({
            "schemas": [CORE], "userName": format!("{t}@acme.com"), "title": format!("Dr {t}"),
            "name": { "familyName": format!("Family {t}") }, "externalId": format!("ext-{t}"),
            "emails": [{ "value": format!("{t}@home.example"), "type": "home" }],
            "active": number == 0 || self.dice.below(4) > 0,
            "roles": [{ "value": self.dice.of(&["Analyst", "Admin", "Custom0", "Business User"]) }],
        });
        if self.schemas > 0 && self.dice.below(2) == 0 {
            let urn = urn(self.dice.below(self.schemas));
            user["schemas"].as_array_mut().unwrap().push(json!(urn));
            user[urn] = json!({ "number": number, "note": format!("note {t}") });
        }
        let made = self.write(&key, Method::POST, &format!("{ACME}/Users"), user).await;
        if let Some(id) = made["id"].as_str() {
            self.people.push(Person { number, id: id.to_owned(), is_there: true });
        }
    }

    async fn change_person(&mut self) {
        let (who, key) = (self.someone(), self.key());
        let (t, n) = (who.token(), self.dice.below(1_000));
        let operation = match self.dice.below(7) {
            0 => json!({ "op": "replace", "path": "title", "value": format!("{n} {t}") }),
            // The first one stays active: whose key is good is of now.
            1 => {
                json!({ "op": "replace", "path": "active", "value": n % 2 == 0 || who.number == 0 })
            }
            2 => {
                json!({ "op": "replace", "path": "userName", "value": format!("{n}.{t}@acme.com") })
            }
            3 => {
                json!({ "op": "add", "path": "roles", "value": [{ "value": self.dice.of(&["Analyst", "Admin", "Custom1"]) }] })
            }
            4 => json!({ "op": "remove", "path": "title" }),
            5 => json!({ "op": "replace", "path": "externalId", "value": format!("{n}-{t}") }),
            _ => {
                json!({ "op": "add", "path": format!("{}:note", urn(0)), "value": format!("{n} {t}") })
            }
        };
        let path = format!("{ACME}/Users/{}", who.id);
        self.write(&key, Method::PATCH, &path, patch(json!([operation]))).await;
    }

    async fn dismiss(&mut self) {
        // The first one stays: their key asks for `/Me`.
        let at = 1 + self.dice.below(self.people.len());
        let key = self.key();
        if let Some(person) = self.people.get_mut(at) {
            person.is_there = false;
            let path = format!("{ACME}/Users/{}", person.id);
            self.write(&key, Method::DELETE, &path, Value::Null).await;
        }
    }

    async fn change_group(&mut self) {
        let (key, who, n) = (self.key(), self.someone().id, self.dice.below(1_000));
        let path = format!("{ACME}/Groups/{}", self.some_group());
        let change = match self.dice.below(6) {
            0 | 1 => {
                let name = format!("Group {}", self.groups.len());
                let group = json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": who }] });
                let made = self.write(&key, Method::POST, &format!("{ACME}/Groups"), group).await;
                self.groups.extend(made["id"].as_str().map(str::to_owned));
                return;
            }
            2 if n % 3 == 0 => {
                self.write(&key, Method::DELETE, &path, Value::Null).await;
                return;
            }
            3 => json!({ "op": "replace", "path": "displayName", "value": format!("Renamed {n}") }),
            4 => json!({ "op": "remove", "path": format!("members[value eq \"{who}\"]") }),
            _ => json!({ "op": "add", "path": "members", "value": [{ "value": who }] }),
        };
        self.write(&key, Method::PATCH, &path, patch(json!([change]))).await;
    }

    async fn change_connector(&mut self) {
        let name = self.dice.of(&["okta", "entra"]);
        let settings = json!({
            "mode": self.dice.of(&["strict", "lenient", "interop"]),
            "catalogue": self.dice.of(&["none", "draft", "okta"]),
            "patchAnswer": self.dice.of(&["standard", "resource"]),
        });
        let path = format!("{ADMIN}/connectors/{name}");
        self.write(OPERATOR_KEY, Method::PATCH, &path, settings).await;
    }

    async fn change_roles(&mut self) {
        let role = format!("Custom{}", self.dice.below(3));
        let (who, n) = (self.someone().id, self.dice.below(1_000));
        let (method, path, body) = match self.dice.below(4) {
            0 => (Method::DELETE, format!("{ADMIN}/roles/{role}"), Value::Null),
            1 => (Method::PUT, format!("{ADMIN}/users/{who}/roles/{role}"), json!({})),
            2 => (Method::DELETE, format!("{ADMIN}/users/{who}/roles/{role}"), Value::Null),
            _ => {
                let role = json!({ "name": role, "description": format!("for {n}") });
                (Method::POST, format!("{ADMIN}/roles"), role)
            }
        };
        self.write(OPERATOR_KEY, method, &path, body).await;
    }

    async fn add_schema(&mut self) {
        if self.schemas < 3 {
            let schema = json!({ "schema": {
                "id": urn(self.schemas), "name": format!("Extra{}", self.schemas),
                "attributes": [
                    { "name": "number", "type": "integer" }, { "name": "note", "type": "string" },
                ],
            } });
            self.write(OPERATOR_KEY, Method::POST, &format!("{ADMIN}/schemas"), schema).await;
            self.schemas += 1;
        }
    }

    async fn change_rules(&mut self) {
        let (group, role) = (self.some_group(), self.dice.of(&["Analyst", "Admin", "Custom0"]));
        let rule = json!({ "group": group, "role": role });
        self.write(OPERATOR_KEY, Method::POST, &format!("{ADMIN}/rules"), rule).await;
    }

    /// What happens in another tenant is nobody else's past.
    async fn elsewhere(&mut self) {
        let body = json!({ "schemas": [CORE], "userName": format!("g{}", self.dice.below(100)) });
        self.write(&TestApp::key("globex"), Method::POST, "/scim/globex/v2/Users", body).await;
    }

    async fn read(&mut self) {
        if self.dice.below(8) == 0 && !self.cursors.is_empty() {
            // A walk that was begun before goes on, whatever was written meanwhile.
            let cursors = self.cursors.clone();
            let (first, token) = self.dice.of(&cursors);
            let path = first.path.replacen("cursor", &format!("cursor={token}"), 1);
            self.record(Ask { path, ..first }).await;
            return;
        }
        let ask = self.question();
        let token = self.record(ask.clone()).await;
        self.cursors.extend(token.map(|token| (ask, token)));
    }

    async fn record(&mut self, ask: Ask) -> Option<String> {
        let (answer, token) = ask.send(&self.app, &self.http).await;
        let position = answer.position().unwrap_or(self.head);
        let there = self.people.iter().filter(|p| p.is_there).map(|p| p.number).collect();
        let at = self.app.clock.load(Ordering::Relaxed);
        let head = self.head;
        self.recorded.push(Recorded { ask, answer, position, time: None, head, at, there });
        token
    }

    fn question(&mut self) -> Ask {
        let (key, who) = (self.key(), self.someone());
        let (t, group, n) = (who.token(), self.some_group(), self.dice.below(12));
        let one = format!("{ACME}/Users/{}", who.id);
        match self.dice.below(15) {
            0 => Ask::get(&key, one),
            1 => Ask::get(&key, format!("{one}?attributes=userName,title,roles,groups")),
            2 => {
                let versions = (1 + n as u64..=self.head).step_by(2);
                let tags: Vec<String> = versions.map(|v| format!("W/\"{v}\"")).collect();
                let tag = tags.join(", ");
                Ask { headers: vec![("if-none-match", tag)], ..Ask::get(&key, one) }
            }
            3 => Ask { method: Method::HEAD, ..Ask::get(&key, one) },
            4 => Ask::get(&key, format!("{ACME}/Groups/{group}")),
            5 => Ask::get(
                &key,
                format!(
                    "{ACME}/Groups?filter={}&count=5",
                    encoded(&format!(
                        "members.value eq \"{}\" or displayName sw \"Renamed\"",
                        who.id
                    ))
                ),
            ),
            6 | 7 => {
                let filter = self.filter(&t);
                let sort =
                    self.dice.of(&["", "&sortBy=userName&sortOrder=descending", "&sortBy=title"]);
                let page = self.dice.of(&["", "&count=3", "&count=0", "&startIndex=4&count=3"]);
                let filter = encoded(&filter);
                Ask::get(&key, format!("{ACME}/Users?filter={filter}{sort}{page}"))
            }
            8 => {
                let start = self.dice.of(&[1, 4, 7]);
                Ask::get(&key, format!("{ACME}/Users?sortBy=userName&count=3&startIndex={start}"))
            }
            9 => {
                let list = self.dice.of(&[
                    "Users?cursor&count=2",
                    "Groups?cursor&count=1",
                    "Users?cursor&count=3&sortBy=title",
                ]);
                Ask::get(&key, format!("{ACME}/{list}"))
            }
            10 => {
                let filter = self.filter(&t);
                let at = self.dice.of(&["/Users/.search", "/.search"]);
                let search = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                    "filter": filter, "sortBy": "meta.created", "count": 4,
                    "excludedAttributes": ["emails"],
                });
                let ask = Ask::get(&key, format!("{ACME}{at}"));
                Ask { method: Method::POST, body: Some(search.to_string()), ..ask }
            }
            11 => {
                let list = self.dice.of(&[
                    "/Schemas",
                    "/ResourceTypes",
                    "/ServiceProviderConfig",
                    "/Roles",
                    "/Entitlements",
                    "/Roles/Custom0",
                    "/Roles/Admin",
                    "/Schemas/urn:example:extra0",
                    "/ResourceTypes/User",
                    "/ResourceTypes/Role",
                    "/?count=4",
                    "/Roles?filter=value+eq+%22Custom1%22",
                    "/Schemas?filter=id+pr",
                    "/Users?filter=title+is+Dr",
                    "/Groups?filter=nobody+eq+%22x%22",
                    "/Nothing",
                ]);
                Ask::get(&key, format!("{ACME}{list}"))
            }
            12 => Ask::get(&self.me, format!("{ACME}/Me?excludedAttributes=emails")),
            13 => {
                let path = self.dice.of(&[
                    "",
                    "/roles",
                    "/rules",
                    "/schemas",
                    "/audit/commits?count=4&order=newest",
                    "/audit/commits?count=3&event=RoleAssigned,RoleRevoked",
                ]);
                Ask::get(OPERATOR_KEY, format!("{ADMIN}{path}"))
            }
            _ => Ask::get(&key, format!("{ACME}/Users/00000000-0000-0000-0000-{n:012}")),
        }
    }

    /// Some attributes are known only from a moment on, and some values are another's only then.
    fn filter(&mut self, t: &str) -> String {
        match self.dice.below(9) {
            0 => format!("userName eq \"{t}@acme.com\""),
            1 => format!("externalId eq \"ext-{t}\""),
            2 => "active eq true".to_owned(),
            3 => "title pr and not (active eq false)".to_owned(),
            4 => "roles.value eq \"Analyst\"".to_owned(),
            5 => format!("{}:number ge {}", urn(self.dice.below(3)), self.dice.below(20)),
            6 => format!("groups.display eq \"Group {}\"", self.dice.below(4)),
            7 => "meta.lastModified ge \"2026-01-01T00:00:02Z\"".to_owned(),
            _ => format!("emails[type eq \"home\" and value co \"{t}\"]"),
        }
    }
}

fn urn(number: usize) -> String {
    format!("urn:example:extra{number}")
}

fn encoded(filter: &str) -> String {
    filter.replace(' ', "%20").replace('"', "%22").replace('[', "%5B").replace(']', "%5D")
}
