//! PUT (RFC 7644 §3.5.1): what a resource becomes when a client says the whole of it.

use std::sync::Arc;

use crate::admit::{self, Admitted};
use crate::error::Invalid;
use crate::limits;
use crate::patch::elements::equal;
use crate::schema::{Attribute, Mutability, ResourceType};
use crate::value::{Object, Value};

/// Makes an admitted resource the successor of the stored one: what a client may not write, or not twice, is kept. `stored` has
/// the attributes that [`admit()`](crate::admit()) admits, as they are now.
///
/// Absent readWrite attributes stay absent, which clears them; readOnly, immutable and writeOnly ones are taken over. An immutable
/// one that is written must equal the stored one by the attribute's own rule, and then keeps the stored spelling. Sub-attributes of
/// single complex attributes are judged each by itself; elements of lists come and go as a whole.
///
/// # Errors
/// 400 `mutability` for an immutable value that differs; 400 `invalidValue` if what was taken over lacks something required.
pub fn replace(
    stored: &Object,
    admitted: &mut Admitted,
    rtype: &ResourceType,
) -> Result<(), Invalid> {
    let wanted = &mut admitted.object;
    keep(stored, wanted, &rtype.schema.attributes, "")?;
    for (schema, _) in &rtype.extensions {
        let Some(before) = stored.get(&schema.id).and_then(Value::as_complex) else { continue };
        let mut after = match wanted.get_mut(&schema.id) {
            Some(Value::Complex(after)) => std::mem::take(after),
            Some(_) | None => Object::new(),
        };
        keep(before, &mut after, &schema.attributes, &format!("{}:", schema.id))?;
        if after.is_empty() {
            wanted.remove(&schema.id);
        } else {
            wanted.set(schema.id.clone(), after);
        }
    }
    admit::complete(wanted, rtype)
}

fn keep(
    stored: &Object,
    wanted: &mut Object,
    attributes: &[Arc<Attribute>],
    prefix: &str,
) -> Result<(), Invalid> {
    for attribute in attributes {
        let name = &attribute.name;
        let Some(before) = stored.get(name) else { continue };
        match (attribute.mutability, wanted.get(name)) {
            (Mutability::ReadWrite, _) => {
                if let Value::Complex(before) = before
                    && attribute.sub_attributes.iter().any(is_kept)
                {
                    let mut after = match wanted.get_mut(name) {
                        Some(Value::Complex(after)) => std::mem::take(after),
                        Some(_) | None => Object::new(),
                    };
                    keep(
                        before,
                        &mut after,
                        &attribute.sub_attributes,
                        &format!("{prefix}{name}."),
                    )?;
                    if after.is_empty() {
                        wanted.remove(name);
                    } else {
                        wanted.set(name.clone(), after);
                    }
                }
            }
            (Mutability::Immutable, Some(after)) if !is_same(attribute, before, after) => {
                return Err(Invalid::mutability(format!(
                    "`{prefix}{name}` can't be changed once it's set: send it as it is, or leave it out"
                )));
            }
            (Mutability::WriteOnly, Some(_)) => {}
            (Mutability::ReadOnly | Mutability::Immutable | Mutability::WriteOnly, _) => {
                wanted.set(name.clone(), before.clone());
            }
        }
    }
    Ok(())
}

fn is_kept(sub: &Arc<Attribute>) -> bool {
    sub.mutability != Mutability::ReadWrite
}

fn is_same(attribute: &Attribute, before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::List(before), Value::List(after)) => {
            // Of two that are long, the order counts too: to compare each with each would cost too much.
            let is_long = before.len().saturating_mul(after.len()) > limits::PATCH_LOOKED_AT;
            let in_order = || before.iter().zip(after).all(|(a, b)| is_same_one(attribute, a, b));
            if is_long {
                return before.len() == after.len() && in_order();
            }
            before.len() == after.len()
                && before
                    .iter()
                    .all(|item| after.iter().any(|other| is_same_one(attribute, item, other)))
        }
        (before, after) => is_same_one(attribute, before, after),
    }
}

fn is_same_one(attribute: &Attribute, before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Complex(before), Value::Complex(after)) => {
            before.len() == after.len()
                && before.iter().all(|(name, value)| match (attribute.sub(name), after.get(name)) {
                    (Some(sub), Some(other)) => is_same(sub, value, other),
                    (_, _) => false,
                })
        }
        (before, after) => equal(attribute, before, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ScimType;
    use crate::mode::Mode;
    use crate::schema::Catalogue;
    use crate::value::tests::object;

    const BADGE: &str = r#"{"id":"urn:example:badge:1.0:User","attributes":[
        {"name":"number","mutability":"immutable"},
        {"name":"colour"},
        {"name":"level","type":"integer","mutability":"readOnly"},
        {"name":"codes","multiValued":true,"mutability":"immutable"},
        {"name":"desk","type":"complex","subAttributes":[{"name":"building","mutability":"immutable"},{"name":"floor"}]}]}"#;
    const STORED: &str = r#"{"userName":"bj","title":"Boss","BADGE":{"number":"N7","colour":"red","level":3,"codes":["a","b"],
        "desk":{"building":"East","floor":"1"}}}"#;

    fn rtype() -> ResourceType {
        let badge = Value::parse(BADGE.as_bytes()).unwrap();
        Catalogue::builtin().with_extension(&badge, "User", false).unwrap().user().clone()
    }

    /// What the stored user becomes when a client says that it is this.
    fn put(members: &str) -> Result<String, Invalid> {
        let named = |text: &str| text.replace("BADGE", "urn:example:badge:1.0:User");
        let body = named(&format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","BADGE"],"userName":"bj"{members}}}"#
        ));
        let mut admitted =
            crate::admit(&Value::parse(body.as_bytes()).unwrap(), &rtype(), Mode::Strict).unwrap();
        replace(&object(&named(STORED)), &mut admitted, &rtype())?;
        let text = String::from_utf8(Value::Complex(admitted.object).to_json()).unwrap();
        Ok(text.replace("urn:example:badge:1.0:User", "BADGE"))
    }

    fn check(members: &str, expected: &str) {
        assert_eq!(put(members).unwrap(), expected, "{members}");
    }

    fn refused(members: &str, detail: &str) {
        let fault = put(members).unwrap_err();
        assert_eq!(fault.kind, ScimType::Mutability, "{members}");
        assert!(fault.detail.contains(detail), "{members}: {fault}");
    }

    /// Also R-7644-3.5.1-02, R-7644-3.5.1-04, R-7643-7-03, R-7643-2.2-02.
    #[test]
    fn r_7644_3_5_1_03_what_may_not_be_written_is_kept() {
        let kept = r#"{"userName":"bj","BADGE":{"number":"N7","level":3,"codes":["a","b"],"desk":{"building":"East"}}}"#;
        check("", kept);
        check(r#","BADGE":null"#, kept);
        check(r#","BADGE":{"level":9,"desk":null}"#, kept);
        check(
            r#","BADGE":{"colour":"blue","desk":{"floor":"2"}},"title":"x""#,
            r#"{"userName":"bj","BADGE":{"colour":"blue","desk":{"floor":"2","building":"East"},"number":"N7","level":3,"codes":["a","b"]},"title":"x"}"#,
        );
    }

    #[test]
    fn r_7644_3_5_1_05_what_is_written_once_must_be_what_it_was() {
        // As the attribute compares, and kept as it was spelled.
        check(
            r#","BADGE":{"number":"n7","codes":["B","a"],"desk":{"building":"EAST"}}"#,
            r#"{"userName":"bj","BADGE":{"number":"N7","codes":["a","b"],"desk":{"building":"East"},"level":3}}"#,
        );
        refused(
            r#","BADGE":{"number":"N8"}"#,
            "`urn:example:badge:1.0:User:number` can't be changed",
        );
        refused(r#","BADGE":{"codes":["a"]}"#, "codes");
        refused(r#","BADGE":{"codes":["a","c"]}"#, "codes");
        refused(r#","BADGE":{"desk":{"building":"West"}}"#, "User:desk.building` can't be changed");
    }

    #[test]
    fn r_7644_3_5_1_05_long_lists_are_compared_in_order() {
        let codes = |all: &mut dyn Iterator<Item = usize>| {
            let all: Vec<_> = all.map(|n| format!(r#""c{n}""#)).collect();
            format!(r#"{{"userName":"bj","BADGE":{{"codes":[{}]}}}}"#, all.join(","))
        };
        let put = |all: &mut dyn Iterator<Item = usize>, stored: &str| {
            let body = object(&codes(all).replace("BADGE", "urn:example:badge:1.0:User"));
            let mut admitted = Admitted { object: body, ..Admitted::default() };
            let stored = object(&stored.replace("BADGE", "urn:example:badge:1.0:User"));
            replace(&stored, &mut admitted, &rtype()).map_err(|fault| fault.kind)
        };
        let (few, many) = (codes(&mut (0..400)), codes(&mut (0..2_000)));
        assert_eq!(put(&mut (0..400).rev(), &few), Ok(()));
        assert_eq!(put(&mut (0..2_000), &many), Ok(()));
        assert_eq!(put(&mut (0..1_999), &many), Err(ScimType::Mutability));
        assert_eq!(put(&mut (0..2_000).rev(), &many), Err(ScimType::Mutability));
    }
}
