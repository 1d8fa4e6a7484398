//! Names are written, ids are kept, names are shown.

use access::{Principal, bind, named, shown};
use domain::event::{Event, Renamed};
use domain::personal::Personal;
use serde_json::json;

use crate::given::{JANE, SALES, asked, compiled, directory, group, has, made, person, told, user};

const TEXT: &str = r#"// jane and sales
permit (principal == User::"jane@ACME.com", action == Action::"insert", resource)
when { principal in Group::"SALES" && principal in Role::"Analyst" }; "#;

fn renamed(from: &str, to: &str) -> Event {
    let names = Renamed { from: from.to_owned(), to: to.to_owned() };
    Event::UserRenamed { user: user(JANE), personal: Personal::Known(names) }
}

#[test]
fn no_name_of_a_person_is_kept() {
    let directory = directory(Vec::new());
    let bound = bind("p", TEXT, &directory).unwrap();
    assert!(!bound.contains("ACME") && !bound.contains("SALES"), "{bound}");
    assert!(bound.starts_with("// jane and sales\n") && bound.contains(r#"Role::"Analyst""#));
    let again = shown(&bound, &directory);
    let names = TEXT.replace("jane@ACME.com", "Jane@acme.com").replace("SALES", "Sales");
    assert_eq!(again, names);
    assert_eq!(bind("p", &again, &directory).unwrap(), bound);
    assert_eq!(bind("p", &bound, &directory).unwrap(), bound);
}

#[test]
fn a_policy_survives_renames_and_nobody_gains_by_a_name() {
    let before = directory(Vec::new());
    let bound = bind("p", TEXT, &before).unwrap();
    let after = directory(vec![
        renamed("Jane@acme.com", "jane.doe@acme.com"),
        person(99, "jane@acme.com", true, &json!({})),
        Event::GroupRenamed {
            group: group(SALES),
            from: "Sales".to_owned(),
            to: "Revenue".to_owned(),
        },
        made(98, "Sales"),
        has(99, 22),
    ]);
    let text = shown(&bound, &after);
    assert!(text.contains("jane.doe@acme.com") && text.contains("Revenue"), "{text}");
    let compiled = compiled(&after, &[("p", &text)]);
    let table = r#"Table::"t""#;
    let ask = |who| told(compiled.check(&after, &asked(who, "insert", table)));
    assert_eq!(ask("jane.doe@acme.com"), "allow: p");
    assert_eq!(ask("jane@acme.com"), "deny: no-policy");
}

#[test]
fn a_name_that_nobody_has_is_refused_with_its_place() {
    let directory = directory(vec![made(97, "Twice"), made(96, "twice")]);
    let text = "permit (principal in Group::\"Salse\",\n  action, resource)\nunless { principal == User::\"jan\" || principal in Group::\"TWICE\" || principal in Role::\"analyst\" };";
    let faults = bind("p", text, &directory).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "policy `p`, line 1, column 22: there is no group `Salse`: check the spelling, or create it first",
            "policy `p`, line 3, column 23: there is no user `jan`: check the spelling, or create it first",
            "policy `p`, line 3, column 51: several groups are called `TWICE`: write an id",
            "policy `p`, line 3, column 82: there is no role `analyst`: check the spelling, or create it first",
        ]
    );
}

#[test]
fn whom_a_policy_names_is_told_and_who_is_gone() {
    let before = directory(Vec::new());
    let bound = bind("p", TEXT, &before).unwrap();
    let all = named(&bound, &before);
    assert!(
        all.contains(&Principal::User(user(JANE))) && all.contains(&Principal::Group(group(SALES)))
    );
    assert!(all.len() == 3 && !all.iter().any(|one| one.is_gone(&before)));
    let gone = Event::UserDeleted { user: user(2) };
    let after = directory(vec![gone]);
    let bob =
        bind("p", r#"permit (principal == User::"bob", action, resource);"#, &before).unwrap();
    assert!(named(&bob, &after).iter().all(|one| one.is_gone(&after)));
    // Who is gone is shown by id, and that can be written again.
    assert_eq!(shown(&bob, &after), bob);
    assert_eq!(bind("p", &bob, &after).unwrap(), bob);
}

/// It is in no directory, and always there.
#[test]
fn the_group_that_is_built_in_is_never_gone() {
    let directory = directory(Vec::new());
    let text = r#"permit (principal in Group::"PUBLIC", action, resource);"#;
    let bound = bind("p", text, &directory).unwrap();
    assert_eq!(bound, text.replace("PUBLIC", "public"));
    assert_eq!(shown(&bound, &directory), bound);
    let named = named(&bound, &directory);
    assert!(named == [Principal::Public] && !named[0].is_gone(&directory), "{named:?}");
}
