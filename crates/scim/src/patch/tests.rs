mod clients;
mod members;
mod rfc;

use proptest::prelude::*;

use super::*;
use crate::error::ScimType;
use crate::mode::Mode;
use crate::schema::Catalogue;
use crate::value::tests::object;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn rtype(name: &str) -> &'static ResourceType {
    Catalogue::builtin().resource_type(name).unwrap()
}

/// A user with something of everything. `ENT` and `USER` stand for the URNs.
const START: &str = r#"{"userName":"bj","externalId":"A1","name":{"givenName":"Barbara","familyName":"Jensen"},"title":"Boss",
    "active":true,"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}],
    "roles":[{"value":"Analyst"}],"ENT":{"department":"Sales","manager":{"value":"m1"}}}"#;

fn json(text: &str) -> Object {
    object(&text.replace("ENT", ENT).replace("USER", USER))
}

fn shown(object: &Object) -> String {
    String::from_utf8(Value::Complex(object.clone()).to_json()).unwrap().replace(ENT, "ENT")
}

/// Without the order of the attributes, which has no meaning; that of elements is kept as written.
fn by_name(object: &Object) -> String {
    let mut members: Vec<_> = object.iter().cloned().collect();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    shown(&members.into_iter().collect())
}

fn read(operations: &str, kind: &str, mode: Mode) -> Result<Patch, Invalid> {
    let body = format!(r#"{{"schemas":["{PATCH_OP}"],"Operations":[{operations}]}}"#);
    let body = body.replace("ENT", ENT).replace("USER", USER);
    Patch::parse(&Value::parse(body.as_bytes()).unwrap(), rtype(kind), mode)
}

/// Applies operations to a resource.
fn patched(start: &str, operations: &str, mode: Mode) -> Result<String, Invalid> {
    let patch = read(operations, "User", mode)?;
    let mut user = json(start);
    let before = user.clone();
    match patch.apply(&mut user, rtype("User"), mode) {
        Ok(_) => Ok(shown(&user)),
        Err(fault) => {
            assert_eq!(user, before, "a failed patch must leave no trace");
            Err(fault)
        }
    }
}

/// What a whole user is like afterwards: only the members that changed are given, the rest is as in `START`.
fn check_in(modes: &[Mode], operations: &str, changes: &str) {
    let mut expected = json(START);
    for (name, value) in json(changes) {
        if value == Value::Null {
            expected.remove(&name);
        } else {
            expected.set(name, value);
        }
    }
    for mode in modes {
        let got = patched(START, operations, *mode)
            .unwrap_or_else(|fault| panic!("{operations} {mode:?}: {fault}"));
        assert_eq!(by_name(&json(&got)), by_name(&expected), "{operations} {mode:?}");
    }
}

fn check(operations: &str, changes: &str) {
    check_in(&[Mode::Strict, Mode::Lenient], operations, changes);
}

/// What lenient mode understands and strict mode refuses.
fn lenient(operations: &str, changes: &str, strict: ScimType) {
    check_in(&[Mode::Lenient], operations, changes);
    refused_in(&[Mode::Strict], operations, strict);
}

fn refused_in(modes: &[Mode], operations: &str, kind: ScimType) {
    for mode in modes {
        match patched(START, operations, *mode) {
            Ok(got) => panic!("{operations} {mode:?} gave {got}"),
            Err(fault) => assert_eq!(fault.kind, kind, "{operations} {mode:?}: {fault}"),
        }
    }
}

fn refused(operations: &str, kind: ScimType) {
    refused_in(&[Mode::Strict, Mode::Lenient], operations, kind);
}

/// Any operation, more or less sensible.
fn any_operation() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec!["add", "replace", "remove", "Replace"]);
    let path = prop::sample::select(vec![
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.type",
        "emails[type eq \\\"work\\\"]",
        "emails[type eq \\\"work\\\"].value",
        "emails[value co \\\"x\\\"].primary",
        "roles",
        "roles[primary eq \\\"True\\\"].value",
        "ENT",
        "ENT:department",
        "ENT:manager",
        "ENT:manager.value",
        "userName",
        "schemas",
        "members",
        "id",
        "active",
        "addresses",
    ]);
    let value = prop::sample::select(vec![
        "null",
        "\"x\"",
        "\"\"",
        "[]",
        "{}",
        "true",
        "\"True\"",
        "[{\"value\":\"n@x\",\"primary\":true}]",
        "{\"value\":\"n@x\"}",
        "{\"type\":\"other\",\"value\":\"o@x\"}",
        "{\"givenName\":\"G\",\"middleName\":null}",
        "[\"Admin\",\"Analyst\"]",
        "{\"department\":\"d\"}",
    ]);
    (op, path, value, 0..5).prop_map(|(op, path, value, shape)| match shape {
        0 => format!(r#"{{"op":"{op}","path":"{path}"}}"#),
        1 => format!(r#"{{"op":"{op}","value":{{"{path}":{value}}}}}"#),
        _ => format!(r#"{{"op":"{op}","path":"{path}","value":{value}}}"#),
    })
}

proptest! {
    #[test]
    fn whatever_is_applied_keeps_the_rules(operations in prop::collection::vec(any_operation(), 1..6)) {
        for mode in [Mode::Strict, Mode::Lenient] {
            let Ok(patch) = read(&operations.join(","), "User", mode) else { continue };
            let mut user = json(START);
            if patch.apply(&mut user, rtype("User"), mode).is_err() {
                continue;
            }
            // What a patch makes could have been created: it is admitted as it is.
            let mut body = user.clone();
            body.set("schemas", vec![Value::from(USER), Value::from(ENT)]);
            let again = crate::admit(&Value::Complex(body), rtype("User"), mode);
            prop_assert_eq!(again.map(|again| shown(&again.object)), Ok(shown(&user)));
        }
    }

    #[test]
    fn a_replace_done_twice_is_done_once(operation in any_operation()) {
        // An element that is replaced as a whole may no longer be the one that its path chooses.
        prop_assume!(!operation.contains("]\""));
        let Ok(patch) = read(&operation.replace("add", "replace"), "User", Mode::Lenient) else { return Ok(()) };
        let mut once = json(START);
        if patch.apply(&mut once, rtype("User"), Mode::Lenient).is_ok() {
            let mut twice = once.clone();
            if patch.apply(&mut twice, rtype("User"), Mode::Lenient).is_ok() {
                prop_assert_eq!(shown(&once), shown(&twice));
            }
        }
    }

    #[test]
    fn no_value_makes_reading_panic(value in crate::value::tests::any_value(), path in "[a-z.\\[\\]\" ]{0,10}") {
        for mode in [Mode::Strict, Mode::Lenient] {
            let _whole = Patch::parse(&value, rtype("User"), mode);
            for op in ["add", "replace", "remove"] {
                for path in [path.as_str(), "emails", "roles", "name", "title", "schemas", "members", ENT] {
                    let operation = Object::from_iter([
                        ("op", Value::from(op)), ("path", Value::from(path)), ("value", value.clone()),
                    ]);
                    let body = Object::from_iter([
                        ("schemas", Value::List(vec![Value::from(PATCH_OP)])),
                        ("Operations", Value::List(vec![Value::Complex(operation)])),
                    ]);
                    for kind in ["User", "Group"] {
                        if let Ok(patch) = Patch::parse(&Value::Complex(body.clone()), rtype(kind), mode) {
                            let mut resource = json(START);
                            let _done = patch.apply(&mut resource, rtype(kind), mode);
                            let _edits: Vec<_> = patch.operations.iter().map(|done| done.members_edit(mode)).collect();
                        }
                    }
                }
            }
        }
    }
}
