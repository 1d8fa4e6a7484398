//! May they? As tables.

use access::Asked;
use domain::event::{Event, Member};
use serde_json::{Value, json};

use crate::given::{EMEA, JANE, NEW, asked, compiled, directory, has, joins, told, user};

const SALES: &str = r#"Table::"sales""#;

#[track_caller]
fn answers(policies: &[(&str, &str)], table: &[(&str, &str, &str, &str)]) {
    let directory = directory(Vec::new());
    let compiled = compiled(&directory, policies);
    for (who, action, resource, expected) in table {
        let said = told(compiled.check(&directory, &asked(who, action, resource)));
        assert_eq!(said, *expected, "{who} {action} {resource}");
    }
}

#[test]
fn a_policy_reaches_whoever_its_scope_is_about() {
    answers(
        &[
            (
                "nested",
                r#"permit (principal in Group::"sales", action == Action::"select", resource);"#,
            ),
            ("role", r#"permit (principal in Role::"Admin", action == Action::"drop", resource);"#),
            (
                "user",
                r#"permit (principal == User::"JANE@acme.com", action == Action::"insert", resource is Table);"#,
            ),
        ],
        &[
            ("jane@ACME.com", "select", SALES, "allow: nested"),
            ("jane@acme.com", "insert", SALES, "allow: user"),
            ("jane@acme.com", "drop", SALES, "deny: no-policy"),
            ("bob", "drop", SALES, "allow: role"),
            ("bob", "select", SALES, "deny: no-policy"),
            ("new", "select", SALES, "deny: no-privileges"),
            ("gone", "select", SALES, "deny: inactive"),
            ("nobody", "select", SALES, "deny: no-such-user"),
            ("00000000-0000-0000-0000-000000000001", "select", SALES, "allow: nested"),
        ],
    );
}

/// Each active user has it without being given it, and it is no privilege. Seen to catch policies that do not see it.
#[test]
fn everybody_has_the_role_of_everybody() {
    answers(
        &[
            (
                "all",
                r#"permit (principal in Role::"Everyone", action == Action::"select", resource);"#,
            ),
            (
                "owned",
                r#"permit (principal, action == Action::"insert", resource) when { resource has owner && resource.owner in Role::"Everyone" };"#,
            ),
        ],
        &[
            ("bob", "select", SALES, "allow: all"),
            ("jane@acme.com", "select", SALES, "allow: all"),
            ("gone", "select", SALES, "deny: inactive"),
            ("new", "select", SALES, "deny: no-privileges"),
            ("bob", "insert", SALES, "deny: no-policy"),
        ],
    );
}

/// Whoever may act is in it, in any case of its name, in scopes and in conditions, without anybody having put them there.
#[test]
fn everybody_is_in_the_group_that_is_built_in() {
    answers(
        &[
            (
                "scope",
                r#"permit (principal in Group::"Public", action == Action::"select", resource);"#,
            ),
            (
                "condition",
                r#"permit (principal, action == Action::"insert", resource) when { principal in [Group::"public"] };"#,
            ),
            (
                "itself",
                r#"permit (principal == Group::"public", action == Action::"drop", resource);"#,
            ),
        ],
        &[
            ("bob", "select", SALES, "allow: scope"),
            ("bob", "insert", SALES, "allow: condition"),
            ("bob", "drop", SALES, "deny: no-policy"),
            ("gone", "select", SALES, "deny: inactive"),
            ("new", "insert", SALES, "deny: no-privileges"),
        ],
    );
}

/// Whoever has no role but that of everybody may do nothing, whatever policies say of them, of their groups or of everybody:
/// unless the tenant has no role that they could be given.
#[test]
fn who_has_no_role_may_do_nothing() {
    let joined = joins(EMEA, Member::User(user(NEW)));
    let given = has(NEW, 23);
    let all = [
        ("all", "permit (principal, action, resource);"),
        ("group", r#"permit (principal in Group::"Sales", action, resource);"#),
        ("user", r#"permit (principal == User::"new", action, resource);"#),
    ];
    let ask = |more: Vec<Event>| {
        let directory = directory(more);
        let compiled = compiled(&directory, &all);
        told(compiled.check(&directory, &asked("new", "select", SALES)))
    };
    assert_eq!(ask(vec![joined.clone(), given.clone()]), "deny: no-privileges");
    assert_eq!(ask(vec![has(NEW, 21)]), "allow: all: user");
    let role = |n| domain::id::RoleId::new(uuid::Uuid::from_u128(n));
    let retired = [21, 22].map(|n| Event::RoleRetired { role: role(n) });
    assert_eq!(ask(vec![joined, retired[0].clone()]), "deny: no-privileges");
    assert_eq!(ask(retired.to_vec()), "allow: all: user");
}

/// Whom a resource refers to may be somebody who may not act: they are then neither active nor among everybody.
#[test]
fn whom_a_question_refers_to_is_seen_as_they_are() {
    let directory = directory(Vec::new());
    let when = |name, condition: &str| {
        let text = format!(
            "permit (principal, action == Action::\"{name}\", resource) when {{ resource has owner && {condition} }};"
        );
        (name, text)
    };
    let policies = [
        when("select", "resource.owner.active"),
        when("insert", r#"resource.owner in Group::"public""#),
        when("drop", r#"resource.owner in Role::"Everyone""#),
    ];
    let policies = policies.each_ref().map(|(name, text)| (*name, text.as_str()));
    let compiled = compiled(&directory, &policies);
    for (owner, allowed) in [("jane@acme.com", true), ("new", true), ("gone", false)] {
        for action in ["select", "insert", "drop"] {
            let entities = json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": { "owner": { "type": "User", "id": owner } }, "parents": [] }]);
            let asked = Asked { entities, ..asked("bob", action, SALES) };
            let answer = compiled.check(&directory, &asked).unwrap();
            assert_eq!(answer.reason.is_none(), allowed, "{owner} {action}");
        }
    }
    let team = |id: &str| {
        let entities = json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": { "team": { "type": "Group", "id": id } }, "parents": [] }]);
        Asked { entities, ..asked("bob", "insert", SALES) }
    };
    let policy = [(
        "team",
        r#"permit (principal, action, resource) when { resource has team && principal in resource.team };"#,
    )];
    let compiled = crate::given::compiled(&directory, &policy);
    assert_eq!(told(compiled.check(&directory, &team("PUBLIC"))), "allow: team");
    assert_eq!(told(compiled.check(&directory, &team("Sales"))), "deny: no-policy");
}

#[test]
fn what_is_forbidden_is_forbidden_whatever_else_allows_it() {
    answers(
        &[
            ("all", "permit (principal, action, resource);"),
            ("never", r#"forbid (principal in Role::"Analyst", action, resource == Table::"hr");"#),
            (
                "no drop",
                r#"forbid (principal, action == Action::"drop", resource) unless { principal in Role::"Admin" };"#,
            ),
        ],
        &[
            ("jane@acme.com", "select", r#"Table::"hr""#, "deny: forbidden: never"),
            ("jane@acme.com", "drop", r#"Table::"hr""#, "deny: forbidden: never: no drop"),
            ("jane@acme.com", "select", SALES, "allow: all"),
            ("bob", "drop", r#"Table::"hr""#, "allow: all"),
            ("bob", "select", SALES, "allow: all"),
        ],
    );
}

#[test]
fn policies_see_the_attributes_of_users() {
    let has = |condition: &str| {
        format!(
            "permit (principal, action == Action::\"select\", resource) when {{ {condition} }};"
        )
    };
    for (condition, expected) in [
        (r#"principal.userName == "Jane@acme.com""#, "allow: p"),
        (r#"principal has title && principal.title like "He*""#, "allow: p"),
        (r#"principal has department && principal["department"] == "Sales""#, "allow: p"),
        (
            r#"principal has "dep\u{61}rtment" && principal["dep\u{61}rtment"] == "Sales""#,
            "allow: p",
        ),
        (
            r#"principal has name && principal.name has givenName && principal.name.givenName == "Jane""#,
            "allow: p",
        ),
        (r#"principal has emails && principal.emails.contains("jane@acme.com")"#, "allow: p"),
        (
            r#"principal has manager && principal.manager has value && principal.manager.value == "42""#,
            "allow: p",
        ),
        (r#"principal.active && principal in [Group::"Sales EMEA", Group::"Round"]"#, "allow: p"),
        (r#"principal has division || principal has nickName"#, "deny: no-policy"),
        (r#"principal has title && principal.title == "head""#, "deny: no-policy"),
    ] {
        answers(&[("p", &has(condition))], &[("jane@acme.com", "select", SALES, expected)]);
    }
}

#[test]
fn actions_are_named_in_full_where_two_are_called_so() {
    answers(
        &[
            ("reads", r#"permit (principal, action in Action::"read", resource);"#),
            (
                "pages",
                r#"permit (principal, action == Web::Action::"open", resource is Web::Page);"#,
            ),
        ],
        &[
            ("bob", r#"Action::"select""#, SALES, "allow: reads"),
            ("bob", "open", r#"Web::Page::"home""#, "allow: pages"),
            ("bob", r#"Web::Action::"edit""#, r#"Web::Page::"home""#, "deny: no-policy"),
            ("bob", "insert", SALES, "deny: no-policy"),
        ],
    );
}

#[test]
fn a_question_that_does_not_fit_the_schema_is_refused() {
    let directory = directory(Vec::new());
    let compiled = compiled(&directory, &[("all", "permit (principal, action, resource);")]);
    let with = |context: Value, entities: Value| Asked {
        context,
        entities,
        ..asked("bob", r#"Action::"select""#, SALES)
    };
    let table = |attrs: Value| json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": attrs, "parents": [] }]);
    for (asked, words) in [
        (asked("bob", "selct", SALES), "there is no action `selct`: the schema has"),
        (asked("bob", "edit", r#"Web::Page::"home""#), "there is no action `edit`"),
        (asked("bob", "insert", "sales"), "`sales` is no resource"),
        (asked("bob", "insert", r#"Web::Page::"home""#), "Web::Page"),
        (asked("bob", "insert", r#"Table::"a" || true"#), "is no resource"),
        (with(json!({ "mfa": "yes" }), Value::Null), "context `{mfa: \"yes\"}` is not valid"),
        (with(json!({ "more": true }), Value::Null), "more"),
        (with(Value::Null, table(json!({ "size": "big" }))), "size"),
        (
            with(Value::Null, table(json!({ "owner": { "type": "User", "id": "nobody" } }))),
            "there is no user `nobody`",
        ),
        (
            with(
                Value::Null,
                json!([{ "uid": { "type": "User", "id": "bob" }, "attrs": {}, "parents": [] }]),
            ),
            "rollbook knows its own",
        ),
        (
            with(
                Value::Null,
                json!([{ "uid": { "__entity": { "type": "Role", "id": "Admin" } }, "attrs": {}, "parents": [] }]),
            ),
            "rollbook knows its own",
        ),
    ] {
        let said = compiled.check(&directory, &asked).unwrap_err().to_string();
        assert!(said.contains(words), "{asked:?}: {said}");
    }
}

#[test]
fn a_question_brings_what_rollbook_cannot_know() {
    let directory = directory(Vec::new());
    let compiled = compiled(
        &directory,
        &[
            (
                "owner",
                "permit (principal, action, resource) when { resource has owner && resource.owner == principal };",
            ),
            (
                "team",
                r#"permit (principal, action == Action::"insert", resource) when { resource has team && principal in resource.team };"#,
            ),
            (
                "part",
                r#"permit (principal, action == Action::"insert", resource) when { resource has team && resource.team in Group::"Round" };"#,
            ),
            (
                "boss",
                r#"permit (principal, action == Action::"drop", resource) when { resource has owner && resource.owner in Role::"Analyst" && resource.owner has title };"#,
            ),
            (
                "folder",
                r#"permit (principal, action == Action::"select", resource in Folder::"open");"#,
            ),
            (
                "mfa",
                r#"forbid (principal, action == Action::"select", resource) when { context has mfa && !context.mfa };"#,
            ),
        ],
    );
    let select = "select";
    let jane = json!({ "owner": { "__entity": { "type": "User", "id": "JANE@acme.com" } } });
    let emea = json!({ "team": { "type": "Group", "id": "sales emea" } });
    for (who, action, attrs, parents, context, expected) in [
        ("jane@acme.com", select, &jane, json!([]), json!({}), "allow: owner"),
        ("bob", select, &jane, json!([]), json!({}), "deny: no-policy"),
        ("bob", "drop", &jane, json!([]), Value::Null, "allow: boss"),
        ("jane@acme.com", "insert", &emea, json!([]), Value::Null, "allow: part: team"),
        ("bob", "insert", &emea, json!([]), Value::Null, "allow: part"),
        (
            "bob",
            select,
            &json!({}),
            json!([{ "type": "Folder", "id": "open" }]),
            json!({ "mfa": true }),
            "allow: folder",
        ),
        (
            "bob",
            select,
            &json!({}),
            json!([{ "type": "Folder", "id": "open" }]),
            json!({ "mfa": false }),
            "deny: forbidden: mfa",
        ),
        (
            "bob",
            select,
            &json!({}),
            json!([{ "type": "Folder", "id": "shut" }]),
            Value::Null,
            "deny: no-policy",
        ),
    ] {
        let entities = json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": attrs, "parents": parents }]);
        let asked = Asked { context, entities, ..asked(who, action, SALES) };
        assert_eq!(told(compiled.check(&directory, &asked)), expected, "{asked:?}");
    }
}

/// Circles of groups are no graph that Cedar takes: they are handed over as what they come to.
#[test]
fn groups_that_hold_each_other_are_brought_together() {
    let directory = directory(Vec::new());
    let compiled = compiled(
        &directory,
        &[(
            "team",
            r#"permit (principal, action == Action::"insert", resource) when { resource has team && principal in resource.team };"#,
        )],
    );
    let table = |id: &str, team: &str| json!({ "uid": { "type": "Table", "id": id }, "attrs": { "team": { "type": "Group", "id": team } }, "parents": [] });
    let entities = json!([table("sales", "Sales"), table("round", "Round")]);
    let asked = Asked { entities, ..asked("jane@acme.com", "insert", r#"Table::"round""#) };
    assert_eq!(told(compiled.check(&directory, &asked)), "allow: team");
}

#[test]
fn a_policy_that_cannot_be_evaluated_counts_for_nothing_and_is_told() {
    let directory = directory(Vec::new());
    let text = r#"forbid (principal, action, resource) when { principal.title == "x" };"#;
    let written = access::Written { id: domain::id::PolicyId::LEAST, name: "loose", text };
    let broken =
        access::Written { id: domain::id::PolicyId::MOST, name: "broken", text: "permit (" };
    let compiled =
        access::Compiled::of(&directory.schemas, crate::given::SCHEMA, [written, broken]).unwrap();
    let answer = compiled.check(&directory, &asked("bob", "insert", SALES)).unwrap();
    assert_eq!(answer.reason, Some(access::Reason::NoPolicy));
    let names: Vec<&str> = answer.errors.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loose", "broken"]);
    assert!(answer.errors[0].1.contains("title"), "{:?}", answer.errors);
}

#[test]
fn which_policies_can_apply_is_listed() {
    let directory = directory(Vec::new());
    let compiled = compiled(
        &directory,
        &[
            ("all", "permit (principal, action, resource is Table) when { true };"),
            (
                "group",
                r#"permit (principal in Group::"Sales", action in Action::"read", resource);"#,
            ),
            ("role", r#"forbid (principal in Role::"Admin", action == Action::"drop", resource);"#),
            (
                "user",
                r#"permit (principal == User::"jane@acme.com", action == Action::"insert", resource);"#,
            ),
        ],
    );
    let list = |who: &str| -> Vec<String> {
        let all = compiled.applicable(&directory, who).unwrap();
        all.iter().map(|p| format!("{} {:?} {}", p.name, p.actions, p.is_conditional)).collect()
    };
    assert_eq!(
        list("jane@acme.com"),
        [
            r#"all ["drop", "insert", "select"] true"#,
            r#"group ["select"] false"#,
            r#"user ["insert"] false"#,
        ]
    );
    assert_eq!(list("bob").len(), 2);
    assert_eq!(compiled.applicable(&directory, "nobody"), None);
}

#[test]
fn a_deactivated_user_may_do_nothing_from_then_on() {
    let all = [("all", "permit (principal, action, resource);")];
    let directory = directory(vec![Event::UserDeactivated { user: user(JANE) }]);
    let compiled = compiled(&directory, &all);
    let said = told(compiled.check(&directory, &asked("jane@acme.com", "insert", SALES)));
    assert_eq!(said, "deny: inactive");
}

/// What only other principals ask for is nothing that could be asked of users: it is on no list, and no comparison stumbles on it.
#[test]
fn actions_of_other_principals_are_left_out() {
    let directory = directory(Vec::new());
    let schema = "entity Table; action select appliesTo { principal: [User], resource: [Table] };
        action sync appliesTo { principal: [Group], resource: [Table] };";
    let text = "permit (principal, action, resource);";
    let all = access::Written { id: domain::id::PolicyId::LEAST, name: "all", text };
    let compiled = access::Compiled::of(&directory.schemas, schema, [all]).unwrap();
    let select = vec!["select".to_owned()];
    assert_eq!(compiled.resources(), [("Table::\"*\"".to_owned(), select.clone())]);
    assert_eq!(compiled.applicable(&directory, "bob").unwrap()[0].actions, select);
    assert!(compiled.check(&directory, &asked("bob", "sync", SALES)).is_err());
}
