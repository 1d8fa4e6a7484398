//! The JSON bodies Okta sends. Each is built here and nowhere else, and pinned by a test against
//! what Okta documents.

use serde_json::{Map, Value, json};

use crate::okta::GroupMember;
use crate::person::Person;

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The user as a create sends it, with a password and with `groups`, as always empty.
pub(crate) fn new_user(person: &Person) -> Value {
    let mut body = profile(person);
    body.insert("schemas".to_owned(), json!([USER]));
    if body.contains_key(ENTERPRISE) {
        body.insert("schemas".to_owned(), json!([USER, ENTERPRISE]));
    }
    body.insert("externalId".to_owned(), json!(person.okta_id));
    body.insert("groups".to_owned(), json!([]));
    body.insert("password".to_owned(), json!(person.first_password));
    body.insert("active".to_owned(), json!(true));
    if !person.roles.is_empty() {
        body.insert("roles".to_owned(), roles(person));
    }
    Value::Object(body)
}

/// The user as the server gave it, with Okta's values on top, all roles and `"groups":[]`; a
/// manager whom Okta does not have any more is left out.
/// Everything the server added goes back to it: `id`, `meta`, attributes Okta does not know.
pub(crate) fn merged_user(current: &Value, person: &Person) -> Value {
    let mut body = current.as_object().cloned().unwrap_or_default();
    for (name, value) in profile(person) {
        match (body.get_mut(&name), value) {
            (Some(Value::Object(held)), Value::Object(ours)) => held.extend(ours),
            (_, value) => {
                body.insert(name, value);
            }
        }
    }
    if let Some(Value::Object(extension)) = body.get_mut(ENTERPRISE)
        && person.manager.is_none()
    {
        extension.remove("manager");
    }
    if body.contains_key(ENTERPRISE) {
        add_schema(&mut body, ENTERPRISE);
    }
    body.insert("roles".to_owned(), roles(person));
    body.insert("groups".to_owned(), json!([]));
    Value::Object(body)
}

/// What the profile mapping sends at create and at every push. What is empty is not mapped.
fn profile(person: &Person) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("userName".to_owned(), json!(person.user_name));
    body.insert(
        "name".to_owned(),
        json!({"givenName": person.given_name, "familyName": person.family_name}),
    );
    body.insert(
        "emails".to_owned(),
        json!([{"primary": true, "value": person.email, "type": "work"}]),
    );
    body.insert("displayName".to_owned(), json!(person.display_name()));
    body.insert("locale".to_owned(), json!(person.locale));
    if !person.title.is_empty() {
        body.insert("title".to_owned(), json!(person.title));
    }
    if !person.phone.is_empty() {
        let phone = json!([{"primary": true, "value": person.phone, "type": "work"}]);
        body.insert("phoneNumbers".to_owned(), phone);
    }
    let enterprise = enterprise(person);
    if !enterprise.is_empty() {
        body.insert(ENTERPRISE.to_owned(), Value::Object(enterprise));
    }
    body
}

fn enterprise(person: &Person) -> Map<String, Value> {
    let mut body = Map::new();
    if !person.employee_number.is_empty() {
        body.insert("employeeNumber".to_owned(), json!(person.employee_number));
    }
    if !person.department.is_empty() {
        body.insert("department".to_owned(), json!(person.department));
    }
    if let Some(manager) = &person.manager {
        let manager = json!({"value": manager.employee_number, "displayName": manager.name});
        body.insert("manager".to_owned(), manager);
    }
    body
}

fn roles(person: &Person) -> Value {
    person.roles.iter().map(|role| json!({"value": role, "display": role})).collect()
}

fn add_schema(body: &mut Map<String, Value>, schema: &str) {
    let schemas = body.entry("schemas").or_insert_with(|| json!([USER]));
    if let Value::Array(schemas) = schemas {
        let named = schemas
            .iter()
            .filter_map(Value::as_str)
            .any(|listed| listed.eq_ignore_ascii_case(schema));
        if !named {
            schemas.push(json!(schema));
        }
    }
}

/// Activate or deactivate: a replace without a path.
pub(crate) fn active(active: bool) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": active}}]})
}

/// A new password: a replace without a path.
pub(crate) fn password(password: &str) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"password": password}}]})
}

/// A new group.
pub(crate) fn new_group(name: &str, members: &[GroupMember]) -> Value {
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

/// A whole group, as a PUT sends it: neither its id nor its meta.
pub(crate) fn whole_group(name: &str, members: &[GroupMember]) -> Value {
    new_group(name, members)
}

/// Some members leave and others join, in one request: removes first, then one add.
pub(crate) fn membership(added: &[GroupMember], removed: &[GroupMember]) -> Value {
    let mut operations: Vec<Value> = removed.iter().map(leaving).collect();
    if !added.is_empty() {
        operations.push(json!({"op": "add", "path": "members", "value": added}));
    }
    json!({"schemas": [PATCH], "Operations": operations})
}

fn leaving(member: &GroupMember) -> Value {
    json!({"op": "remove", "path": format!("members[value eq {}]", json!(member.value))})
}

/// A full push: these members and no others.
pub(crate) fn all_members(members: &[GroupMember]) -> Value {
    json!({"schemas": [PATCH],
        "Operations": [{"op": "replace", "path": "members", "value": members}]})
}

/// The name of a group, with its id: a replace without a path.
pub(crate) fn group_name(id: &str, name: &str) -> Value {
    json!({"schemas": [PATCH],
        "Operations": [{"op": "replace", "value": {"id": id, "displayName": name}}]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::Manager;

    fn ada() -> Person {
        Person::plain("00ujl29u0le5T6Aj10h7", "ada@x.test", ("Ada", "L"), "1mz050nq")
    }

    fn ada_of_sales() -> Person {
        Person {
            title: "Account Executive".to_owned(),
            department: "Sales".to_owned(),
            manager: Some(Manager { employee_number: "E1".to_owned(), name: "Bo".to_owned() }),
            phone: "+1-617-555-0100".to_owned(),
            employee_number: "E2".to_owned(),
            roles: vec!["Admin".to_owned()],
            ..ada()
        }
    }

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn member(value: &str, display: &str) -> GroupMember {
        GroupMember { value: value.to_owned(), display: display.to_owned() }
    }

    #[test]
    fn a_create_is_what_okta_documents() {
        assert_eq!(
            new_user(&ada()),
            parse(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName":"ada@x.test","name":{"givenName":"Ada","familyName":"L"},
                "emails":[{"primary":true,"value":"ada@x.test","type":"work"}],
                "displayName":"Ada L","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7",
                "groups":[],"password":"1mz050nq","active":true}"#
            )
        );
    }

    #[test]
    fn a_create_carries_roles_and_the_enterprise_extension() {
        assert_eq!(
            new_user(&ada_of_sales()),
            parse(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
                "userName":"ada@x.test","name":{"givenName":"Ada","familyName":"L"},
                "emails":[{"primary":true,"value":"ada@x.test","type":"work"}],
                "displayName":"Ada L","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7",
                "title":"Account Executive",
                "phoneNumbers":[{"primary":true,"value":"+1-617-555-0100","type":"work"}],
                "roles":[{"value":"Admin","display":"Admin"}],
                "groups":[],"password":"1mz050nq","active":true,
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{
                    "employeeNumber":"E2","department":"Sales",
                    "manager":{"value":"E1","displayName":"Bo"}}}"#
            )
        );
    }

    #[test]
    fn a_profile_push_is_the_servers_user_with_oktas_values_on_top_and_no_groups() {
        let current = parse(
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","active":false,
            "externalId":"00ujl29u0le5T6Aj10h7","nickName":"Countess",
            "userName":"old@x.test","name":{"givenName":"A","familyName":"B","middleName":""},
            "roles":[{"value":"Analyst","display":"Analyst"}],
            "groups":[{"value":"9","display":"Sales"}],
            "meta":{"resourceType":"User","version":"W/\"3\""}}"#,
        );
        let merged = merged_user(&current, &Person { roles: Vec::new(), ..ada_of_sales() });
        assert_eq!(
            merged,
            parse(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
                "id":"7","active":false,"externalId":"00ujl29u0le5T6Aj10h7","nickName":"Countess",
                "userName":"ada@x.test",
                "name":{"givenName":"Ada","familyName":"L","middleName":""},
                "emails":[{"primary":true,"value":"ada@x.test","type":"work"}],
                "displayName":"Ada L","locale":"en-US","title":"Account Executive",
                "phoneNumbers":[{"primary":true,"value":"+1-617-555-0100","type":"work"}],
                "roles":[],"groups":[],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{
                    "employeeNumber":"E2","department":"Sales",
                    "manager":{"value":"E1","displayName":"Bo"}},
                "meta":{"resourceType":"User","version":"W/\"3\""}}"#
            )
        );
    }

    #[test]
    fn patches_are_what_okta_documents() {
        for (built, documented) in [
            (active(false), r#"[{"op":"replace","value":{"active":false}}]"#),
            (password("new"), r#"[{"op":"replace","value":{"password":"new"}}]"#),
            (
                membership(&[member("UID2", "bob@x.test")], &[member("UID1", "ada@x.test")]),
                r#"[{"op":"remove","path":"members[value eq \"UID1\"]"},
                    {"op":"add","path":"members","value":[{"value":"UID2","display":"bob@x.test"}]}]"#,
            ),
            (
                all_members(&[member("UID", "ada@x.test")]),
                r#"[{"op":"replace","path":"members",
                    "value":[{"value":"UID","display":"ada@x.test"}]}]"#,
            ),
            (all_members(&[]), r#"[{"op":"replace","path":"members","value":[]}]"#),
            (
                group_name("GID", "Sales EMEA"),
                r#"[{"op":"replace","value":{"id":"GID","displayName":"Sales EMEA"}}]"#,
            ),
        ] {
            assert_eq!(built["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]));
            assert_eq!(built["Operations"], parse(documented));
        }
    }

    #[test]
    fn a_new_group_is_what_okta_documents() {
        assert_eq!(
            new_group("Sales", &[]),
            parse(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName":"Sales","members":[]}"#
            )
        );
    }
}
