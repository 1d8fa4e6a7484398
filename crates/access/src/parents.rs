//! How deep what a question brings is nested in each other. Cedar follows parents by calling itself, until there is no stack
//! left: and then the whole program ends.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::limits::PARENTS;
use crate::request::Unasked;

/// An entity as JSON names it: its type and its id.
type Uid<'a> = (&'a str, &'a str);

/// That no brought entity is in more than so many others in a row, nor in itself.
pub(crate) fn check(entities: &[Value]) -> Result<(), Unasked> {
    let mut parents: HashMap<Uid<'_>, Vec<Uid<'_>>> = HashMap::new();
    for entity in entities {
        let above = entity.get("parents").and_then(Value::as_array).into_iter().flatten();
        if let Some(it) = entity.get("uid").and_then(uid) {
            parents.entry(it).or_default().extend(above.filter_map(uid));
        }
    }
    let mut left: HashSet<Uid<'_>> = parents.keys().copied().collect();
    for _ in 0..PARENTS {
        // Those are left that have one among those who were left: each time the rows are shorter by one.
        let inside = |it: &Uid<'_>| parents.get(it).into_iter().flatten().any(|p| left.contains(p));
        left = left.iter().copied().filter(inside).collect();
        if left.is_empty() {
            return Ok(());
        }
    }
    let (kind, id) = left.iter().min().copied().unwrap_or_default();
    Err(Unasked(format!(
        "the parents of `{kind}::{id:?}` go in a circle, or more than {PARENTS} deep: bring those that policies name"
    )))
}

fn uid(value: &Value) -> Option<Uid<'_>> {
    let value = value.get("__entity").unwrap_or(value);
    Some((value.get("type")?.as_str()?, value.get("id")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_and_circles_of_parents_end() {
        let row = |length: usize| -> Vec<Value> {
            let one = |n| {
                let above = json!({ "__entity": { "type": "Folder", "id": format!("{}", n + 1) } });
                json!({ "uid": { "type": "Folder", "id": format!("{n}") }, "attrs": {}, "parents": [above] })
            };
            (0..length).map(one).collect()
        };
        check(&[]).unwrap();
        check(&row(PARENTS)).unwrap();
        for too_long in [row(PARENTS + 1), row(1_000)] {
            assert!(check(&too_long).unwrap_err().0.contains("`Folder::\"0\"` go in a circle, or"));
        }
        let itself = json!({ "type": "Folder", "id": "a" });
        check(&[json!({ "uid": itself, "attrs": {}, "parents": [itself] })]).unwrap_err();
    }
}
