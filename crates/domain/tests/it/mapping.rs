//! Which attribute feeds which (behaviour P-03). Every step of these tables is followed by `Directory::agrees`.

use domain::command::{Change, Command};
use domain::event::{ConnectorSettings, EventKind};
use domain::find::{self, Viewer};
use domain::limits::MAPPING_RULES;
use domain::mapping::{MappingRule, PRIMARY_EMAIL, Take};
use domain::preset::preset;
use domain::rejection::Rejection;
use domain::settings::Permission;
use domain::view::UserView;
use proptest::prelude::*;
use scim::{Attributes, Filter, Object, ScimType, Value};

use crate::decide::*;
use EventKind::*;

const OKTA_JANE: &str = r#""userName":"JDOE","name":{"givenName":"Jane","familyName":"Doe"},"emails":[{"value":"jane.doe@acme.example","primary":true}]"#;

fn rule(to: &str, from: &str) -> MappingRule {
    MappingRule { to: to.to_owned(), from: from.to_owned(), take: Take::Whole }
}

fn name_of_mail() -> MappingRule {
    MappingRule { take: Take::BeforeAt, ..rule("userName", PRIMARY_EMAIL) }
}

fn settings(mapping: Vec<MappingRule>) -> ConnectorSettings {
    ConnectorSettings { mapping, ..preset("generic").unwrap() }
}

fn set(settings: ConnectorSettings) -> Command {
    Command::ChangeConnector { connector: OKTA, settings, from: None }
}

fn mapped(rules: Vec<MappingRule>) -> Given {
    given().and(OPERATOR, set(settings(rules)))
}

/// Everything that a connector, or all others, read of Ada.
fn read(given: &Given, by: Option<domain::id::ConnectorId>) -> Object {
    let directory = &given.snapshot.directory;
    let user = directory.users.get(ADA).unwrap();
    let mut read = Object::default();
    let view = UserView { user, directory, connector: by, base: "" };
    let schemas = view.attribute("schemas").unwrap();
    read.set("schemas", schemas.node().unwrap().to_value());
    view.each(&mut |name, attribute| {
        if let Some(node) = attribute.node() {
            let again = read.set(name, node.to_value());
            assert_eq!(again, None, "{name} is shown twice");
        }
    });
    read
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn replace(with: &Object) -> Command {
    let with =
        scim::admit(&Value::Complex(with.clone()), scim::ResourceType::user(), scim::Mode::Lenient);
    let expected = domain::command::Expected::Any;
    Command::User(ADA, Change::Replace { with: with.unwrap(), expected })
}

fn found(given: &Given, by: Option<domain::id::ConnectorId>, filter: &str) -> usize {
    let viewer = Viewer { directory: &given.snapshot.directory, connector: by, base: "" };
    let filter = Filter::parse(filter, scim::ResourceType::user(), scim::Mode::Lenient).unwrap();
    find::matching::<domain::directory::User>(viewer, Some(&filter), None, &|_| true).unwrap().len()
}

/// Seen to catch a derived name that is made of what all see, and one that is written back as if it were given.
#[test]
fn p_03_a_name_is_derived_for_each_from_what_they_read() {
    let given = mapped(vec![rule("name.givenName", "nickName"), rule("title", "displayName")])
        .and(connector(OKTA), create(ADA, &format!(r#"{OKTA_JANE},"nickName":"Janey""#)));
    let (own, all) = (read(&given, Some(OKTA)), read(&given, None));
    assert_eq!(
        (text(&own, "displayName"), text(&all, "displayName")),
        (Some("Jane Doe"), Some("Janey Doe"))
    );
    for (by, name, count) in [
        (Some(OKTA), "jane doe", 1),
        (Some(OKTA), "janey doe", 0),
        (None, "jane doe", 0),
        (None, "JANEY DOE", 1),
    ] {
        assert_eq!(found(&given, by, &format!(r#"displayName eq "{name}""#)), count, "{name}");
    }
    given.when(connector(OKTA), replace(&own)).nothing();
    assert_eq!(text(&all, "title"), None);
}

/// Seen to catch a rule that reads what another one made, and a push that keeps what the connector had written before it released somebody.
#[test]
fn p_03_who_is_there_is_linked_by_the_name_that_the_mapping_makes() {
    let here = r#""userName":"jane.doe","title":"Queen""#;
    let given =
        mapped(vec![name_of_mail(), rule("nickName", "userName")]).and(OPERATOR, create(ADA, here));
    let push = |given: &Given| given.and(connector(OKTA), create(BOB, OKTA_JANE));
    let given = push(&given);
    assert!(given.snapshot.directory.users.get(BOB).is_none());
    let (own, all) = (read(&given, Some(OKTA)), read(&given, None));
    assert_eq!((text(&own, "userName"), text(&all, "userName")), (Some("JDOE"), Some("jane.doe")));
    assert_eq!((text(&own, "nickName"), text(&all, "nickName")), (None, Some("JDOE")));
    assert_eq!(text(&own, "title"), Some("Queen"));

    let released = given.and(OPERATOR, Command::Release(domain::event::Member::User(ADA)));
    let again = released
        .and(OPERATOR, set(settings(vec![name_of_mail()])))
        .and(connector(OKTA), create(BOB, &OKTA_JANE.replace("JDOE", "JDOE-2")));
    assert_eq!(text(&read(&again, Some(OKTA)), "userName"), Some("JDOE-2"));
    let user = again.snapshot.directory.users.get(ADA).unwrap();
    assert_eq!(user.written.len(), 1);
    assert_eq!(user.written[0].values.unpack().len(), 1, "{:?}", user.written);
}

/// Seen to catch a mapping that applies to whatever is written.
#[test]
fn p_03_who_may_not_update_deactivates_without_a_new_mapping() {
    let off = r#"{"op":"replace","value":{"active":false}}"#;
    let only = |rules| ConnectorSettings {
        permissions: [Permission::DeactivateUsers].into_iter().collect(),
        ..settings(rules)
    };
    for rules in
        [vec![], vec![rule("title", "nickName")], vec![name_of_mail(), rule("title", "nickName")]]
    {
        let given = mapped(vec![name_of_mail()])
            .and(connector(OKTA), create(ADA, OKTA_JANE))
            .and(OPERATOR, set(only(rules)));
        given.when(connector(OKTA), patch(ADA, off)).causes(&[UserDeactivated]);
        given.when(connector(OKTA), replace(&read(&given, Some(OKTA)))).nothing();
        let title = r#"{"op":"replace","value":{"title":"Queen"}}"#;
        assert!(matches!(
            given.when(connector(OKTA), patch(ADA, title)).0,
            Err(Rejection::Forbidden { .. })
        ));
    }
}

#[test]
fn p_03_a_changed_mapping_applies_when_the_connector_writes() {
    let given = mapped(vec![]).and(connector(OKTA), create(ADA, OKTA_JANE));
    let given = given.and(OPERATOR, set(settings(vec![name_of_mail()])));
    assert_eq!(text(&read(&given, None), "userName"), Some("JDOE"));
    let given = given.and(connector(OKTA), replace(&read(&given, Some(OKTA))));
    let names = |given: &Given| {
        let (own, all) = (read(given, Some(OKTA)), read(given, None));
        (text(&own, "userName").unwrap().to_owned(), text(&all, "userName").unwrap().to_owned())
    };
    assert_eq!(names(&given), ("JDOE".to_owned(), "jane.doe".to_owned()));
    // Others are not asked, and do not apply it.
    given.when(connector(ENTRA), replace(&read(&given, Some(ENTRA)))).nothing();
    let given = given.and(OPERATOR, set(settings(vec![])));
    assert_eq!(names(&given), ("JDOE".to_owned(), "jane.doe".to_owned()));
    let given = given.and(connector(OKTA), replace(&read(&given, Some(OKTA))));
    assert_eq!(names(&given), ("JDOE".to_owned(), "JDOE".to_owned()));
    assert!(given.snapshot.directory.users.get(ADA).unwrap().written.is_empty());
}

/// Seen to catch a name that only others' written names are held against.
#[test]
fn p_03_the_connector_knows_no_two_by_one_name() {
    let given =
        mapped(vec![name_of_mail()]).and(connector(ENTRA), create(ADA, r#""userName":"jdoe""#));
    given.when(connector(OKTA), create(BOB, OKTA_JANE)).taken("userName");
    let free = OKTA_JANE.replace("JDOE", "JDOE-2");
    given.when(connector(OKTA), create(BOB, &free)).causes(&[UserCreated, UserAttributesChanged]);
    // Whom it does not see is in nobody's way.
    let given = mapped(vec![name_of_mail()]).and(OPERATOR, create(ADA, r#""userName":"jdoe""#));
    given
        .when(connector(OKTA), create(BOB, OKTA_JANE))
        .causes(&[UserCreated, UserAttributesChanged]);
}

#[test]
fn p_03_what_feeds_itself_is_no_rule_and_what_cannot_be_mapped_is_refused() {
    let defaults = ["userName", "name.givenName", "NAME.familyname", PRIMARY_EMAIL, "groups"];
    let defaults = defaults.iter().map(|path| rule(path, path)).collect();
    let there = settings(defaults);
    let given = mapped(vec![]);
    given.when(OPERATOR, set(there)).nothing();
    let spelled = given.and(OPERATOR, set(settings(vec![rule("NAME.GIVENNAME", "NickName")])));
    let there = &spelled.snapshot.directory.connectors.get(OKTA).unwrap().settings.mapping;
    assert_eq!(*there, [rule("name.givenName", "nickName")]);

    for (to, from) in [
        ("groups", "title"),
        ("title", "groups"),
        ("nothing", "title"),
        ("title", "emails.value"),
        ("emails", "title"),
        ("name", "title"),
        ("active", "title"),
        ("roles", "title"),
        ("externalId", "title"),
        ("id", "title"),
        ("meta.version", "title"),
        ("", "title"),
        ("title", "urn:example:nothing"),
    ] {
        given.when(OPERATOR, set(settings(vec![rule(to, from)]))).invalid(ScimType::InvalidValue);
    }
    let twice = vec![rule("title", "title"), rule("TITLE", "nickName")];
    given.when(OPERATOR, set(settings(twice))).invalid(ScimType::InvalidValue);
    let many = vec![rule("title", "nickName"); MAPPING_RULES + 1];
    given.when(OPERATOR, set(settings(many))).invalid(ScimType::InvalidValue);
    let scripts = ConnectorSettings { management_api: true, ..settings(vec![name_of_mail()]) };
    given.when(OPERATOR, set(scripts)).invalid(ScimType::InvalidValue);
}

const BADGE: &str = "urn:example:badge:1.0:User";

/// Seen to catch a required attribute that a mapping leaves unassigned.
#[test]
fn p_03_custom_attributes_feed_and_are_fed() {
    let document = format!(
        r#"{{"id":"{BADGE}","attributes":[{{"name":"number","required":true}},{{"name":"colour"}}]}}"#
    );
    let add = Command::AddSchema { document, resource_type: "User".to_owned(), required: false };
    let (number, colour) = (format!("{BADGE}:number"), format!("{BADGE}:colour"));
    let rules = vec![
        rule(&number.to_uppercase().replace("URN:EXAMPLE:BADGE:1.0:USER", BADGE), "title"),
        rule("nickName", &colour),
    ];
    let given = given().and(OPERATOR, add).and(OPERATOR, set(settings(rules)));
    let there = &given.snapshot.directory.connectors.get(OKTA).unwrap().settings.mapping;
    assert_eq!(*there, [rule(&number, "title"), rule("nickName", &colour)]);

    let body = |rest: &str| {
        let json = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","{BADGE}"],"userName":"ada",{rest}}}"#
        );
        let rtype = given.snapshot.directory.schemas.catalogue().user();
        let body = Value::parse(json.as_bytes()).unwrap();
        Command::User(ADA, Change::Create(scim::admit(&body, rtype, scim::Mode::Lenient).unwrap()))
    };
    let written = format!(r#""{BADGE}":{{"number":"7","colour":"red"}}"#);
    given.when(connector(OKTA), body(&written)).invalid(ScimType::InvalidValue);
    let given = given.and(connector(OKTA), body(&format!(r#"{written},"title":"4711""#)));
    let badge = |object: &Object, name: &str| {
        let inner = object.get(BADGE).unwrap().as_complex().unwrap();
        inner.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let (own, all) = (read(&given, Some(OKTA)), read(&given, None));
    assert_eq!(
        (badge(&own, "number").unwrap(), badge(&all, "number").unwrap()),
        ("7".to_owned(), "4711".to_owned())
    );
    assert_eq!((text(&own, "nickName"), text(&all, "nickName")), (None, Some("red")));
}

/// Seen to catch a mail address that is lost because no other is primary.
#[test]
fn p_03_a_primary_mail_address_is_fed_beside_the_others() {
    let feeds = mapped(vec![rule(PRIMARY_EMAIL, "userName")]);
    let table = [
        ("", r#"[{"value":"a@x","primary":true}]"#),
        (
            r#"{"value":"b@x","type":"home"}"#,
            r#"[{"value":"b@x","type":"home"},{"value":"a@x","primary":true}]"#,
        ),
        (r#"{"value":"a@x","type":"work"}"#, r#"[{"value":"a@x","type":"work","primary":true}]"#),
        (
            r#"{"value":"b@x"},{"value":"c@x","type":"work","primary":true}"#,
            r#"[{"value":"b@x"},{"value":"a@x","type":"work","primary":true}]"#,
        ),
    ];
    for (written, all) in table {
        let given = feeds.and(
            connector(OKTA),
            create(ADA, &format!(r#""userName":"a@x","emails":[{written}]"#)),
        );
        let expected = Value::parse(all.as_bytes()).unwrap();
        let seen = read(&given, None);
        assert!(
            seen.get("emails").is_some_and(|seen| seen.is_same(&expected)),
            "{written}: {seen:?}"
        );
        let own = Value::parse(format!("[{written}]").as_bytes()).unwrap();
        let read = read(&given, Some(OKTA));
        let same = read.get("emails").map_or(written.is_empty(), |it| it.is_same(&own));
        assert!(same, "{written}: {read:?}");
        given.when(connector(OKTA), replace(&read)).nothing();
    }
}

fn phone(number: &str) -> Command {
    let value = format!(r#"[{{"value":"{number}"}}]"#);
    patch(ADA, &format!(r#"{{"op":"replace","path":"phoneNumbers","value":{value}}}"#))
}

fn set_of(connector: domain::id::ConnectorId, mapping: Vec<MappingRule>) -> Command {
    Command::ChangeConnector { connector, settings: settings(mapping), from: None }
}

/// Seen to catch a mapping that clears, renames and freezes what another connector manages.
#[test]
fn p_03_who_only_enriches_feeds_what_it_says_and_nothing_else() {
    let given = given()
        .and(OPERATOR, set_of(ENTRA, vec![rule("title", "nickName"), name_of_mail()]))
        .and(connector(OKTA), create(ADA, &format!(r#"{OKTA_JANE},"title":"Queen""#)));
    let given = given.and(connector(ENTRA), phone("1"));
    let all = read(&given, None);
    assert_eq!((text(&all, "title"), text(&all, "userName")), (Some("Queen"), Some("JDOE")));
    assert!(given.snapshot.directory.users.get(ADA).unwrap().written.is_empty());
    let nick = r#"{"op":"replace","path":"nickName","value":"King"}"#;
    let given = given.and(connector(ENTRA), patch(ADA, nick));
    assert_eq!(text(&read(&given, None), "title"), Some("King"));
    assert_eq!(text(&read(&given, Some(ENTRA)), "title"), Some("King"), "it never wrote another");
    // What it writes where its mapping feeds is for it alone, and gone with the mapping.
    let title = r#"{"op":"replace","path":"title","value":"Duke"}"#;
    let given = given.and(connector(ENTRA), patch(ADA, title));
    assert_eq!(text(&read(&given, Some(ENTRA)), "title"), Some("Duke"));
    assert_eq!(text(&read(&given, None), "title"), Some("King"));
    let given = given.and(OPERATOR, set_of(ENTRA, vec![])).and(connector(ENTRA), phone("2"));
    for by in [Some(ENTRA), Some(OKTA), None] {
        assert_eq!(text(&read(&given, by), "title"), Some("King"));
    }
}

/// Seen to catch a deactivation that is refused because of a mapping that was changed since.
#[test]
fn p_03_a_changed_mapping_keeps_nobody_from_being_deactivated() {
    let off = r#"{"op":"replace","value":{"active":false}}"#;
    let twin = r#""userName":"TWIN","emails":[{"value":"jane.doe@other.example","primary":true}]"#;
    for other in [twin, r#""userName":"TWIN""#] {
        let given = mapped(vec![])
            .and(connector(OKTA), create(BOB, OKTA_JANE))
            .and(connector(OKTA), create(ADA, other))
            .and(OPERATOR, set(settings(vec![name_of_mail()])))
            .and(connector(OKTA), patch(BOB, r#"{"op":"add","path":"title","value":"x"}"#));
        let decision = given.when(connector(OKTA), patch(ADA, off)).0.unwrap();
        let kinds: Vec<_> = decision.events.iter().map(domain::event::Event::kind).collect();
        assert_eq!(kinds, [UserDeactivated]);
        assert!(
            matches!(&decision.notices[..], [domain::command::Notice::NotMapped(_)]),
            "{:?}",
            decision.notices
        );
        given.when(connector(OKTA), replace(&read(&given, Some(OKTA)))).nothing();
        // As soon as it can, it applies.
        let free = r#"{"op":"replace","path":"emails","value":[{"value":"twin@acme.example","primary":true}]}"#;
        let given =
            given.and(connector(OKTA), patch(ADA, off)).and(connector(OKTA), patch(ADA, free));
        assert_eq!(text(&read(&given, None), "userName"), Some("twin"));
        assert_eq!(text(&read(&given, Some(OKTA)), "userName"), Some("TWIN"));
    }
}

/// Seen to catch a user whom a mapping gives half of an extension, so that nobody else could write them any more.
#[test]
fn p_03_what_a_mapping_makes_is_what_the_schemas_admit() {
    let document = format!(
        r#"{{"id":"{BADGE}","attributes":[{{"name":"number","required":true}},{{"name":"colour"}}]}}"#
    );
    let add = Command::AddSchema { document, resource_type: "User".to_owned(), required: false };
    let given = given().and(OPERATOR, add);
    let given = given.and(OPERATOR, set(settings(vec![rule(&format!("{BADGE}:colour"), "title")])));
    let titled = format!(r#"{OKTA_JANE},"title":"Queen""#);
    given.when(connector(OKTA), create(ADA, &titled)).invalid(ScimType::InvalidValue);
    given
        .when(connector(OKTA), create(ADA, OKTA_JANE))
        .causes(&[UserCreated, UserAttributesChanged]);
}

/// Seen to catch an address that stays for all when the connector takes it away, and one that goes because nothing feeds it.
#[test]
fn p_03_a_list_that_feeds_nothing_stays_as_it_was_written() {
    for rest in ["", r#","primary":true"#] {
        let mails = |mail: &str| format!(r#"[{{"value":"{mail}"{rest}}}]"#);
        let body = |mail: &str| format!(r#""userName":"a","emails":{}"#, mails(mail));
        let mut given = mapped(vec![rule(PRIMARY_EMAIL, "nickName")]);
        for mail in ["b@x", "c@x", "d@x"] {
            let is_new = given.snapshot.directory.users.is_empty();
            let command = if is_new { create(ADA, &body(mail)) } else { put(ADA, &body(mail)) };
            given = given.and(connector(OKTA), command);
            let seen = read(&given, None);
            let list = Value::parse(mails(mail).as_bytes()).unwrap();
            assert!(seen.get("emails").is_some_and(|seen| seen.is_same(&list)), "{seen:?}");
        }
    }
}

/// Seen to catch two users of one written name after a mapping ended.
#[test]
fn p_03_no_two_are_written_by_one_name_after_the_mapping_either() {
    let given = mapped(vec![name_of_mail()])
        .and(connector(OKTA), create(ADA, OKTA_JANE))
        .and(OPERATOR, set(settings(vec![])));
    given.when(connector(OKTA), create(BOB, r#""userName":"JDOE""#)).taken("userName");
    let Err(taken) = given.when(connector(OKTA), create(BOB, r#""userName":"jane.doe""#)).0 else {
        panic!()
    };
    assert!(taken.to_string().contains("by another name"), "{taken}");
    let given = given.and(connector(OKTA), create(BOB, r#""userName":"bob""#));
    let rename = r#"{"op":"replace","path":"userName","value":"JDOE"}"#;
    given.when(connector(OKTA), patch(BOB, rename)).taken("userName");
}

/// Seen to catch roles that are read out of what somebody else wrote.
#[test]
fn p_03_roles_as_text_are_what_the_connector_says() {
    let mapping = vec![rule("userType", "title")];
    let there =
        ConnectorSettings { roles_attribute: Some("userType".to_owned()), ..settings(mapping) };
    let given = given()
        .and(OPERATOR, set(there))
        .and(connector(OKTA), create(ADA, &format!(r#"{OKTA_JANE},"title":"Analyst""#)));
    let other = r#"{"op":"replace","path":"userType","value":"Admin"}"#;
    let given = given.and(connector(ENTRA), patch(ADA, other));
    given.when(connector(OKTA), replace(&read(&given, Some(OKTA)))).nothing();
}

#[test]
fn p_03_a_schema_may_spell_its_urn_as_it_likes() {
    let loud = "URN:example:Badge:1.0:User";
    let document = format!(r#"{{"id":"{loud}","attributes":[{{"name":"number"}}]}}"#);
    let add = Command::AddSchema { document, resource_type: "User".to_owned(), required: false };
    let path = format!("{loud}:number");
    let given = given()
        .and(OPERATOR, add)
        .and(OPERATOR, set(settings(vec![rule("nickName", "title"), rule(&path, "title")])))
        .and(connector(OKTA), create(ADA, &format!(r#"{OKTA_JANE},"title":"7""#)));
    let (own, all) = (read(&given, Some(OKTA)), read(&given, None));
    assert!(own.get(loud).is_none() && all.get(loud).is_some(), "{own:?} {all:?}");
    given.when(connector(OKTA), phone("1")).causes(&[UserAttributesChanged]);
    let given = given.and(connector(OKTA), phone("1"));
    assert!(read(&given, None).get(loud).is_some());
}

const PATHS: [&str; 6] =
    ["userName", "title", "nickName", "name.givenName", "name.familyName", PRIMARY_EMAIL];

fn any_rules() -> impl Strategy<Value = Vec<MappingRule>> {
    let path = || prop::sample::select(PATHS.to_vec());
    let take = prop::sample::select(vec![Take::Whole, Take::BeforeAt]);
    let one =
        (path(), path(), take).prop_map(|(to, from, take)| MappingRule { take, ..rule(to, from) });
    prop::collection::vec(one, 0..4).prop_map(|mut rules| {
        rules.sort_by(|a, b| a.to.cmp(&b.to));
        rules.dedup_by(|a, b| a.to == b.to);
        rules
    })
}

fn any_user() -> impl Strategy<Value = String> {
    let value = || prop::sample::select(vec!["", "a", "B", "c@x.example", "d@y.example"]);
    let optional = move |name: &'static str| {
        value().prop_map(move |value| match value {
            "" => String::new(),
            value => format!(r#","{name}":"{value}""#),
        })
    };
    let mail = value().prop_map(|value| match value {
        "" => String::new(),
        value => format!(r#","emails":[{{"value":"x@z"}},{{"value":"{value}","primary":true}}]"#),
    });
    let name = (value(), value()).prop_map(|(given, family)| {
        format!(r#","name":{{"formatted":"f","givenName":"{given}","familyName":"{family}"}}"#)
    });
    (optional("title"), optional("nickName"), optional("displayName"), mail, name)
        .prop_map(|(a, b, c, d, e)| format!(r#""userName":"who"{a}{b}{c}{d}{e}"#))
}

proptest! {
    /// Whatever feeds whatever: what the connector wrote is what it reads, and writing that back changes nothing; and without
    /// its mapping, what it reads and writes back is what all see. Seen to catch a mapping that applies to what is not new.
    #[test]
    fn p_03_what_was_written_is_read(
        rules in any_rules(), others in any_rules(), later in any_rules(), bodies in prop::collection::vec(any_user(), 1..4),
        other in prop::sample::select(PATHS[..5].to_vec())
    ) {
        let mut now = mapped(rules).and(OPERATOR, set_of(ENTRA, others));
        let other = format!(r#"{{"op":"replace","path":"{other}","value":"e@z.example"}}"#);
        for (number, body) in bodies.iter().enumerate() {
            let command = if now.snapshot.directory.users.get(ADA).is_none() { create(ADA, body) } else { put(ADA, body) };
            // A name that is made of nothing is refused.
            let Ok(decision) = now.when(connector(OKTA), command).0 else { continue };
            if !decision.events.is_empty() {
                now = now.happened(connector(OKTA), decision.events);
                now.snapshot.directory.agrees().unwrap();
            }
            let read = read(&now, Some(OKTA));
            now.when(connector(OKTA), replace(&read)).nothing();
            now.when(connector(OKTA), put(ADA, body)).nothing();
            if let Ok(decision) = now.when(connector(ENTRA), patch(ADA, &other)).0 && !decision.events.is_empty() {
                now = now.happened(connector(ENTRA), decision.events);
                let given = &now;
                for by in [OKTA, ENTRA] {
                    given.when(connector(by), replace(&self::read(given, Some(by)))).nothing();
                }
                let other = now.when(connector(ENTRA), phone("1")).0;
                let told = other.map(|decision| serde_json::to_string(&decision.events).unwrap());
                prop_assert!(told.as_ref().is_ok_and(|told| !told.contains("title") && !told.contains("Renamed")), "{:?}", told);
            }
            if number == 1 {
                now = now.and(OPERATOR, set(settings(later.clone())));
            }
        }
        if now.snapshot.directory.users.get(ADA).is_none() {
            return Ok(());
        }
        now = now.and(OPERATOR, set(settings(vec![])));
        let own = read(&now, Some(OKTA));
        let Ok(decision) = now.when(connector(OKTA), replace(&own)).0 else { return Ok(()) };
        if !decision.events.is_empty() {
            now = now.happened(connector(OKTA), decision.events);
        }
        let (mut own, mut all) = (own, read(&now, None));
        for object in [&mut own, &mut all] {
            object.remove("meta");
        }
        let same = Value::Complex(own.clone()).is_same(&Value::Complex(all.clone()));
        prop_assert!(same, "{:?} {:?}", own, all);
    }
}
