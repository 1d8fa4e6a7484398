//! What identity providers send (the `L-` rules and the bodies behind them).

use super::*;
use ScimType::{InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};

fn quirks(operations: &str) -> Vec<&'static str> {
    read(operations, "User", Mode::Lenient).unwrap().quirks.into_iter().map(Quirk::as_str).collect()
}

#[test]
fn l_01_op_in_any_case() {
    lenient(r#"{"op":"Replace","path":"title","value":"x"}"#, r#"{"title":"x"}"#, InvalidSyntax);
    lenient(r#"{"op":"REMOVE","path":"title"}"#, r#"{"title":null}"#, InvalidSyntax);
    assert_eq!(quirks(r#"{"op":"Add","path":"title","value":"x"}"#), ["L-01"]);
}

#[test]
fn l_02_booleans_as_text() {
    lenient(
        r#"{"op":"replace","path":"active","value":"False"}"#,
        r#"{"active":false}"#,
        InvalidValue,
    );
    lenient(r#"{"op":"replace","value":{"active":"false"}}"#, r#"{"active":false}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"active","value":"maybe"}"#, InvalidValue);
    assert_eq!(quirks(r#"{"op":"Replace","path":"active","value":"False"}"#), ["L-01", "L-02"]);
}

#[test]
fn l_03_keys_that_are_paths() {
    lenient(
        r#"{"op":"replace","value":{"displayName":"B","name.givenName":"K","ENT:employeeNumber":"7","emails[type eq \"home\"].value":"n@x"}}"#,
        r#"{"name":{"givenName":"K","familyName":"Jensen"},"ENT":{"department":"Sales","manager":{"value":"m1"},"employeeNumber":"7"},
            "emails":[{"value":"w@x","type":"work","primary":true},{"value":"n@x","type":"home"}],"displayName":"B"}"#,
        InvalidPath,
    );
    assert_eq!(quirks(r#"{"op":"add","value":{"name.givenName":"K"}}"#), ["L-03"]);
}

#[test]
fn l_04_remove_with_a_value() {
    lenient(
        r#"{"op":"remove","path":"emails","value":[{"value":"H@x"}]}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true}]}"#,
        InvalidValue,
    );
    lenient(
        r#"{"op":"remove","path":"emails","value":[{"type":"home"}]}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true}]}"#,
        InvalidValue,
    );
    lenient(
        r#"{"op":"remove","path":"emails","value":[{"value":"w@x","type":"home"}]}"#,
        "{}",
        InvalidValue,
    );
    for nothing in ["null", "[]", "{}"] {
        lenient(
            &format!(r#"{{"op":"remove","path":"emails","value":{nothing}}}"#),
            "{}",
            InvalidValue,
        );
    }
    refused(r#"{"op":"remove","path":"emails","value":5}"#, InvalidValue);
    check(r#"{"op":"remove","path":"title","value":"Boss"}"#, r#"{"title":null}"#);
}

#[test]
fn l_06_a_manager_in_seven_shapes_and_cleared_in_four() {
    let set = r#"{"ENT":{"department":"Sales","manager":{"value":"m2"}}}"#;
    for op in ["Add", "Replace"] {
        for (path, value) in [
            ("ENT:manager", r#""m2""#),
            ("ENT:manager", r#"{"value":"m2"}"#),
            ("ENT:manager", r#"[{"$ref":"https://h/Users/x","value":"m2"}]"#),
            ("ENT:manager", r#"{"$ref":"https://h/Users/m2"}"#),
            ("ENT:manager.value", r#""m2""#),
            ("ENT:manager.$ref", r#""../Users/m2""#),
            ("ENT.manager", r#""m2""#),
            ("manager", r#"{"value":"m2","displayName":"x"}"#),
        ] {
            check_in(
                &[Mode::Lenient],
                &format!(r#"{{"op":"{op}","path":"{path}","value":{value}}}"#),
                set,
            );
        }
        check_in(
            &[Mode::Lenient],
            &format!(r#"{{"op":"{op}","value":{{"ENT:manager":"m2"}}}}"#),
            set,
        );
        check_in(
            &[Mode::Lenient],
            &format!(r#"{{"op":"{op}","value":{{"ENT":{{"manager":{{"value":"m2"}}}}}}}}"#),
            set,
        );
        let gone = r#"{"ENT":{"department":"Sales"}}"#;
        for (path, value) in [
            ("ENT:manager", r#""""#),
            ("ENT:manager", r#"{"value":""}"#),
            ("ENT:manager", r#"{"value":null}"#),
            ("ENT:manager", "null"),
            ("ENT:manager.value", r#""""#),
            ("ENT:manager.value", "null"),
        ] {
            check_in(
                &[Mode::Lenient],
                &format!(r#"{{"op":"{op}","path":"{path}","value":{value}}}"#),
                gone,
            );
        }
        // Only what the server derives is said: nothing to do.
        check_in(
            &[Mode::Lenient],
            &format!(r#"{{"op":"{op}","path":"ENT:manager","value":{{"displayName":"x"}}}}"#),
            "{}",
        );
    }
    check(r#"{"op":"remove","path":"ENT:manager"}"#, r#"{"ENT":{"department":"Sales"}}"#);
    check(r#"{"op":"remove","path":"ENT:manager.value"}"#, r#"{"ENT":{"department":"Sales"}}"#);
    assert_eq!(
        quirks(r#"{"op":"add","path":"ENT.manager","value":"m2"}"#),
        ["L-06", "entra-dotted-urn"]
    );
}

#[test]
fn l_07_a_missing_element_is_created() {
    for op in ["add", "replace"] {
        lenient(
            &format!(
                r#"{{"op":"{op}","path":"phoneNumbers[type eq \"work\"].value","value":"1"}}"#
            ),
            r#"{"phoneNumbers":[{"type":"work","value":"1"}]}"#,
            NoTarget,
        );
        lenient(
            &format!(
                r#"{{"op":"{op}","path":"photos[type eq \"photo\" and primary eq true]","value":{{"value":"p"}}}}"#
            ),
            r#"{"photos":[{"type":"photo","primary":true,"value":"p"}]}"#,
            NoTarget,
        );
    }
    let adds =
        ["formatted", "streetAddress", "locality", "region", "postalCode", "country"].map(|sub| {
            format!(r#"{{"op":"Add","path":"addresses[type eq \"work\"].{sub}","value":"{sub}"}}"#)
        });
    check_in(
        &[Mode::Lenient],
        &adds.join(","),
        r#"{"addresses":[{"type":"work","formatted":"formatted","streetAddress":"streetAddress","locality":"locality","region":"region","postalCode":"postalCode","country":"country"}]}"#,
    );
    lenient(
        r#"{"op":"replace","path":"photos[type eq \"photo\"].value","value":null}"#,
        "{}",
        NoTarget,
    );
}

#[test]
fn l_08_lists_and_single_values() {
    lenient(
        r#"{"op":"replace","path":"emails","value":{"value":"a@b","primary":true}}"#,
        r#"{"emails":[{"value":"a@b","primary":true}]}"#,
        InvalidValue,
    );
    lenient(
        r#"{"op":"replace","path":"active","value":[false]}"#,
        r#"{"active":false}"#,
        InvalidValue,
    );
}

#[test]
fn l_10_unknown_keys_are_dropped() {
    lenient(
        r#"{"op":"replace","value":{"title":"x","adreses":[1],"ENT:nothing":"x","ENT":{"none":1}}}"#,
        r#"{"title":"x"}"#,
        InvalidPath,
    );
    let ignored = read(
        r#"{"op":"replace","value":{"adreses":[1],"ENT:nothing":"x"}}"#,
        "User",
        Mode::Lenient,
    )
    .unwrap()
    .ignored;
    assert_eq!(ignored, ["adreses".to_owned(), format!("{ENT}:nothing")]);
    refused(r#"{"op":"replace","value":{"emails[0]":"x"}}"#, InvalidPath);
}

#[test]
fn l_12_read_only_keys_are_ignored() {
    lenient(
        r#"{"op":"replace","value":{"id":"2819","meta":{},"groups":[],"title":"x"}}"#,
        r#"{"title":"x"}"#,
        Mutability,
    );
    refused(r#"{"op":"replace","path":"id","value":"x"}"#, Mutability);
}

#[test]
fn l_13_empty_text_unassigns_if_the_connection_says_so() {
    check(r#"{"op":"replace","path":"title","value":""}"#, r#"{"title":""}"#);
    let options = Options { mode: Mode::Lenient, empty_unassigns: true };
    let body = object(&format!(
        r#"{{"schemas":["{PATCH_OP}"],"Operations":[{{"op":"replace","path":"title","value":""}},{{"op":"replace","path":"emails[type eq \"work\"].value","value":""}}]}}"#
    ));
    let mut user = json(START);
    let patch = Patch::parse(&Value::Complex(body), rtype("User"), options).unwrap();
    patch.apply(&mut user, rtype("User"), options).unwrap();
    // The second null update of the same cycle meets what the first one left.
    patch.apply(&mut user, rtype("User"), options).unwrap();
    assert!(user.get("title").is_none());
    assert_eq!(user.get("emails").unwrap().as_list().unwrap().len(), 1);
}

#[test]
fn l_22_passwords_are_ignored() {
    lenient(r#"{"op":"replace","value":{"password":"new"}}"#, "{}", InvalidPath);
    lenient(r#"{"op":"replace","path":"password","value":"new"}"#, "{}", InvalidPath);
    assert_eq!(quirks(r#"{"op":"replace","value":{"password":"new"}}"#), ["L-10-patch", "L-22"]);
}

#[test]
fn okta() {
    check(r#"{"op":"replace","value":{"active":false}}"#, r#"{"active":false}"#);
    check(
        r#"{"op":"replace","value":{"active":false}},{"op":"replace","value":{"active":false}}"#,
        r#"{"active":false}"#,
    );
}

#[test]
fn entra() {
    check_in(
        &[Mode::Lenient],
        r#"{"op":"Add","path":"nickName","value":"Babs"}"#,
        r#"{"nickName":"Babs"}"#,
    );
    check_in(
        &[Mode::Lenient],
        r#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"t@x.test"},
           {"op":"replace","value":{"displayName":"B","name.givenName":"K","name.familyName":"U","ENT:employeeNumber":"7"}}"#,
        r#"{"emails":[{"value":"t@x.test","type":"work","primary":true},{"value":"h@x","type":"home"}],"name":{"givenName":"K","familyName":"U"},
            "ENT":{"department":"Sales","manager":{"value":"m1"},"employeeNumber":"7"},"displayName":"B"}"#,
    );
    // A role through the primary one: created when there is none, replaced when there is.
    let role = r#"{"op":"Add","path":"roles[primary eq \"True\"].value","value":"Admin"}"#;
    check_in(
        &[Mode::Lenient],
        role,
        r#"{"roles":[{"value":"Analyst"},{"primary":true,"value":"Admin"}]}"#,
    );
    check_in(
        &[Mode::Lenient],
        &format!(
            r#"{role},{{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"User"}}"#
        ),
        r#"{"roles":[{"value":"Analyst"},{"primary":true,"value":"User"}]}"#,
    );
    check_in(
        &[Mode::Lenient],
        r#"{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"7\",\"value\":\"Admin\",\"displayName\":\"The admin\"}"}]}"#,
        r#"{"roles":[{"value":"Analyst"},{"value":"Admin","display":"The admin"}]}"#,
    );
    check_in(
        &[Mode::Lenient],
        r#"{"op":"replace","path":"roles","value":"Admin, Business User"}"#,
        r#"{"roles":[{"value":"Admin"},{"value":"Business User"}]}"#,
    );
    // One attribute several times in one request.
    check_in(
        &[Mode::Lenient],
        r#"{"op":"Remove","path":"title"},{"op":"Add","path":"title","value":"a"},{"op":"Replace","path":"title","value":"b"}"#,
        r#"{"title":"b"}"#,
    );
    // A null update, then the same once more.
    let nulls = r#"{"op":"Replace","path":"title","value":null},{"op":"Replace","path":"emails[type eq \"work\"].value","value":null},{"op":"Replace","path":"name.givenName","value":null}"#;
    check_in(
        &[Mode::Lenient],
        &format!("{nulls},{nulls}"),
        r#"{"title":null,"emails":[{"value":"h@x","type":"home"}],"name":{"familyName":"Jensen"}}"#,
    );
}

#[test]
fn entra_with_extra_keys() {
    let body = format!(
        r#"{{"id":"x","schemas":["{PATCH_OP}"],"Operations":[{{"name":"addMember","op":"Add","path":"title","value":"x"}}]}}"#
    );
    assert_eq!(
        Patch::parse(&Value::Complex(object(&body)), rtype("User"), Mode::Strict).unwrap_err().kind,
        InvalidSyntax
    );
    assert_eq!(
        Patch::parse(&Value::Complex(object(&body)), rtype("User"), Mode::Lenient)
            .unwrap()
            .operations
            .len(),
        1
    );
}
