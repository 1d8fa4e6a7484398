//! Questions in words beside a scan of every commit, by a filter that knows neither the trail nor its facets: it
//! reads the events' JSON.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use audit::{Entry, Order, Question, ask, question};
use domain::commit::Commit;
use domain::event::EventKind;
use domain::id::TenantId;
use domain::origin::Actor;
use domain::position::{Hash, Position};
use engine::Engine;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scim::UserNameKey;
use serde_json::{Value, json};

type Words = Vec<(&'static str, String)>;

/// A tenant's log as its bytes say it, and what only the whole of it tells.
struct History {
    commits: Vec<(Commit, Hash, Vec<Value>)>,
    /// Users by id, with every name that they ever had.
    users: BTreeMap<String, BTreeSet<String>>,
    groups: BTreeMap<String, BTreeSet<String>>,
    roles: BTreeMap<String, String>,
    /// Keys by id, with hint and holder.
    keys: BTreeMap<String, (String, Value)>,
    connector: String,
    told: Vec<Vec<Around>>,
}

/// What the events until one of them say of the user whom it is about.
#[derive(Default, Clone, Debug, PartialEq)]
struct Around {
    user_name: Option<String>,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl History {
    fn of(engine: &Engine, tenant: TenantId) -> Self {
        let mut history = History {
            commits: Vec::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            keys: BTreeMap::new(),
            connector: String::new(),
            told: Vec::new(),
        };
        let (mut names, mut held) = (BTreeMap::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for number in 1.. {
            let at = Position::new(number).unwrap();
            let Some(recorded) = engine.commit(tenant, at).unwrap() else { break };
            let events: Vec<Value> =
                recorded.commit.events.iter().map(|event| json!(event)).collect();
            events.iter().for_each(|event| history.learn(event, &mut names));
            let mut told = Vec::new();
            for event in &events {
                let user = text(&event["user"]);
                let mut around =
                    Around { user_name: names.get(&user).cloned().flatten(), ..Around::default() };
                let kind = event["type"].as_str().unwrap();
                if ["RoleAssigned", "RoleRevoked"].contains(&kind) {
                    let roles = held.entry(user).or_default();
                    let given = (text(&event["role"]), event["source"].to_string());
                    around.before = Some(history.names(roles));
                    match kind {
                        "RoleAssigned" => drop(roles.insert(given)),
                        _ => drop(roles.remove(&given)),
                    }
                    around.after = Some(history.names(roles));
                }
                told.push(around);
            }
            history.told.push(told);
            history.commits.push((recorded.commit, recorded.hash, events));
        }
        history
    }

    fn names(&self, roles: &BTreeSet<(String, String)>) -> Vec<String> {
        let names: BTreeSet<String> = roles.iter().map(|(id, _)| self.roles[id].clone()).collect();
        names.into_iter().collect()
    }

    fn learn(&mut self, event: &Value, names: &mut BTreeMap<String, Option<String>>) {
        let user = text(&event["user"]);
        let personal = &event["personal"];
        match event["type"].as_str().unwrap() {
            "UserCreated" | "UserRenamed" => {
                let name = personal.get("userName").or(personal.get("to")).map(text);
                self.users.entry(user.clone()).or_default().extend(name.clone());
                names.insert(user, name);
            }
            "GroupCreated" | "GroupRenamed" => {
                let name = event.get("displayName").or(event.get("to")).map(text);
                self.groups.entry(text(&event["group"])).or_default().extend(name);
            }
            "RoleDefined" => drop(self.roles.insert(text(&event["role"]), text(&event["name"]))),
            // The simulation adds others, under other names.
            "ConnectorAdded" if event["name"] == "okta" => {
                self.connector = text(&event["connector"]);
            }
            "CredentialIssued" => {
                let key = (text(&event["hint"]), event["holder"].clone());
                self.keys.insert(text(&event["credential"]), key);
            }
            "CredentialRegistered" => {
                let proof = &event["proof"];
                let hint = [&proof["password"]["user"], &proof["publicKey"]["kid"]];
                let hint = hint.into_iter().find(|hint| !hint.is_null()).unwrap();
                let key = (text(hint), event["holder"].clone());
                self.keys.insert(text(&event["credential"]), key);
            }
            _ => {}
        }
    }

    /// The ids of users that `who` means.
    fn users(&self, who: &str) -> Vec<String> {
        if self.users.contains_key(who) {
            return vec![who.to_owned()];
        }
        let key = UserNameKey::of(who).unwrap();
        let is = |name: &String| UserNameKey::of(name).is_ok_and(|there| there == key);
        let users = self.users.iter().filter(|(_, names)| names.iter().any(is));
        users.map(|(id, _)| id.clone()).collect()
    }

    fn groups(&self, what: &str) -> Vec<String> {
        let is = |name: &String| name.eq_ignore_ascii_case(what);
        let groups = self.groups.iter();
        let groups = groups.filter(|(id, names)| *id == what || names.iter().any(is));
        groups.map(|(id, _)| id.clone()).collect()
    }

    fn keys(&self, what: &str) -> Vec<String> {
        let keys = self.keys.iter().filter(|(id, (hint, _))| *id == what || hint == what);
        keys.map(|(id, _)| id.clone()).collect()
    }

    fn held_by(&self, holder: &Value) -> Vec<String> {
        let keys = self.keys.iter().filter(|(_, (_, there))| there == holder);
        keys.map(|(id, _)| id.clone()).collect()
    }

    /// Every group that a user was in at any time, or that such a group was in.
    fn groups_ever(&self, user: &str) -> BTreeSet<String> {
        let mut groups = BTreeSet::new();
        loop {
            let before = groups.len();
            for event in self.commits.iter().flat_map(|(.., events)| events) {
                let member = &event["member"];
                let is_in = member["User"] == user || groups.contains(&text(&member["Group"]));
                if event["type"] == "GroupMemberAdded" && is_in {
                    groups.insert(text(&event["group"]));
                }
            }
            if groups.len() == before {
                return groups;
            }
        }
    }

    /// Whether an event meets a word, for one of its values.
    fn meets(&self, word: &str, value: &str, commit: &Commit, event: &Value) -> bool {
        let kind = event["type"].as_str().unwrap();
        let origin = &commit.origin;
        let (maker, key) = match origin.actor {
            Actor::Connector { id, credential } => (id.to_string(), credential.to_string()),
            Actor::Operator { id } => (id.to_string(), String::new()),
            Actor::System => ("system".to_owned(), String::new()),
        };
        let any = |ids: Vec<String>, fields: &[&str]| {
            ids.iter().any(|id| {
                fields.iter().any(|field| match field.split_once('.') {
                    Some((outer, inner)) => event[outer][inner] == id.as_str(),
                    None => event[field] == id.as_str(),
                })
            })
        };
        const USER: [&str; 3] = ["user", "member.User", "holder.User"];
        match (word, value.split_once(':')) {
            ("group", _) => any(self.groups(value), &["group", "member.Group"]),
            ("subject", Some(("group", name))) => {
                any(self.groups(name), &["group", "member.Group"])
            }
            ("subject", Some(("role", name))) => any(self.role(name), &["role"]),
            ("subject", Some(("credential", name))) => any(self.keys(name), &["credential"]),
            ("subject", Some(("connector", _))) => {
                any(vec![self.connector.clone()], &["connector", "holder.Connector"])
            }
            ("subject", _) if value == "tenant" => kind.starts_with("Tenant"),
            ("user" | "subject", _) => {
                any(self.users(value.strip_prefix("user:").unwrap_or(value)), &USER)
            }
            ("role", _) => any(self.role(value), &["role"]),
            ("actor" | "connector", _) if value == "okta" => maker == self.connector,
            ("actor", _) => maker == value,
            ("credential", _) => self.keys(value).contains(&key),
            ("event", _) => value.split(',').any(|name| name == kind),
            ("request", _) => origin.request.to_string() == value,
            ("address", _) => origin.source.is_some_and(|address| match value {
                "10.0.0.2/31" => ["10.0.0.2", "10.0.0.3"].contains(&address.to_string().as_str()),
                one => address.to_string() == one,
            }),
            ("attribute", _) => changes(event, kind, value),
            ("involving", Some(("connector", _))) => {
                let holder = json!({ "Connector": self.connector });
                maker == self.connector
                    || any(vec![self.connector.clone()], &["connector", "holder.Connector"])
                    || any(self.held_by(&holder), &["credential"])
            }
            ("involving", Some(("credential", name))) => {
                self.keys(name).contains(&key) || any(self.keys(name), &["credential"])
            }
            ("access", _) => self.users(value).into_iter().any(|user| {
                let groups = self.groups_ever(&user);
                let is_own = kind.starts_with("Role")
                    || kind.starts_with("GroupMember")
                    || kind == "CredentialIssued"
                    || kind.starts_with("User") && !OF_NO_MATTER.contains(&kind);
                let of_group =
                    ["GroupIgnored", "GroupNoticed", "GroupDeleted", "RuleAdded", "RuleRemoved"]
                        .contains(&kind);
                is_own && any(vec![user.clone()], &USER)
                    || any(self.held_by(&json!({ "User": user })), &["credential"])
                    || of_group && groups.contains(&text(&event["group"]))
                    || groups.contains(&text(&event["member"]["Group"]))
            }),
            other => panic!("{other:?}"),
        }
    }

    fn role(&self, name: &str) -> Vec<String> {
        let roles = self.roles.iter().filter(|(id, there)| *id == name || *there == name);
        roles.map(|(id, _)| id.clone()).collect()
    }
}

/// Whether an event changes an attribute.
fn changes(event: &Value, kind: &str, asked: &str) -> bool {
    let lifted: &[&str] = match asked {
        "userName" => &["UserRenamed"],
        "active" => &["UserActivated", "UserDeactivated"],
        "roles.value" => &["RoleAssigned", "RoleRevoked"],
        "members" => &["GroupMemberAdded", "GroupMemberRemoved"],
        "displayName" => &["GroupRenamed"],
        _ => &[],
    };
    let all = event.get("changes").or(event.get("personal")).and_then(Value::as_array);
    let mut paths = all.into_iter().flatten().map(|change| text(&change["path"]));
    lifted.contains(&kind)
        || paths.any(|path| {
            let short = path.rsplit_once(':').map_or("", |(_, short)| short);
            [path.as_str(), short].into_iter().filter(|path| !path.is_empty()).any(|path| {
                path == asked
                    || path.strip_prefix(asked).is_some_and(|rest| rest.starts_with(['.', ':']))
                    || asked.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', ':']))
            })
        })
}

/// Events of a user that change nothing of what they may do.
const OF_NO_MATTER: [&str; 4] =
    ["UserRenamed", "UserAttributesChanged", "UserLinked", "UserReleased"];
const ATTRIBUTES: [&str; 13] = [
    "title",
    "name",
    "name.givenName",
    "emails",
    "userName",
    "active",
    "roles.value",
    "members",
    "displayName",
    "badge",
    "desk.floor",
    "urn:example:sim:one:1.0:User",
    "urn:example:sim:two:1.0:User:badge",
];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.0.2", "10.0.0.2/31", "192.0.2.1"];

/// Up to three words, each with a value or two, all of them of things that are or were there.
fn words(history: &History, rng: &mut ChaCha8Rng) -> Words {
    let mut words = Words::new();
    for _ in 0..[1, 1, 2, 3][rng.random_range(0..4)] {
        let word = audit::FILTERS.choose(rng).unwrap();
        // Nothing makes policies yet.
        if *word == "policy" {
            continue;
        }
        for _ in 0..rng.random_range(1..3) {
            words.extend(value(history, word, rng).map(|value| (*word, value)));
        }
    }
    words
}

fn value(history: &History, word: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    fn one<T: Clone>(all: impl Iterator<Item = T>, rng: &mut ChaCha8Rng) -> Option<T> {
        all.collect::<Vec<_>>().choose(rng).cloned()
    }
    let named = |things: &BTreeMap<String, BTreeSet<String>>, rng: &mut ChaCha8Rng| {
        let (id, names) = one(things.iter(), rng)?;
        let name = one(names.iter().cloned(), rng).map(|name| match rng.random_bool(0.5) {
            true => name.to_ascii_uppercase(),
            false => name,
        });
        Some(name.filter(|_| rng.random_bool(0.7)).unwrap_or_else(|| id.clone()))
    };
    let user = |rng: &mut ChaCha8Rng| named(&history.users, rng);
    let key = |rng: &mut ChaCha8Rng| {
        let (id, (hint, _)) = one(history.keys.iter(), rng)?;
        Some(if rng.random_bool(0.5) { id.clone() } else { hint.clone() })
    };
    let role = |rng: &mut ChaCha8Rng| {
        let (id, name) = one(history.roles.iter(), rng)?;
        Some(if rng.random_bool(0.5) { id.clone() } else { name.clone() })
    };
    let connector = || Some("connector:okta".to_owned());
    let with = |kind: &str, name: Option<String>| name.map(|name| format!("{kind}:{name}"));
    match word {
        "user" | "access" => user(rng),
        "group" => named(&history.groups, rng),
        "role" => role(rng),
        "credential" => key(rng),
        "connector" => Some("okta".to_owned()),
        "actor" => one(["okta", "system"].into_iter(), rng).map(str::to_owned),
        "subject" => match rng.random_range(0..7) {
            0 => user(rng),
            1 => with("user", user(rng)),
            2 => with("group", named(&history.groups, rng)),
            3 => with("role", role(rng)),
            4 => with("credential", key(rng)),
            5 => connector(),
            _ => Some("tenant".to_owned()),
        },
        "involving" if rng.random_bool(0.5) => connector(),
        "involving" => with("credential", key(rng)),
        "event" => {
            let kinds = [EventKind::ALL.choose(rng)?, EventKind::ALL.choose(rng)?];
            Some(kinds.map(|kind| kind.name()).join(","))
        }
        "attribute" => one(ATTRIBUTES.into_iter(), rng).map(str::to_owned),
        "address" => one(ADDRESSES.into_iter(), rng).map(str::to_owned),
        "request" => one(history.commits.iter(), rng).map(|(c, ..)| c.origin.request.to_string()),
        other => panic!("{other}"),
    }
}

/// What a scan of every commit answers: positions, each with the places of the events that answer.
fn scan(history: &History, words: &Words, range: (u64, u64)) -> Vec<(Position, Vec<usize>)> {
    let mut by_word: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    words.iter().for_each(|(word, value)| by_word.entry(word).or_default().push(value));
    let mut answer = Vec::new();
    for (commit, _, events) in &history.commits {
        let meets = |event: &Value| {
            by_word.iter().all(|(word, values)| {
                values.iter().any(|value| history.meets(word, value, commit, event))
            })
        };
        let there: Vec<usize> = (0..events.len()).filter(|index| meets(&events[*index])).collect();
        let is_asked = (range.0..=range.1).contains(&commit.position.get());
        if is_asked && !there.is_empty() {
            answer.push((commit.position, there));
        }
    }
    answer
}

fn check(
    history: &History,
    entries: &[Entry],
    expected: &[(Position, Vec<usize>)],
) -> Result<(), String> {
    let found: Vec<Position> = entries.iter().map(|entry| entry.position).collect();
    let wanted: Vec<Position> = expected.iter().map(|(position, _)| *position).collect();
    if found != wanted {
        return Err(format!("answered {found:?}, a scan finds {wanted:?}"));
    }
    for (entry, (position, places)) in entries.iter().zip(expected) {
        let index = position.get() as usize - 1;
        let (commit, hash, events) = &history.commits[index];
        let origin = &commit.origin;
        let same = (entry.hash, entry.at) == (*hash, commit.at)
            && (entry.request, entry.source) == (origin.request, origin.source);
        if !same || entry.events.len() != places.len() {
            return Err(format!("{position} is told as {entry:?}"));
        }
        for (told, place) in entry.events.iter().zip(places) {
            let mut event = events[*place].clone();
            if event["type"] == "CredentialIssued" {
                event.as_object_mut().unwrap().remove("hash");
            }
            let Around { user_name, before, after } = history.told[index][*place].clone();
            let around = Around {
                user_name: told.user_name.clone(),
                before: told.before.clone(),
                after: told.after.clone(),
            };
            if told.event != event || around != (Around { user_name, before, after }) {
                let wanted = &history.told[index][*place];
                return Err(format!("{position}, {event}: {told:?}, a scan says {wanted:?}"));
            }
        }
    }
    Ok(())
}

/// One question: whole, cut off, page by page, from either end.
fn ask_all(
    engine: &Engine,
    tenant: TenantId,
    history: &History,
    rng: &mut ChaCha8Rng,
) -> Result<usize, String> {
    let words = words(history, rng);
    let end = history.commits.len() as u64;
    let (mut from, mut to) = (1, end);
    let mut said = words.clone();
    if rng.random_bool(0.3) {
        (from, to) = (rng.random_range(1..=end), rng.random_range(1..=end));
        said.extend([("from", from.to_string()), ("to", to.to_string())]);
    }
    let world = engine.world();
    let snapshot = world.get(tenant).unwrap();
    let pairs = said.iter().map(|(word, value)| (*word, value.as_str()));
    let asked = question(pairs, engine, snapshot, world.system().map(|s| &s.directory))
        .map_err(|error| format!("{said:?}: {error}"))?;
    let mut expected = scan(history, &words, (from, to));
    let answered = expected.len();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let question = Question { order, ..asked.clone() };
        let ask = |question: &Question| ask(engine, tenant, question).map_err(|e| e.to_string());
        let wrong = |error: String| format!("{said:?} {order:?}: {error}");
        check(history, &ask(&question)?, &expected).map_err(wrong)?;
        let limit = rng.random_range(0..5);
        let first = ask(&Question { limit, ..question.clone() })?;
        check(history, &first, &expected[..limit.min(expected.len())]).map_err(wrong)?;
        let (mut pages, mut next) = (Vec::new(), Some(Question { limit: limit + 1, ..question }));
        while let Some(question) = next {
            let page = ask(&question)?;
            next = page.last().and_then(|last| question.after(last.position));
            pages.extend(page);
        }
        check(history, &pages, &expected).map_err(|error| wrong(format!("in pages, {error}")))?;
        expected.reverse();
    }
    Ok(answered)
}

/// Seen to catch: a next page that leaves one out, a commit told with events that were not asked for, a limit that is not kept, the
/// newest asked for and the oldest told first, values of one word that narrow the answer, a key's doings left out of what involves it, groups
/// left out of what bears on access, and a name that was given later.
#[test]
fn an_answer_is_what_a_scan_of_every_commit_finds() {
    let (answered, empty) = (Cell::new(0), Cell::new(0));
    for seed in 0..6 {
        let looked = testkit::simulate::run_and_look(seed, 30, |engine, tenant| {
            let history = History::of(engine, tenant);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            for _ in 0..60 {
                match ask_all(engine, tenant, &history, &mut rng)? {
                    0 => empty.set(empty.get() + 1),
                    commits => answered.set(answered.get() + commits),
                }
            }
            Ok(())
        });
        looked.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    // It is no wonder that all is well if nothing is answered.
    assert!(answered.get() > 2_000 && empty.get() < 500, "{answered:?} {empty:?}");
}
