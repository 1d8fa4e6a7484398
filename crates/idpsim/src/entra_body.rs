//! The JSON bodies Entra ID sends, in both of its PATCH dialects.

use serde_json::{Map, Value, json};

use crate::body::{ENTERPRISE, GROUP, PATCH, USER};
use crate::entra::{Dialect, ManagerShape, NoManager};
use crate::okta::GroupMember;
use crate::person::Person;

/// A class that Entra ID names beside the group's own schema and that no server has.
const DIRECTORY_GROUP: &str =
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// What an attribute mapping says: a path at the server, and what is to be there.
type Mapped = (String, String);

/// The mappings of somebody's profile. What is empty is to be absent.
pub(crate) fn mapped(person: &Person) -> Vec<Mapped> {
    let enterprise = |name: &str| format!("{ENTERPRISE}:{name}");
    vec![
        ("userName".to_owned(), person.user_name.clone()),
        ("displayName".to_owned(), person.display_name()),
        ("title".to_owned(), person.title.clone()),
        ("locale".to_owned(), person.locale.clone()),
        ("name.givenName".to_owned(), person.given_name.clone()),
        ("name.familyName".to_owned(), person.family_name.clone()),
        (r#"emails[type eq "work"].value"#.to_owned(), person.email.clone()),
        (r#"phoneNumbers[type eq "work"].value"#.to_owned(), person.phone.clone()),
        (enterprise("employeeNumber"), person.employee_number.clone()),
        (enterprise("department"), person.department.clone()),
    ]
}

/// What the server has at the path of a mapping.
pub(crate) fn held<'a>(user: &'a Value, path: &str) -> &'a str {
    let found = if let Some(name) = path.strip_prefix(&format!("{ENTERPRISE}:")) {
        user.get(ENTERPRISE).and_then(|extension| extension.get(name))
    } else if let Some((list, _)) = path.split_once('[') {
        let elements = user.get(list).and_then(Value::as_array);
        let work = |element: &&Value| element.get("type") == Some(&json!("work"));
        elements.and_then(|elements| elements.iter().find(work)?.get("value"))
    } else {
        user.pointer(&format!("/{}", path.replace('.', "/")))
    };
    found.and_then(Value::as_str).unwrap_or_default()
}

/// The user as a create sends it: what is not mapped is null, and so is the extension's manager.
pub(crate) fn new_user(person: &Person) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let phones = match person.phone.is_empty() {
        true => Value::Null,
        false => json!([{"type": "work", "value": person.phone, "primary": true}]),
    };
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": person.okta_id,
        "userName": person.user_name,
        "active": true,
        "addresses": null,
        "displayName": person.display_name(),
        "emails": [{"primary": true, "type": "work", "value": person.email}],
        "locale": person.locale,
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": person.display_name(),
            "familyName": person.family_name,
            "givenName": person.given_name,
        },
        "phoneNumbers": phones,
        "title": text(&person.title),
        "department": null,
        "roles": roles(person),
        ENTERPRISE: {
            "employeeNumber": text(&person.employee_number),
            "department": text(&person.department),
            "manager": null,
        },
    })
}

/// The roles of a create: `displayName` where SCIM has `display`, and nothing is primary.
fn roles(person: &Person) -> Value {
    let role = |role: &String| json!({"primary": false, "value": role, "displayName": role});
    person.roles.iter().map(role).collect()
}

/// All roles, each a JSON document inside a string.
pub(crate) fn role_documents(dialect: Dialect, person: &Person) -> Value {
    let role = |role: &String| {
        let document = json!({"id": "18d14569-c3bd-439b-9a66-3a2aee01d14f",
            "value": role, "displayName": role});
        json!({"value": document.to_string()})
    };
    let roles: Value = person.roles.iter().map(role).collect();
    patch(vec![json!({"op": dialect.replace(), "path": "roles", "value": roles})])
}

/// A PATCH that brings the server's user to this person's profile; none if there is nothing to do.
pub(crate) fn profile(dialect: Dialect, user: &Value, person: &Person) -> Option<Value> {
    let mut operations = Vec::new();
    let (mut added, mut replaced) = (Map::new(), Map::new());
    for (path, wanted) in mapped(person) {
        let had = held(user, &path);
        if had == wanted {
            continue;
        }
        let simple = !path.contains('[');
        match (dialect, had.is_empty(), wanted.is_empty()) {
            (_, _, true) => operations.push(json!({"op": dialect.remove(), "path": path})),
            (Dialect::Flagged, true, _) if simple => {
                added.insert(path, json!(wanted));
            }
            (Dialect::Flagged, false, _) if simple => {
                replaced.insert(path, json!(wanted));
            }
            (_, true, _) => {
                operations.push(json!({"op": dialect.add(), "path": path, "value": wanted}));
            }
            (_, false, _) => {
                operations.push(json!({"op": dialect.replace(), "path": path, "value": wanted}));
            }
        }
    }
    for (op, values) in [(dialect.add(), added), (dialect.replace(), replaced)] {
        if !values.is_empty() {
            operations.push(json!({"op": op, "value": values}));
        }
    }
    (!operations.is_empty()).then(|| patch(operations))
}

/// Enable or disable: a string in the default dialect.
pub(crate) fn active(dialect: Dialect, active: bool) -> Value {
    let value = match dialect {
        Dialect::Default if active => json!("True"),
        Dialect::Default => json!("False"),
        Dialect::Flagged => json!(active),
    };
    patch(vec![json!({"op": dialect.replace(), "path": "active", "value": value})])
}

/// A manager in one of the shapes that are sent.
pub(crate) fn manager(dialect: Dialect, shape: ManagerShape, id: &str) -> Value {
    let path = format!("{ENTERPRISE}:manager");
    let operation = match shape {
        ManagerShape::Bare => json!({"op": dialect.add(), "path": path, "value": id}),
        ManagerShape::Object => {
            json!({"op": dialect.add(), "path": path, "value": {"value": id}})
        }
        ManagerShape::List => {
            let value = json!([{"$ref": format!("../Users/{id}"), "value": id}]);
            json!({"op": dialect.add(), "path": path, "value": value})
        }
        ManagerShape::Inside => {
            let path = format!("{path}.value");
            json!({"op": dialect.add(), "path": path, "value": id})
        }
    };
    patch(vec![operation])
}

/// No manager, in one of the ways that are sent.
pub(crate) fn no_manager(dialect: Dialect, way: NoManager) -> Value {
    let path = format!("{ENTERPRISE}:manager");
    let operation = match way {
        NoManager::EmptyText => json!({"op": dialect.replace(), "path": path, "value": ""}),
        NoManager::EmptyObject => {
            json!({"op": dialect.replace(), "path": path, "value": {"value": ""}})
        }
        NoManager::Null => json!({"op": dialect.replace(), "path": path, "value": null}),
        NoManager::Remove => json!({"op": dialect.remove(), "path": path}),
    };
    patch(vec![operation])
}

/// A new group, empty.
pub(crate) fn new_group(name: &str) -> Value {
    json!({"schemas": [GROUP, DIRECTORY_GROUP], "displayName": name,
        "externalId": format!("object of {name}"), "meta": {"resourceType": "Group"}})
}

/// Some join and others leave. The default dialect removes with a value, the other one by filters.
pub(crate) fn members(dialect: Dialect, joins: &[GroupMember], leaves: &[GroupMember]) -> Value {
    let with_null = |member: &GroupMember| json!({"$ref": null, "value": member.value});
    let mut operations = Vec::new();
    if !leaves.is_empty() && dialect == Dialect::Default {
        let value: Value = leaves.iter().map(with_null).collect();
        operations.push(json!({"op": dialect.remove(), "path": "members", "value": value}));
    } else {
        operations.extend(leaves.iter().map(|member| {
            let path = format!("members[value eq {}]", json!(member.value));
            json!({"op": dialect.remove(), "path": path})
        }));
    }
    if !joins.is_empty() {
        let value: Value = match dialect {
            Dialect::Default => joins.iter().map(with_null).collect(),
            Dialect::Flagged => joins.iter().map(|m| json!({"value": m.value})).collect(),
        };
        operations.push(json!({"op": dialect.add(), "path": "members", "value": value}));
    }
    patch(operations)
}

/// These members and no others.
pub(crate) fn all_members(dialect: Dialect, members: &[GroupMember]) -> Value {
    let value: Value = members.iter().map(|m| json!({"$ref": null, "value": m.value})).collect();
    patch(vec![json!({"op": dialect.replace(), "path": "members", "value": value})])
}

/// The name of a group.
pub(crate) fn group_name(dialect: Dialect, name: &str) -> Value {
    patch(vec![match dialect {
        Dialect::Default => json!({"op": "Replace", "path": "displayName", "value": name}),
        Dialect::Flagged => json!({"op": "replace", "value": {"displayName": name}}),
    }])
}

fn patch(operations: Vec<Value>) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::Company;

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn member(id: &str) -> Vec<GroupMember> {
        vec![GroupMember::new(id, "x")]
    }

    #[test]
    fn both_dialects_are_what_microsoft_documents() {
        use Dialect::{Default, Flagged};
        for (built, documented) in [
            (active(Default, false), r#"[{"op":"Replace","path":"active","value":"False"}]"#),
            (active(Flagged, false), r#"[{"op":"replace","path":"active","value":false}]"#),
            (
                members(Default, &[], &member("UID")),
                r#"[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"UID"}]}]"#,
            ),
            (
                members(Flagged, &[], &member("UID")),
                r#"[{"op":"remove","path":"members[value eq \"UID\"]"}]"#,
            ),
            (
                members(Default, &member("UID"), &[]),
                r#"[{"op":"Add","path":"members","value":[{"$ref":null,"value":"UID"}]}]"#,
            ),
            (
                manager(Default, ManagerShape::Bare, "MID"),
                r#"[{"op":"Add","value":"MID",
                    "path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}]"#,
            ),
        ] {
            assert_eq!(built["Operations"], parse(documented));
            assert_eq!(built["schemas"], json!([PATCH]));
        }
    }

    #[test]
    fn a_changed_profile_is_one_operation_each_or_one_object_of_paths() {
        let company = Company::new(7, 1);
        let mut person = company.people()[0].clone();
        let user = new_user(&person);
        assert_eq!(profile(Dialect::Default, &user, &person), None);
        person.given_name = "K".to_owned();
        person.family_name = "U".to_owned();
        person.employee_number = "7".to_owned();
        person.email = "t@x.test".to_owned();
        person.title = String::new();
        let one_each = profile(Dialect::Default, &user, &person).unwrap();
        let operations = one_each["Operations"].as_array().unwrap();
        // The display name follows from the two names.
        assert_eq!(operations.len(), 6, "{one_each:#}");
        assert!(operations.contains(&json!({"op": "Remove", "path": "title"})));
        assert!(operations.contains(&json!({"op": "Replace",
            "path": "emails[type eq \"work\"].value", "value": "t@x.test"})));
        let flagged = profile(Dialect::Flagged, &user, &person).unwrap();
        assert_eq!(
            flagged["Operations"],
            json!([
                {"op": "remove", "path": "title"},
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "t@x.test"},
                {"op": "replace", "value": {"displayName": "K U", "name.givenName": "K",
                    "name.familyName": "U", format!("{ENTERPRISE}:employeeNumber"): "7"}},
            ])
        );
    }
}
