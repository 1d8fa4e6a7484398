//! What differs between two sets of attributes, and how a difference is applied.

use scim::{Object, Value};

use crate::event::AttributeChange;

/// The changes that lead from `old` to `new`, in the order of their paths. Complex attributes are
/// compared by sub-attribute; the order of a list's elements is not a difference (RFC 7643 §2.4).
pub(crate) fn difference(old: &Object, new: &Object) -> Vec<AttributeChange> {
    let mut changes = Vec::new();
    for (name, before) in old.iter() {
        compare(name, Some(before), new.get(name), &mut changes);
    }
    for (name, after) in new.iter() {
        if old.get(name).is_none() {
            compare(name, None, Some(after), &mut changes);
        }
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

fn compare(
    name: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    changes: &mut Vec<AttributeChange>,
) {
    // Nothing is like an empty object; anything else has no inside.
    let inside = |value: Option<&Value>| match value {
        None => Some(Object::default()),
        Some(value) => value.as_complex().cloned(),
    };
    match (inside(old), inside(new)) {
        (Some(old), Some(new)) => {
            let separator = if is_urn(name) { ':' } else { '.' };
            for change in difference_flat(&old, &new) {
                let path = format!("{name}{separator}{}", change.path);
                changes.push(AttributeChange { path, ..change });
            }
        }
        _ => push(name, old, new, changes),
    }
}

/// As [`difference`], without looking inside complex values.
fn difference_flat(old: &Object, new: &Object) -> Vec<AttributeChange> {
    let mut changes = Vec::new();
    for (name, before) in old.iter() {
        push(name, Some(before), new.get(name), &mut changes);
    }
    for (name, after) in new.iter() {
        if old.get(name).is_none() {
            push(name, None, Some(after), &mut changes);
        }
    }
    changes
}

fn push(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<AttributeChange>) {
    if !is_same(old, new) {
        changes.push(AttributeChange {
            path: path.to_owned(),
            old: old.cloned(),
            new: new.cloned(),
        });
    }
}

/// Whether two values are the same to a client; nothing is the same as nothing.
pub(crate) fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Assigns or unassigns the attribute at a path that [`difference`] wrote.
pub(crate) fn set_attribute(object: &mut Object, path: &str, value: Option<Value>) {
    let split = if is_urn(path) { path.rsplit_once(':') } else { path.split_once('.') };
    let Some((outer, inner)) = split else {
        assign(object, path, value);
        return;
    };
    let mut complex = match object.take(outer) {
        Some(Value::Complex(complex)) => complex,
        _ => Object::default(),
    };
    assign(&mut complex, inner, value);
    if !complex.is_empty() {
        object.set(outer, complex);
    }
}

fn assign(object: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => object.set(name, value),
        None => object.remove(name),
    };
}

/// Extensions are kept under their URN (RFC 7643 §3.3), and a path into one has a colon, not a dot.
pub(crate) fn is_urn(name: &str) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(json: &str) -> Object {
        Value::parse(json.as_bytes()).unwrap().as_complex().unwrap().clone()
    }

    /// The paths that differ; applying the difference must lead from one to the other.
    fn check(old: &str, new: &str, paths: &[&str]) {
        let (old, new) = (object(old), object(new));
        let changes = difference(&old, &new);
        assert_eq!(changes.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), paths);
        let mut applied = old;
        for change in changes {
            set_attribute(&mut applied, &change.path, change.new);
        }
        assert_eq!(difference(&applied, &new), []);
    }

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    #[test]
    fn a_difference_leads_from_old_to_new() {
        check(r#"{}"#, r#"{"title":"a"}"#, &["title"]);
        check(r#"{"title":"a"}"#, r#"{}"#, &["title"]);
        check(r#"{"title":"a"}"#, r#"{"title":"a"}"#, &[]);
        check(
            r#"{"name":{"givenName":"A","familyName":"B"}}"#,
            r#"{"name":{"givenName":"C","familyName":"B"}}"#,
            &["name.givenName"],
        );
        check(r#"{"name":{"givenName":"A"}}"#, r#"{}"#, &["name.givenName"]);
        check(
            &format!(r#"{{"{ENTERPRISE}":{{"department":"A","manager":{{"value":"1"}}}}}}"#),
            &format!(r#"{{"{ENTERPRISE}":{{"department":"B","manager":{{"value":"2"}}}}}}"#),
            &[&format!("{ENTERPRISE}:department"), &format!("{ENTERPRISE}:manager")],
        );
    }

    #[test]
    fn the_order_of_a_list_is_no_difference_but_its_elements_are() {
        let list = |a: &str| format!(r#"{{"emails":{a}}}"#);
        check(
            &list(r#"[{"value":"a"},{"value":"b"}]"#),
            &list(r#"[{"value":"b"},{"value":"a"}]"#),
            &[],
        );
        check(
            &list(r#"[{"value":"a"},{"value":"a"}]"#),
            &list(r#"[{"value":"a"},{"value":"b"}]"#),
            &["emails"],
        );
    }

    /// Operations on attributes of every shape, with values that fit some of them.
    fn any_operation() -> impl Strategy<Value = String> {
        let paths = [
            "title",
            "name",
            "name.givenName",
            "emails",
            "emails[type eq \\\"work\\\"]",
            "emails[type eq \\\"work\\\"].value",
            "addresses",
            "ENT",
            "ENT:department",
            "ENT:manager",
            "active",
        ];
        let values = [
            "null",
            r#""a""#,
            r#""""#,
            "true",
            "[]",
            r#"[{"value":"a@x","type":"work"},{"value":"b@x","primary":true}]"#,
            r#"{"value":"c@x","primary":true}"#,
            r#"{"givenName":"A"}"#,
            r#"{"givenName":null,"familyName":"B"}"#,
            r#"{"department":"D","manager":{"value":"m"}}"#,
            r#"{"manager":null}"#,
        ];
        let words = prop::sample::select(vec!["add", "replace", "remove"]);
        (words, prop::sample::select(paths.to_vec()), prop::sample::select(values.to_vec()))
            .prop_map(|(op, path, value)| {
                let path = path.replace("ENT", ENTERPRISE);
                match op {
                    "remove" => format!(r#"{{"op":"remove","path":"{path}"}}"#),
                    op => format!(r#"{{"op":"{op}","path":"{path}","value":{value}}}"#),
                }
            })
    }

    proptest! {
        /// Seen to catch a difference that leaves out what is gone, and one that takes a path into an extension for one into a
        /// complex attribute.
        #[test]
        fn a_patch_its_difference_and_that_applied_lead_to_the_same(
            operations in prop::collection::vec(any_operation(), 1..8)
        ) {
            let rtype = scim::ResourceType::user();
            let (mut before, mut after) = (object(r#"{"userName":"a"}"#), object(r#"{"userName":"a"}"#));
            for operation in operations {
                let body = format!(
                    r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
                );
                let body = Value::parse(body.as_bytes()).unwrap();
                let Ok(patch) = scim::Patch::parse(&body, rtype, scim::Mode::Lenient) else { continue };
                if patch.apply(&mut after, rtype, scim::Mode::Lenient).is_err() {
                    continue;
                }
                for change in difference(&before, &after) {
                    set_attribute(&mut before, &change.path, change.new);
                }
                prop_assert!(Value::Complex(before.clone()).is_same(&Value::Complex(after.clone())), "{:?} {:?}", before, after);
            }
        }
    }
}
