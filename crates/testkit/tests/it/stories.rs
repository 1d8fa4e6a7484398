//! The recorded answers are right, not only the same as ever: each story kept a ledger of its own while it was
//! played, from what it meant to do and what SCIM says comes of it. What the audit answers is held
//! against that ledger, and against what the story is known to be about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::snapshot::Snapshot;
use engine::When;
use eventlog::{ArchiveReader, Keys};
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

impl Done {
    fn is(&self, events: &str) -> bool {
        events.split(',').any(|event| event == self.event)
    }
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

/// That the two say the same.
fn same(ledger: &[Done], told: &[Done]) -> Result<(), String> {
    let only = |these: &[Done], those: &[Done]| -> Vec<String> {
        let mut count: BTreeMap<&Done, i64> = BTreeMap::new();
        these.iter().for_each(|done| *count.entry(done).or_default() += 1);
        those.iter().for_each(|done| *count.entry(done).or_default() -= 1);
        let more = count.into_iter().filter(|(_, count)| *count > 0);
        more.take(8).map(|(done, count)| format!("{count} × {done:?}")).collect()
    };
    let (untold, unknown) = (only(ledger, told), only(told, ledger));
    if untold.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(format!("\nonly in the ledger: {untold:#?}\nonly in the answer: {unknown:#?}"))
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

/// Seen to catch: a deed of another kind in the ledger than in the log, and names as they are now instead of
/// as they were then.
#[tokio::test(flavor = "multi_thread")]
async fn every_commit_is_in_the_ledger_and_nothing_else_is() {
    for name in fixture::names() {
        let fixture = Fixture::replay(&name);
        if fixture.facts.is_null() {
            // The first fixture is from before there were ledgers.
            continue;
        }
        let serving = fixture.serve().await;
        let told = told(&Value::from(everything(&serving.operator).await));
        let ledger = ledger(&fixture.facts);
        same(&ledger, &told).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(told.len() > 100, "{name}: hardly anything happened");
    }
}

/// A story with its recorded answers: other tests see that these are still given.
struct Story {
    fixture: Fixture,
    ledger: Vec<Done>,
}

impl Story {
    fn open(name: &str) -> Story {
        let fixture = Fixture::replay(name);
        let ledger = ledger(&fixture.facts);
        Story { fixture, ledger }
    }

    fn fact(&self, name: &str) -> &Value {
        let fact = &self.fixture.facts["facts"][name];
        assert!(!fact.is_null(), "the story knows of no {name}");
        fact
    }

    /// A fact that is a name or a moment.
    fn word(&self, name: &str) -> &str {
        self.fact(name).as_str().unwrap()
    }

    /// The whole answer to the question of this name.
    fn answer(&self, question: &str) -> &Value {
        let questions = self.fixture.expected["questions"].as_array().unwrap();
        let asked = questions.iter().find(|asked| asked["name"] == question);
        &asked.unwrap_or_else(|| panic!("nobody asked {question}"))["answer"]
    }

    fn commits(&self, question: &str) -> &Vec<Value> {
        self.answer(question)["commits"].as_array().unwrap()
    }

    /// The answer is what the ledger has of this, all of it and nothing else.
    fn judged(&self, question: &str, belongs: impl Fn(&Done) -> bool) -> Vec<Done> {
        let told = told(&self.answer(question)["commits"]);
        let ledger: Vec<Done> = self.ledger.iter().filter(|done| belongs(done)).cloned().collect();
        same(&ledger, &told).unwrap_or_else(|why| panic!("{question}: {why}"));
        assert!(!told.is_empty(), "{question}: no answer");
        told
    }

    fn as_of(&self, moment: &str) -> Arc<Snapshot> {
        let tenant = self.fixture.engine.world().with_slug("acme").unwrap().0.id;
        let moment = serde_json::from_value(Value::from(moment)).unwrap();
        self.fixture.engine.as_of(tenant, When::Time(moment)).unwrap()
    }
}

/// Who may act, by name.
fn active(snapshot: &Snapshot) -> BTreeSet<String> {
    let users = snapshot.directory.users.iter().filter(|user| user.active);
    users.map(|user| user.user_name.to_string()).collect()
}

/// Who is in which group.
fn memberships(snapshot: &Snapshot) -> BTreeSet<String> {
    let groups = snapshot.directory.groups.iter();
    groups
        .flat_map(|group| {
            group.members().map(|member| format!("{}: {member:?}", group.display_name))
        })
        .collect()
}

/// Each change of roles: who did it, through what it came or went, and the roles before and after.
fn role_changes(commits: &[Value]) -> Vec<String> {
    let mut changes = Vec::new();
    for entry in commits {
        for told in entry["events"].as_array().unwrap() {
            let through = told["through"]["name"].as_str().unwrap_or("local");
            let roles = |when: &str| {
                let roles = told[when].as_array().unwrap().iter().map(text);
                roles.collect::<Vec<String>>().join("+")
            };
            let sign = if told["type"] == "RoleAssigned" { '+' } else { '-' };
            let (by, role) = (text(&entry["actor"]["name"]), text(&told["roleName"]));
            let (before, after) = (roles("before"), roles("after"));
            changes.push(format!("{by} {sign}{role} through {through}: [{before}] to [{after}]"));
        }
    }
    changes
}

#[test]
fn a_mass_mistake_is_told_by_who_what_and_when_and_the_state_before_is_there() {
    let story = Story::open("mass-mistake");
    let hit: BTreeSet<String> = story.fact("hit").as_array().unwrap().iter().map(text).collect();
    let long_gone: BTreeSet<String> =
        story.fact("longGone").as_array().unwrap().iter().map(text).collect();
    assert_eq!((hit.len(), long_gone.len()), (300, 12));
    let names = |done: &[Done]| done.iter().map(|done| done.who.clone()).collect::<BTreeSet<_>>();
    let [before, noticed, by_hand, repaired, whole] =
        ["before", "noticed", "byHand", "repaired", "whole"].map(|name| story.word(name));

    // Who: the connector, with its first key, from one address. Whom: exactly the 300, each once.
    let ended = story.judged("whose access ended", |done| {
        done.is("UserDeactivated") && done.at.as_str() >= before && done.at.as_str() <= noticed
    });
    assert_eq!(ended.len(), 300);
    assert_eq!(names(&ended), hit);
    for entry in story.commits("whose access ended") {
        assert_eq!(entry["actor"]["kind"], "connector");
        assert_eq!(entry["actor"]["name"], "okta");
        assert_eq!(&entry["credential"]["id"], story.fact("firstCredential"));
        assert_eq!(entry["agent"], "Okta SCIM Client 1.0.0");
    }
    // When: within six minutes.
    let (first, last) = (&ended[0].at, &ended[299].at);
    assert!(first.starts_with("2026-05-15T16:05:") && last.starts_with("2026-05-15T16:11:"));

    let operator = story
        .judged("what the operator did", |done| done.by == "owner" && done.at.as_str() >= before);
    let operator: Vec<(&str, &str)> =
        operator.iter().map(|done| (done.at.as_str(), done.event.as_str())).collect();
    assert_eq!(
        operator,
        [
            ("2026-05-15T16:57:00.000Z", "CredentialRevoked"),
            ("2026-05-15T17:20:00.000Z", "CredentialIssued"),
        ]
    );

    // By hand, 40 were woken, and the 12 among them who should not have been.
    let woken = story.judged("who was woken by hand", |done| {
        done.is("UserActivated") && done.at.as_str() >= by_hand && done.at.as_str() <= repaired
    });
    assert_eq!(woken.len(), 40);
    let wrongly: BTreeSet<String> = names(&woken).difference(&hit).cloned().collect();
    assert_eq!(wrongly, long_gone);
    let again = story.judged("whose access ended in the repair", |done| {
        done.is("UserDeactivated") && done.at.as_str() >= repaired
    });
    assert_eq!(names(&again), long_gone);
    story.judged("a group's Friday", |done| done.of == "Legal" && done.at.as_str() >= before);

    // The state before: as it was, and as it is again.
    let (was, worst, is) = (story.as_of(before), story.as_of(noticed), story.as_of(whole));
    assert_eq!(active(&was).len(), 388);
    assert_eq!(active(&was).difference(&active(&worst)).cloned().collect::<BTreeSet<_>>(), hit);
    assert_eq!(active(&is), active(&was));
    assert_eq!(memberships(&is), memberships(&was));
    assert!(memberships(&worst).len() < memberships(&was).len() / 2);
}

#[test]
fn a_year_on_entra_is_told_by_name_by_key_and_by_day() {
    let story = Story::open("entra-year");
    let jane = story.word("jane").to_owned();
    assert!(jane.ends_with("@acme.example") && jane != "jane@acme.example", "{jane}");

    // Fourteen changes of her roles, each on the day that the story planned, all of them hers.
    let changes = story.commits("jane's roles");
    let days: Vec<Value> = changes
        .iter()
        .map(|entry| {
            let told = &entry["events"][0];
            let day = text(&entry["at"])[..10].to_owned();
            serde_json::json!([day, told["type"], told["roleName"]])
        })
        .collect();
    assert_eq!(days.len(), 14);
    assert_eq!(&Value::from(days), story.fact("janesRoles"));
    assert!(changes.iter().all(|entry| entry["events"].as_array().unwrap().len() == 1));
    assert_eq!(changes[13]["events"][0]["after"], serde_json::json!([]));

    // Two names after the first: she married, and everybody's domain changed.
    let mut names = BTreeSet::from(["jane@acme.com".to_owned()]);
    for entry in story.commits("jane's names") {
        names.insert(text(&entry["events"][0]["userName"]));
    }
    assert_eq!(names.len(), 3);
    assert!(names.contains(&jane));
    let before = story.answer("jane before the new domain").to_string();
    let married = names.iter().find(|name| **name == jane.replace("@acme.example", "@acme.com"));
    assert!(before.contains(married.unwrap().as_str()) && !before.contains(&jane), "{before}");
    let hers = told(&story.answer("jane's roles")["commits"]);
    assert_eq!(hers.iter().map(|done| done.who.clone()).collect::<BTreeSet<_>>(), names);

    let count = |what: &str| story.fact("counts")[what].as_u64().unwrap() as usize;
    let deleted = story.judged("who was deleted", |done| done.is("UserDeleted"));
    let back = story.judged("who came back", |done| done.is("UserActivated"));
    assert_eq!((deleted.len(), back.len()), (count("deleted"), count("restored")));
    assert_eq!(count("left"), 24);
    let (from, to) = (story.word("domainFrom"), story.word("domainTo"));
    let renamed = story.ledger.iter().filter(|done| {
        done.is("UserRenamed") && done.at.as_str() >= from && done.at.as_str() <= to
    });
    assert_eq!(renamed.count(), count("got the new domain"));

    // Two keys, one after the other.
    story.judged("the keys", |done| done.is("CredentialIssued,CredentialRevoked"));
    let keys: Vec<(&str, &Value)> = story
        .commits("the keys")
        .iter()
        .map(|entry| &entry["events"].as_array().unwrap().last().unwrap()["credential"])
        .zip(["issued", "issued", "revoked"])
        .map(|(key, what)| (what, key))
        .collect();
    let (old, new) = (story.fact("oldCredential"), story.fact("newCredential"));
    assert_eq!(keys, [("issued", old), ("issued", new), ("revoked", old)]);
    let since = text(&story.commits("the keys")[1]["at"]);
    story.judged("who joined the project with the second key", |done| {
        done.is("GroupMemberAdded") && done.of == "Project Aurora" && done.at > since
    });
    for entry in story.commits("who joined the project with the second key") {
        assert_eq!(&entry["credential"]["id"], new);
    }
}

#[test]
fn a_role_with_two_sources_stays_until_both_have_taken_it_back() {
    let story = Story::open("two-idps");
    for (question, user, changes) in [
        (
            "a role from Okta and the operator",
            "oktaAndOperator",
            &[
                "okta +Analyst through okta: [] to [Analyst]",
                "owner +Analyst through local: [Analyst] to [Analyst]",
                "okta -Analyst through okta: [Analyst] to [Analyst]",
                "owner -Analyst through local: [Analyst] to []",
            ][..],
        ),
        (
            "a role from OneLogin and the operator",
            "oneLoginAndOperator",
            &[
                "onelogin +Admin through onelogin: [] to [Admin]",
                "owner +Admin through local: [Admin] to [Admin]",
                "owner -Admin through local: [Admin] to [Admin]",
            ],
        ),
        // OneLogin's first word of the role changes nothing: Okta gives it already.
        (
            "a role from Okta and OneLogin",
            "oktaAndOneLogin",
            &[
                "okta +Business User through okta: [] to [Business User]",
                "okta -Business User through okta: [Business User] to []",
                "onelogin +Business User through onelogin: [] to [Business User]",
            ],
        ),
    ] {
        let name = story.word(user);
        story.judged(question, |done| done.is("RoleAssigned,RoleRevoked") && done.who == name);
        assert_eq!(role_changes(story.commits(question)), changes, "{question}");
    }
    story.judged("what the operator did", |done| done.by == "owner");
    let shared = story.word("group").to_owned();
    let group = story.judged("who was in the group of both", |done| done.of == shared);
    let by = |who: &str, event: &str| {
        group.iter().filter(|done| done.by == who && done.event == event).count()
    };
    // Eight by Okta, five by OneLogin, and the one of Okta's whom OneLogin brought back; one of
    // OneLogin's was deleted in the end.
    assert_eq!((by("okta", "GroupMemberAdded"), by("okta", "GroupMemberRemoved")), (8, 1));
    assert_eq!((by("onelogin", "GroupMemberAdded"), by("onelogin", "GroupMemberRemoved")), (6, 1));

    // Four people with an id at each of the two.
    let ids = story.commits("which ids were written");
    assert_eq!(ids.len(), story.fact("both").as_array().unwrap().len());
    assert!(ids.iter().all(|entry| entry["actor"]["name"] == "onelogin"));
    let ended = story.commits("whom OneLogin switched off that Okta knows, too");
    assert_eq!(ended.len(), 1);
}

#[test]
fn a_role_that_follows_from_a_group_is_told_person_by_person() {
    let story = Story::open("group-rules");
    for (question, user, changes) in [
        // In one commit each: into Americas, which gives both.
        (
            "the roles of who came into the group",
            "comes",
            &[
                "okta +Analyst through Sales Americas → Analyst: [] to [Analyst]",
                "okta +Business User through Sales → Business User: [Analyst] to [Analyst+Business User]",
                "owner -Analyst through Sales Americas → Analyst: [Analyst+Business User] to [Business User]",
            ][..],
        ),
        // Okta takes a member out of one group and puts them into the other: two requests.
        (
            "the roles of who went to the other group",
            "goes",
            &[
                "owner +Analyst through Sales Americas → Analyst: [] to [Analyst]",
                "owner +Business User through Sales → Business User: [Analyst] to [Analyst+Business User]",
                "okta -Analyst through Sales Americas → Analyst: [Analyst+Business User] to [Business User]",
                "okta -Business User through Sales → Business User: [Business User] to []",
                "okta +Business User through Sales → Business User: [] to [Business User]",
                "generic -Business User through Sales → Business User: [Business User] to []",
            ],
        ),
        (
            "the roles of who kept theirs",
            "keeps",
            &[
                "owner +Analyst through Sales Americas → Analyst: [] to [Analyst]",
                "owner +Business User through Sales → Business User: [Analyst] to [Analyst+Business User]",
                "owner +Analyst through local: [Analyst+Business User] to [Analyst+Business User]",
                "owner -Analyst through Sales Americas → Analyst: [Analyst+Business User] to [Analyst+Business User]",
            ],
        ),
        (
            "the roles of who left",
            "leaves",
            &[
                "owner +Analyst through Sales Americas → Analyst: [] to [Analyst]",
                "owner +Business User through Sales → Business User: [Analyst] to [Analyst+Business User]",
                "owner -Analyst through Sales Americas → Analyst: [Analyst+Business User] to [Business User]",
                "okta -Business User through Sales → Business User: [Business User] to []",
            ],
        ),
    ] {
        let name = story.word(user);
        story.judged(question, |done| done.is("RoleAssigned,RoleRevoked") && done.who == name);
        assert_eq!(role_changes(story.commits(question)), changes, "{question}");
    }
    let rules = story.judged("the rules", |done| done.is("RuleAdded,RuleRemoved"));
    assert_eq!(rules.len(), 3);
    let ended = story.word("ended");
    let lost = story.judged("who lost the role with the rule", |done| {
        done.is("RoleRevoked") && done.of == "Analyst" && done.at == ended
    });
    // Who still has it from the operator is among them: the rule gives it to nobody any more.
    assert!(lost.len() == 4 && lost.iter().any(|done| done.who == story.word("keeps")));
    let rules = story.answer("the rules before one ended")["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
}

/// Values of the erased person, as `crates/idpsim/src/stories/erased_person.rs` invents them.
const CANARIES: [&str; 7] = [
    "Quillfeather",
    "Robinetta",
    "Xanthorrhoea",
    "quillfeather",
    "+44-20-7946-0913",
    "Keeper of the Seventh Ledger",
    "E77013",
];

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_is_erased_at_every_moment_and_in_every_file() {
    let told_by = include_str!("../../../idpsim/src/stories/erased_person.rs");
    assert!(CANARIES.iter().all(|canary| told_by.contains(canary)), "the story has other values");
    let story = Story::open("erased-person");
    let erased = story.word("erased").to_owned();

    let name = "erased-person";
    let folder = fixture::folder().join(name);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    let archive = ArchiveReader::open(&folder.join("log.rollbook")).unwrap();
    let mut tenant = None;
    for stored in archive.commits().unwrap() {
        let stored = stored.unwrap();
        files.push((format!("commit {}", stored.position), stored.bytes.to_vec()));
        tenant = Some(stored.tenant);
    }
    let serving = story.fixture.serve().await;
    let all = everything(&serving.operator).await;
    files.push(("an answer".to_owned(), Value::from(all).to_string().into_bytes()));
    for moment in ["asTheyWere", "erasedAt"] {
        let path = format!("{ACME}/users/{erased}?asOf={}", story.word(moment));
        let shown = serving.operator.get(&path).await;
        files.push((path, shown.body.to_string().into_bytes()));
    }
    for (file, bytes) in &files {
        for canary in CANARIES {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{file} holds {canary}");
        }
    }
    let user = serde_json::from_value(Value::from(erased.clone())).unwrap();
    let key = fixture::keys(name).person(tenant.unwrap(), user).unwrap();
    assert!(key.is_none(), "the keys file holds the key of who was erased");
    let other = serde_json::from_value(story.fact("nameGoesTo").clone()).unwrap();
    let key = fixture::keys(name).person(tenant.unwrap(), other).unwrap();
    assert!(key.is_some(), "the keys file holds no keys");

    let about = story.judged("all about who was erased", |done| done.who == ERASED);
    let mut kinds: Vec<&str> = about.iter().map(|done| done.event.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() >= 9, "{kinds:?}");
    let roles = story
        .judged("their roles", |done| done.who == ERASED && done.is("RoleAssigned,RoleRevoked"));
    assert_eq!(roles.len(), 6, "{roles:#?}");
    let now = story.word("name");
    let theirs = story.judged("the roles of who has the name", |done| {
        done.who == now && done.is("RoleAssigned,RoleRevoked")
    });
    assert_eq!(theirs.len(), 2, "{theirs:#?}");
    let end = story.judged("who was erased", |done| done.is("UserErased"));
    assert_eq!((end.len(), end[0].by.as_str(), end[0].who.as_str()), (1, "owner", ERASED));
    assert_eq!(&story.commits("who was erased")[0]["events"][0]["reason"], story.fact("reason"));
    let was = story.answer("who was erased, as they were").to_string();
    assert!(was.contains("erased"), "{was}");
}
