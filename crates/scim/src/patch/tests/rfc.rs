//! RFC 7644 §3.5.2, row by row.

use super::*;
use ScimType::{InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};

fn message(body: &str, mode: Mode) -> Result<Patch, Invalid> {
    Patch::parse(
        &Value::parse(body.replace("PO", PATCH_OP).as_bytes()).unwrap(),
        rtype("User"),
        mode,
    )
}

#[test]
fn r_7644_3_5_2_01_the_message() {
    for body in [
        "[]",
        r#"{"schemas":["PO"]}"#,
        r#"{"schemas":["PO"],"Operations":{}}"#,
        r#"{"schemas":["PO"],"Operations":["x"]}"#,
        r#"{"schemas":["urn:x"],"Operations":[{"op":"remove","path":"title"}]}"#,
        r#"{"schemas":"PO","Operations":[{"op":"remove","path":"title"}]}"#,
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            assert_eq!(message(body, mode).unwrap_err().kind, InvalidSyntax, "{body}");
        }
    }
    for body in [
        r#"{"Operations":[{"op":"remove","path":"title"}]}"#,
        r#"{"schemas":["PO"],"Operations":[]}"#,
    ] {
        assert_eq!(message(body, Mode::Strict).unwrap_err().kind, InvalidSyntax, "{body}");
        assert_eq!(
            message(body, Mode::Lenient).unwrap().quirks,
            [Quirk::PatchEnvelope],
            "L-11 {body}"
        );
    }
    let upper = r#"{"SCHEMAS":["PO"],"OPERATIONS":[{"OP":"remove","PATH":"title"}],"id":"x"}"#;
    assert_eq!(message(upper, Mode::Strict).unwrap().operations.len(), 1);
}

#[test]
fn r_7644_3_5_2_02_the_op() {
    for op in [r#""op":"move""#, r#""op":5"#, r#""op":"""#, r#""x":1"#, r#""op":null"#] {
        refused(&format!(r#"{{{op},"path":"title","value":"x"}}"#), InvalidSyntax);
    }
}

#[test]
fn r_7644_3_5_2_03_in_order() {
    check(
        r#"{"op":"replace","path":"title","value":"A"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"B"},
           {"op":"add","path":"emails","value":[{"value":"n@x","type":"other"}]},{"op":"replace","path":"emails[type eq \"other\"].value","value":"o@x"}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"o@x","type":"other"}],"title":"B"}"#,
    );
}

#[test]
fn r_7644_3_5_2_04_all_or_nothing() {
    refused(
        r#"{"op":"replace","path":"title","value":"A"},{"op":"replace","path":"id","value":"7"}"#,
        Mutability,
    );
    refused(
        r#"{"op":"remove","path":"emails"},{"op":"replace","path":"photos[type eq \"a\" or type eq \"b\"]","value":{"value":"x"}}"#,
        NoTarget,
    );
    let fault = patched(
        START,
        r#"{"op":"remove","path":"title"},{"op":"remove","path":"nothing"}"#,
        Mode::Strict,
    )
    .unwrap_err();
    assert_eq!(fault.detail, "operation 2: there is no attribute `nothing`");
}

#[test]
fn r_7644_3_5_2_05_paths() {
    refused(r#"{"op":"remove","path":"emails[0]"}"#, InvalidPath);
    refused(r#"{"op":"remove","path":"emails[type regex \"x\"]"}"#, InvalidFilter);
    refused(r#"{"op":"remove","path":"nothing"}"#, InvalidPath);
    refused(r#"{"op":"remove","path":5}"#, InvalidPath);
    refused(r#"{"op":"add","path":"urn:x:y:title","value":"x"}"#, InvalidPath);
}

#[test]
fn r_7644_3_5_2_06_mutability() {
    for op in ["add", "replace", "remove"] {
        for path in [
            "id",
            "groups",
            "meta.version",
            "groups[value eq \\\"x\\\"].display",
            "ENT:manager.displayName",
        ] {
            refused(&format!(r#"{{"op":"{op}","path":"{path}","value":"x"}}"#), Mutability);
        }
    }
}

#[test]
fn r_7644_3_5_2_07_values() {
    refused(r#"{"op":"add","path":"title"}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"title","value":5}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"active","value":"yes"}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"name","value":"x"}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"title","value":["a","b"]}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"userName","value":"two words"}"#, InvalidValue);
    refused(r#"{"op":"add"}"#, InvalidValue);
    refused(r#"{"op":"add","value":"x"}"#, InvalidValue);
    refused(
        r#"{"op":"replace","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}"#,
        InvalidValue,
    );
}

#[test]
fn r_7644_3_5_2_08_remove_needs_a_path() {
    refused(r#"{"op":"remove"}"#, NoTarget);
    refused(r#"{"op":"remove","value":{"title":"x"}}"#, NoTarget);
}

#[test]
fn r_7644_3_5_2_09_required_stays() {
    refused(r#"{"op":"remove","path":"userName"}"#, Mutability);
    refused(
        r#"{"op":"remove","path":"userName"},{"op":"add","path":"userName","value":"x"}"#,
        Mutability,
    );
    refused(r#"{"op":"replace","path":"userName","value":null}"#, InvalidValue);
    refused(r#"{"op":"replace","path":"userName","value":""}"#, InvalidValue);
    refused(r#"{"op":"remove","path":"schemas"}"#, Mutability);
}

#[test]
fn r_7644_3_5_2_10_one_primary() {
    let home = r#"{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home","primary":true}]}"#;
    check(r#"{"op":"add","path":"emails[type eq \"home\"].primary","value":true}"#, home);
    check(
        r#"{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"h@x","type":"home","primary":true}}"#,
        home,
    );
    check(
        r#"{"op":"add","path":"emails","value":[{"value":"h@x","type":"home","primary":true}]}"#,
        home,
    );
    check(
        r#"{"op":"add","path":"emails","value":{"value":"n@x","primary":true}}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"value":"n@x","primary":true}]}"#,
    );
    check(
        r#"{"op":"remove","path":"emails[primary eq true]"}"#,
        r#"{"emails":[{"value":"h@x","type":"home"}]}"#,
    );
    refused(r#"{"op":"replace","path":"emails.primary","value":true}"#, InvalidValue);
}

#[test]
fn r_7644_3_5_2_11_schemas_stay_in_step() {
    check(r#"{"op":"remove","path":"schemas[value eq \"ENT\"]"}"#, r#"{"ENT":null}"#);
    check(r#"{"op":"replace","path":"schemas","value":["USER"]}"#, r#"{"ENT":null}"#);
    check(r#"{"op":"replace","path":"schemas","value":["USER","ENT"]}"#, "{}");
    check(r#"{"op":"add","path":"schemas","value":"ENT"}"#, "{}");
    check(r#"{"op":"remove","path":"schemas[value eq \"urn:x\"]"}"#, "{}");
    check(
        r#"{"op":"remove","path":"schemas[value eq \"ENT\"]"},{"op":"add","path":"ENT:division","value":"d"}"#,
        r#"{"ENT":{"division":"d"}}"#,
    );
    refused(r#"{"op":"remove","path":"schemas[value eq \"USER\"]"}"#, Mutability);
    refused(r#"{"op":"replace","path":"schemas","value":["ENT"]}"#, Mutability);
    refused(r#"{"op":"replace","path":"schemas","value":[]}"#, InvalidValue);
    lenient(r#"{"op":"add","path":"schemas","value":["urn:x"]}"#, "{}", InvalidValue);
}

#[test]
fn r_7644_3_5_2_12_names_in_any_case() {
    check(
        r#"{"op":"replace","path":"URN:ietf:params:scim:schemas:core:2.0:USER:Title","value":"x"}"#
            .replace("USER", "user")
            .as_str(),
        r#"{"title":"x"}"#,
    );
    check(
        r#"{"op":"replace","path":"EMAILS[TYPE EQ \"HOME\"].VALUE","value":"n"}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"n","type":"home"}]}"#,
    );
    check(
        r#"{"op":"replace","path":"department","value":"d"}"#,
        r#"{"ENT":{"department":"d","manager":{"value":"m1"}}}"#,
    );
}

#[test]
fn table_14_1_no_path() {
    let both = r#"{"nickName":"B","name":{"givenName":"Babs","familyName":"Jensen"}}"#;
    for op in ["add", "replace"] {
        check(
            &format!(r#"{{"op":"{op}","value":{{"nickName":"B","name":{{"givenName":"Babs"}}}}}}"#),
            both,
        );
        check(
            &format!(r#"{{"op":"{op}","value":{{"ENT":{{"division":"d"}}}}}}"#),
            r#"{"ENT":{"department":"Sales","manager":{"value":"m1"},"division":"d"}}"#,
        );
    }
    check(
        r#"{"op":"add","value":{"emails":[{"value":"n@x"}]}}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n@x"}]}"#,
    );
    check(
        r#"{"op":"replace","value":{"emails":[{"value":"n@x"}],"title":null}}"#,
        r#"{"emails":[{"value":"n@x"}],"title":null}"#,
    );
    check(r#"{"op":"add","value":{}}"#, "{}");
}

#[test]
fn table_14_1_single_values() {
    for op in ["add", "replace"] {
        check(&format!(r#"{{"op":"{op}","path":"title","value":"x"}}"#), r#"{"title":"x"}"#);
        check(&format!(r#"{{"op":"{op}","path":"nickName","value":"x"}}"#), r#"{"nickName":"x"}"#);
        check(
            &format!(
                r#"{{"op":"{op}","path":"name","value":{{"givenName":"x","middleName":"y","familyName":null}}}}"#
            ),
            r#"{"name":{"givenName":"x","middleName":"y"}}"#,
        );
        check(
            &format!(r#"{{"op":"{op}","path":"name.givenName","value":"x"}}"#),
            r#"{"name":{"givenName":"x","familyName":"Jensen"}}"#,
        );
        check(
            &format!(r#"{{"op":"{op}","path":"ENT:department","value":"x"}}"#),
            r#"{"ENT":{"department":"x","manager":{"value":"m1"}}}"#,
        );
        check(
            &format!(
                r#"{{"op":"{op}","path":"ENT","value":{{"costCenter":"x","manager":{{"value":"m2"}}}}}}"#
            ),
            r#"{"ENT":{"department":"Sales","manager":{"value":"m2"},"costCenter":"x"}}"#,
        );
        check(&format!(r#"{{"op":"{op}","path":"title","value":null}}"#), r#"{"title":null}"#);
    }
    check(r#"{"op":"remove","path":"title"}"#, r#"{"title":null}"#);
    check(r#"{"op":"remove","path":"nickName"}"#, "{}");
    check(r#"{"op":"remove","path":"name"}"#, r#"{"name":null}"#);
    check(r#"{"op":"remove","path":"name.givenName"}"#, r#"{"name":{"familyName":"Jensen"}}"#);
    check(
        r#"{"op":"remove","path":"name.givenName"},{"op":"remove","path":"name.familyName"}"#,
        r#"{"name":null}"#,
    );
    check(r#"{"op":"remove","path":"ENT"}"#, r#"{"ENT":null}"#);
    check(
        r#"{"op":"remove","path":"ENT:department"},{"op":"remove","path":"ENT:manager"}"#,
        r#"{"ENT":null}"#,
    );
    check(r#"{"op":"remove","path":"ENT:costCenter"}"#, "{}");
    check(r#"{"op":"replace","path":"name","value":{}}"#, r#"{"name":null}"#);
    check(r#"{"op":"add","path":"name","value":{}}"#, "{}");
}

#[test]
fn table_14_1_whole_lists() {
    check(
        r#"{"op":"add","path":"emails","value":[{"value":"n@x"}]}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n@x"}]}"#,
    );
    check(
        r#"{"op":"add","path":"photos","value":[{"value":"p"}]}"#,
        r#"{"photos":[{"value":"p"}]}"#,
    );
    check(
        r#"{"op":"replace","path":"emails","value":[{"value":"n@x"}]}"#,
        r#"{"emails":[{"value":"n@x"}]}"#,
    );
    check(r#"{"op":"replace","path":"emails","value":[]}"#, r#"{"emails":null}"#);
    check(r#"{"op":"replace","path":"emails","value":null}"#, r#"{"emails":null}"#);
    check(r#"{"op":"remove","path":"emails"}"#, r#"{"emails":null}"#);
    check(r#"{"op":"add","path":"emails","value":[]}"#, "{}");
}

#[test]
fn table_14_1_a_sub_attribute_of_every_element() {
    refused(r#"{"op":"add","path":"emails.type","value":"x"}"#, InvalidPath);
    check(
        r#"{"op":"replace","path":"emails.type","value":"x"}"#,
        r#"{"emails":[{"value":"w@x","type":"x","primary":true},{"value":"h@x","type":"x"}]}"#,
    );
    refused(r#"{"op":"replace","path":"photos.type","value":"x"}"#, NoTarget);
    check(
        r#"{"op":"remove","path":"emails.type"}"#,
        r#"{"emails":[{"value":"w@x","primary":true},{"value":"h@x"}]}"#,
    );
    check(r#"{"op":"remove","path":"photos.type"}"#, "{}");
}

#[test]
fn table_14_1_chosen_elements() {
    let renamed = r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home","display":"d"}]}"#;
    check(r#"{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"d"}}"#, renamed);
    check(
        r#"{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n@x"}}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"n@x"}]}"#,
    );
    check(
        r#"{"op":"remove","path":"emails[type eq \"home\"]"}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true}]}"#,
    );
    check(r#"{"op":"remove","path":"emails[type eq \"none\"]"}"#, "{}");
    for op in ["add", "replace"] {
        check(
            &format!(r#"{{"op":"{op}","path":"emails[type eq \"home\"].display","value":"d"}}"#),
            renamed,
        );
        refused_in(
            &[Mode::Strict],
            &format!(
                r#"{{"op":"{op}","path":"emails[type eq \"none\"]","value":{{"value":"n"}}}}"#
            ),
            NoTarget,
        );
        refused_in(
            &[Mode::Strict],
            &format!(r#"{{"op":"{op}","path":"emails[type eq \"none\"].value","value":"n"}}"#),
            NoTarget,
        );
        refused(
            &format!(
                r#"{{"op":"{op}","path":"emails[type ne \"work\" and type ne \"home\"].value","value":"n"}}"#
            ),
            NoTarget,
        );
    }
    check(
        r#"{"op":"remove","path":"emails[type eq \"work\"].primary"}"#,
        r#"{"emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}"#,
    );
    check(r#"{"op":"remove","path":"emails[type eq \"none\"].value"}"#, "{}");
    check(r#"{"op":"remove","path":"roles[value eq \"Analyst\"].value"}"#, r#"{"roles":null}"#);
    check(
        r#"{"op":"replace","path":"ENT:manager[value eq \"m1\"].value","value":"m2"}"#,
        r#"{"ENT":{"department":"Sales","manager":{"value":"m2"}}}"#,
    );
}

#[test]
fn r_7644_3_5_2_1_01_adding_what_is_there_changes_nothing() {
    check(r#"{"op":"add","path":"title","value":"Boss"}"#, "{}");
    check(r#"{"op":"add","path":"emails","value":[{"value":"H@X","type":"HOME"}]}"#, "{}");
    check(r#"{"op":"add","path":"emails","value":[{"value":"h@x"}]}"#, "{}");
    check(r#"{"op":"add","path":"roles","value":[{"value":"Analyst"}]}"#, "{}");
    check(
        r#"{"op":"add","path":"roles","value":[{"value":"analyst"}]}"#,
        r#"{"roles":[{"value":"Analyst"},{"value":"analyst"}]}"#,
    );
    check(r#"{"op":"add","path":"ENT:manager","value":{"value":"m1"}}"#, "{}");
}

#[test]
fn r_7644_3_5_2_2_01_the_last_element_goes() {
    check(r#"{"op":"remove","path":"emails[value pr]"}"#, r#"{"emails":null}"#);
}

#[test]
fn r_7644_3_5_2_3_01_replace_hits_every_match() {
    check(
        r#"{"op":"replace","path":"emails[value ew \"@x\"].display","value":"d"}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true,"display":"d"},{"value":"h@x","type":"home","display":"d"}]}"#,
    );
}

#[test]
fn r_7644_3_5_2_3_04_a_chain_that_ends_where_it_began() {
    check(
        r#"{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"title","value":"Boss"}"#,
        "{}",
    );
    let chain = r#"{"op":"remove","path":"title"},{"op":"add","path":"title","value":"Boss"},
        {"op":"remove","path":"emails[type eq \"work\"]"},{"op":"add","path":"emails","value":{"value":"w@x","type":"work","primary":true}}"#;
    let mut user = json(START);
    read(chain, "User", Mode::Strict)
        .unwrap()
        .apply(&mut user, rtype("User"), Mode::Strict)
        .unwrap();
    let same = |other| Value::from(user.clone()).is_same(&Value::from(other));
    assert!(same(json(START)), "but for order: {}", shown(&user));
    assert!(!same(json("{}")));
}

#[test]
fn the_examples_of_rfc_7644() {
    check(
        r#"{"op":"add","value":{"emails":[{"value":"babs@jensen.org","type":"home"}],"nickname":"Babs"}}"#,
        r#"{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"babs@jensen.org","type":"home"}],"nickName":"Babs"}"#,
    );
    check(
        r#"{"op":"remove","path":"emails[type eq \"work\" and value ew \"x\"]"}"#,
        r#"{"emails":[{"value":"h@x","type":"home"}]}"#,
    );
    let start =
        r#"{"userName":"bj","addresses":[{"type":"work","streetAddress":"1","locality":"L"}]}"#;
    for (operation, expected) in [
        (
            r#"{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","streetAddress":"911 Universal City Plaza","country":"US","primary":true}}"#,
            r#"{"userName":"bj","addresses":[{"type":"work","streetAddress":"911 Universal City Plaza","country":"US","primary":true}]}"#,
        ),
        (
            r#"{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"1010 Broadway Ave"}"#,
            r#"{"userName":"bj","addresses":[{"type":"work","streetAddress":"1010 Broadway Ave","locality":"L"}]}"#,
        ),
    ] {
        assert_eq!(patched(start, operation, Mode::Strict).unwrap(), expected);
    }
}

#[test]
fn limits() {
    let many = vec![r#"{"op":"remove","path":"title"}"#; 1001].join(",");
    refused(&many, InvalidValue);
    let thousand = vec![r#"{"op":"remove","path":"title"}"#; 1000].join(",");
    check(&thousand, r#"{"title":null}"#);
    let lists = vec![
        format!(
            r#"{{"op":"add","path":"members","value":[{}]}}"#,
            [r#"{"value":"u"}"#; 10].join(",")
        );
        3
    ]
    .join(",");
    assert_eq!(read(&lists, "Group", Mode::Strict).unwrap().operations.len(), 3);
    let half: Vec<_> = (0..60_000).map(|n| format!(r#"{{"value":"u{n}"}}"#)).collect();
    let twice = vec![format!(r#"{{"op":"add","path":"members","value":[{}]}}"#, half.join(",")); 2]
        .join(",");
    assert_eq!(read(&twice, "Group", Mode::Strict).unwrap_err().kind, InvalidValue);
    let mails: Vec<_> = (0..1700).map(|n| format!(r#"{{"value":"{n}@x"}}"#)).collect();
    let add = format!(r#"{{"op":"replace","path":"emails","value":[{}]}}"#, mails.join(","));
    refused(&[add.as_str(); 3].join(","), InvalidValue);
    let filter = vec![r#"type eq \"x\""#; 200].join(" or ");
    refused(
        &vec![format!(r#"{{"op":"remove","path":"emails[{filter}]"}}"#); 11].join(","),
        InvalidFilter,
    );
}

#[test]
fn r_7644_7_7_01_a_patch_that_looks_at_too_much_is_refused() {
    let mails: Vec<_> = (0..limits::ATTRIBUTE_ELEMENTS)
        .map(|n| Value::Complex(Object::from_iter([("value", format!("m{n}@x"))])))
        .collect();
    let mut user = json(START);
    user.set("emails", mails);
    let before = user.clone();
    let many = |operation: &str, count: usize| {
        read(&vec![operation; count].join(","), "User", Mode::Strict).unwrap()
    };
    let one = r#"{"op":"remove","path":"emails[value eq \"none\"]"}"#;
    let two = r#"{"op":"remove","path":"emails[value eq \"none\" and type eq \"work\"]"}"#;
    let add = r#"{"op":"add","path":"emails","value":{"value":"m1@x"}}"#;
    let most = limits::PATCH_LOOKED_AT / limits::ATTRIBUTE_ELEMENTS;
    for (operation, fits) in [(one, most), (two, most / 2), (add, most - 1)] {
        many(operation, fits).apply(&mut user, rtype("User"), Mode::Strict).unwrap();
        let fault =
            many(operation, fits + 1).apply(&mut user, rtype("User"), Mode::Strict).unwrap_err();
        assert_eq!(fault.kind, ScimType::TooMany);
        assert!(fault.detail.contains("more than 200000 elements"), "{fault}");
        assert_eq!(user, before);
    }
}

/// Seen by `whatever_is_applied_keeps_the_rules`, and seen to fail without `distinct`.
#[test]
fn r_7643_2_4_02_elements_that_become_the_same_are_one() {
    let start = r#"{"userName":"bj","emails":[{"type":"work","value":"a@x"},{"type":"home","value":"A@x"},{"value":"b@x"}]}"#;
    let type_less =
        patched(start, r#"{"op":"remove","path":"emails.type"}"#, Mode::Strict).unwrap();
    assert_eq!(type_less, r#"{"userName":"bj","emails":[{"value":"a@x"},{"value":"b@x"}]}"#);
}

/// Addresses have no `value` by which they could be told apart, so each is compared with each. Seen to take a minute without the
/// limit.
#[test]
fn r_7644_7_7_01_a_patch_that_compares_each_with_each_is_refused() {
    let addresses = |from: usize, count: usize| {
        let one = |n| format!(r#"{{"streetAddress":"{n} Main Street"}}"#);
        (from..from + count).map(one).collect::<Vec<_>>().join(",")
    };
    let start = format!(r#"{{"userName":"bj","addresses":[{}]}}"#, addresses(0, 1_000));
    let patch = |op: &str, count: usize| {
        let value = addresses(1_000, count);
        let operation = format!(r#"{{"op":"{op}","path":"addresses","value":[{value}]}}"#);
        patched(&start, &operation, Mode::Lenient)
    };
    for op in ["add", "remove"] {
        patch(op, 150).unwrap();
        assert_eq!(patch(op, 1_000).unwrap_err().kind, ScimType::TooMany, "{op}");
    }
}
