//! What operations do to a group's members.

use super::*;
use MembersEdit::{Add, Clear, Remove, RemoveWhere, Replace};
use ScimType::{InvalidPath, InvalidValue, Mutability, NoTarget};

fn edits(operations: &str, mode: Mode) -> Result<Vec<MembersEdit>, Invalid> {
    let patch = read(operations, "Group", mode)?;
    let members = patch.operations.iter().filter(|operation| operation.path.attr.is("members"));
    members.map(|operation| operation.members_edit(mode)).collect()
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn check_members(operation: &str, expected: &MembersEdit) {
    for mode in [Mode::Strict, Mode::Lenient] {
        assert_eq!(edits(operation, mode).unwrap(), std::slice::from_ref(expected), "{operation}");
    }
}

fn lenient_members(operation: &str, expected: &MembersEdit, strict: ScimType) {
    assert_eq!(
        edits(operation, Mode::Lenient).unwrap(),
        std::slice::from_ref(expected),
        "{operation}"
    );
    assert_eq!(edits(operation, Mode::Strict).unwrap_err().kind, strict, "{operation}");
}

fn refused_members(operation: &str, kind: ScimType) {
    for mode in [Mode::Strict, Mode::Lenient] {
        assert_eq!(edits(operation, mode).unwrap_err().kind, kind, "{operation}");
    }
}

#[test]
fn p_12_add_remove_replace() {
    check_members(
        r#"{"op":"add","path":"members","value":[{"value":"a"},{"value":"b","display":"B","$ref":null}]}"#,
        &Add(ids(&["a", "b"])),
    );
    check_members(r#"{"op":"add","path":"members","value":{"value":"a"}}"#, &Add(ids(&["a"])));
    check_members(r#"{"op":"add","value":{"members":[{"value":"a"}]}}"#, &Add(ids(&["a"])));
    check_members(
        r#"{"op":"replace","path":"members","value":[{"value":"a"}]}"#,
        &Replace(ids(&["a"])),
    );
    check_members(r#"{"op":"replace","path":"members","value":[]}"#, &Replace(ids(&[])));
    check_members(r#"{"op":"replace","path":"members","value":null}"#, &Replace(ids(&[])));
    check_members(r#"{"op":"replace","value":{"members":null}}"#, &Replace(ids(&[])));
    check_members(r#"{"op":"remove","path":"members"}"#, &Clear);
    check_members(r#"{"op":"remove","path":"members[value eq \"a\"]"}"#, &Remove(ids(&["a"])));
    check_members(
        r#"{"op":"remove","path":"MEMBERS[VALUE EQ \"a\" or (value eq \"b\" or value eq \"c\")]"}"#,
        &Remove(ids(&["a", "b", "c"])),
    );
    refused_members(r#"{"op":"add","path":"members","value":[{"display":"x"}]}"#, InvalidValue);
    refused_members(r#"{"op":"add","path":"members","value":5}"#, InvalidValue);
    refused_members(r#"{"op":"add","path":"members[0]","value":5}"#, InvalidPath);
}

#[test]
fn r_7644_3_5_2_06_members_are_not_edited() {
    for op in ["add", "replace", "remove"] {
        refused_members(
            &format!(r#"{{"op":"{op}","path":"members[value eq \"a\"].value","value":"b"}}"#),
            Mutability,
        );
        refused_members(
            &format!(r#"{{"op":"{op}","path":"members[value eq \"a\"].display","value":"b"}}"#),
            Mutability,
        );
    }
    refused_members(r#"{"op":"replace","path":"members.value","value":"b"}"#, Mutability);
    refused_members(
        r#"{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}"#,
        Mutability,
    );
    refused_members(
        r#"{"op":"add","path":"members[display sw \"a\"]","value":{"value":"b"}}"#,
        NoTarget,
    );
    lenient_members(
        r#"{"op":"add","path":"members[value eq \"a\"]","value":{"value":"a"}}"#,
        &Add(ids(&["a"])),
        NoTarget,
    );
}

#[test]
fn l_04_remove_with_a_value_never_empties_the_group() {
    for value in [
        r#"[{"$ref":null,"value":"u1"}]"#,
        r#"[{"value":"u1"}]"#,
        r#"{"value":"u1"}"#,
        r#"["u1"]"#,
        r#""u1""#,
        r#"{"members":[{"value":"u1"}]}"#,
    ] {
        lenient_members(
            &format!(r#"{{"op":"remove","path":"members","value":{value}}}"#),
            &Remove(ids(&["u1"])),
            InvalidValue,
        );
    }
    for value in ["null", "[]", "{}", r#"{"members":[]}"#] {
        lenient_members(
            &format!(r#"{{"op":"remove","path":"members","value":{value}}}"#),
            &Remove(ids(&[])),
            InvalidValue,
        );
    }
    for value in ["5", "true", r#"[{"x":1}]"#, r#"{"others":[{"value":"u1"}]}"#, r#""""#, "[[]]"] {
        refused_members(
            &format!(r#"{{"op":"remove","path":"members","value":{value}}}"#),
            InvalidValue,
        );
    }
}

#[test]
fn other_filters_are_left_to_a_search() {
    let edit = edits(
        r#"{"op":"remove","path":"members[type eq \"Group\" or value eq \"a\"]"}"#,
        Mode::Strict,
    )
    .unwrap();
    let [RemoveWhere(filter)] = edit.as_slice() else { panic!("{edit:?}") };
    let matches = |text: &str| {
        filter.matches_element(crate::Node::of(&Value::Complex(object(text))).unwrap())
    };
    assert!(
        matches(r#"{"value":"a","type":"User"}"#) && matches(r#"{"value":"b","type":"group"}"#)
    );
    assert!(!matches(r#"{"value":"b","type":"User"}"#));
}

#[test]
fn l_12_okta_renames_a_group_with_its_id() {
    let rename = r#"{"op":"replace","value":{"id":"GID","displayName":"Sales EMEA"}}"#;
    let patch = read(rename, "Group", Mode::Lenient).unwrap();
    assert_eq!(patch.operations.len(), 1);
    assert!(patch.operations[0].path.is("displayName"));
    assert_eq!(patch.quirks, [Quirk::ReadOnlyIgnored]);
    assert_eq!(read(rename, "Group", Mode::Strict).unwrap_err().kind, Mutability);
    assert_eq!(
        read(r#"{"op":"remove","path":"displayName"}"#, "Group", Mode::Strict).unwrap_err().kind,
        Mutability
    );
}

#[test]
fn a_group_with_its_members_in_it_can_be_patched_too() {
    let mut group = object(r#"{"displayName":"g","members":[{"value":"a"},{"value":"b"}]}"#);
    let operations = r#"{"op":"add","path":"members","value":[{"value":"B"},{"value":"c"}]},{"op":"remove","path":"members[value eq \"a\"]"},
        {"op":"replace","path":"displayName","value":"h"}"#;
    read(operations, "Group", Mode::Strict)
        .unwrap()
        .apply(&mut group, rtype("Group"), Mode::Strict)
        .unwrap();
    assert_eq!(shown(&group), r#"{"displayName":"h","members":[{"value":"b"},{"value":"c"}]}"#);
    let clear = r#"{"op":"remove","path":"members"}"#;
    read(clear, "Group", Mode::Strict)
        .unwrap()
        .apply(&mut group, rtype("Group"), Mode::Strict)
        .unwrap();
    assert_eq!(shown(&group), r#"{"displayName":"h"}"#);
}
