//! OneLogin: users from a template that an administrator wrote, one operation for each attribute,
//! and an object where an array is due. Little of it is documented; what is only said of it is
//! sent by [`OneLogin::with_rumours`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::body::{ENTERPRISE, GROUP, PATCH, USER};
use crate::limits::IMPORT_PAGE;
use crate::list;
use crate::okta::GroupMember;
use crate::person::Person;
use crate::provisioner::{Held, Provisioner};
use crate::wire::{ClientError, Manner, Wire, escaped};

/// What a template's macro gives for a manager who is nobody.
const NOBODY: &str = "0";

/// A OneLogin application with provisioning switched on. Copies share the count of requests.
#[derive(Debug, Clone)]
pub struct OneLogin {
    wire: Wire,
    rumours: bool,
    odd: Arc<AtomicBool>,
}

impl OneLogin {
    /// The application with the address and the key from its server's administrator.
    pub fn new(base_url: &str, key: &str) -> OneLogin {
        OneLogin {
            wire: Wire::new(base_url, &format!("Bearer {key}")).with_manner(Manner::Scim),
            rumours: false,
            odd: Arc::default(),
        }
    }

    /// The same with what was seen by some and is not confirmed: doubled spaces in filters, and
    /// `[false]` where `false` is due, every other time.
    pub fn with_rumours(self) -> OneLogin {
        OneLogin { rumours: true, ..self }
    }

    /// OneLogin's own id of a user, written to an account that it did not create.
    pub async fn number(&self, id: &str, external_id: &str) -> Result<(), ClientError> {
        let operation = json!({"op": "replace", "path": "externalId", "value": external_id});
        self.patch(&format!("/Users/{id}"), json!([operation])).await.map(drop)
    }

    fn rumoured(&self) -> bool {
        self.rumours && self.odd.fetch_xor(true, Ordering::Relaxed)
    }

    async fn find(
        &self,
        path: &str,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Value>, ClientError> {
        let space = if self.rumoured() { "  " } else { " " };
        let filter = format!("{attribute}{space}eq{space}{}", json!(value));
        let path = format!("{path}?filter={}", escaped(&filter));
        list::hit(&self.wire.get(&path).await?.expect_status(&[200])?)
    }

    async fn patch(&self, path: &str, operations: Value) -> Result<Value, ClientError> {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        Ok(self.wire.patch(path, &body).await?.expect_status(&[200, 204])?.body)
    }

    /// Deletes, and sees that it is gone.
    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.wire.delete(path).await?.expect_status(&[204])?;
        self.wire.get(path).await?.expect_status(&[404]).map(drop)
    }
}

impl Provisioner for OneLogin {
    const NAME: &'static str = "OneLogin";
    const REFERS_TO_MANAGERS: bool = true;

    fn requests(&self) -> u64 {
        self.wire.sent()
    }

    async fn set_up(&self) -> Result<(), ClientError> {
        list::page(&self.wire, "/Users", 1, 1).await?.expect_status(&[200])?;
        let found = self.find("/Users", "userName", "nobody@onelogin.test").await?;
        match found {
            None => Ok(()),
            Some(_) => Err(ClientError::Unknown { kind: "user", name: "who is nobody".to_owned() }),
        }
    }

    async fn look_up(&self, person: &Person) -> Result<Option<Value>, ClientError> {
        self.find("/Users", "userName", &person.user_name).await
    }

    async fn enrol(&self, person: &Person, manager: Option<&str>) -> Result<String, ClientError> {
        let new = from_template(person, manager);
        let answer = self.wire.post("/Users", &new).await?.expect_status(&[201])?;
        answer.id()
    }

    async fn update(&self, held: Held<'_>) -> Result<(), ClientError> {
        let operations = profile(held.person, held.manager);
        let path = format!("/Users/{}", held.id);
        self.patch(&path, operations).await?;
        let user = self.wire.get(&path).await?.expect_status(&[200])?;
        match user.body.pointer("/emails/0/value") == Some(&json!(held.person.email)) {
            true => Ok(()),
            false => Err(user.shows("another address than was sent")),
        }
    }

    async fn switch(&self, id: &str, active: bool) -> Result<(), ClientError> {
        let value = if self.rumoured() { json!([active]) } else { json!(active) };
        let path = format!("/Users/{id}");
        self.patch(&path, json!([{"op": "replace", "path": "active", "value": value}])).await?;
        let user = self.wire.get(&path).await?.expect_status(&[200])?;
        match user.body.get("active") == Some(&json!(active)) {
            true => Ok(()),
            false => Err(user.shows("`active` as it was before")),
        }
    }

    async fn remove(&self, held: Held<'_>) -> Result<(), ClientError> {
        self.delete(&format!("/Users/{}", held.id)).await
    }

    async fn look_up_group(&self, name: &str) -> Result<Option<Value>, ClientError> {
        self.find("/Groups", "displayName", name).await
    }

    async fn found(&self, name: &str) -> Result<String, ClientError> {
        let new = json!({"schemas": [GROUP], "displayName": name});
        self.wire.post("/Groups", &new).await?.expect_status(&[201])?.id()
    }

    async fn join_and_leave(
        &self,
        (id, _): (&str, &str),
        joins: &[GroupMember],
        leaves: &[GroupMember],
    ) -> Result<(), ClientError> {
        let mut operations = Vec::new();
        for (op, members) in [("remove", leaves), ("add", joins)] {
            if !members.is_empty() {
                operations.push(json!({"op": op, "path": "members", "value": values(members)}));
            }
        }
        self.patch(&format!("/Groups/{id}"), Value::Array(operations)).await.map(drop)
    }

    async fn fill(
        &self,
        (id, _): (&str, &str),
        members: &[GroupMember],
    ) -> Result<(), ClientError> {
        let operation = json!({"op": "replace", "path": "members", "value": values(members)});
        self.patch(&format!("/Groups/{id}"), json!([operation])).await.map(drop)
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), ClientError> {
        let operation = json!({"op": "replace", "path": "displayName", "value": name});
        self.patch(&format!("/Groups/{id}"), json!([operation])).await.map(drop)
    }

    async fn dissolve(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/Groups/{id}")).await
    }

    async fn read_all(&self) -> Result<(), ClientError> {
        list::all(&self.wire, "/Users", IMPORT_PAGE).await?;
        list::all(&self.wire, "/Groups", IMPORT_PAGE).await.map(drop)
    }
}

fn values(members: &[GroupMember]) -> Value {
    members.iter().map(|member| json!({"value": member.value})).collect()
}

/// A create: the administrator's template with this person's values. A macro without a value
/// leaves `""` or `null`, and a manager who is nobody is `0`.
fn from_template(person: &Person, manager: Option<&str>) -> Value {
    let department = match person.department.is_empty() {
        true => Value::Null,
        false => json!(person.department),
    };
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": person.user_name,
        "externalId": person.okta_id,
        "active": true,
        "displayName": person.display_name(),
        "nickName": null,
        "name": {
            "givenName": person.given_name,
            "familyName": person.family_name,
            "middleName": "",
        },
        "emails": [{"value": person.email, "type": "work", "primary": true}],
        "phoneNumbers": [{"value": person.phone, "type": "work"}],
        "title": person.title,
        "locale": person.locale,
        "roles": roles(person),
        ENTERPRISE: {
            "employeeNumber": person.employee_number,
            "department": department,
            "manager": {"value": manager.unwrap_or(NOBODY)},
        },
    })
}

/// An update: one operation for each attribute; an address and a telephone
/// are objects where arrays are due.
fn profile(person: &Person, manager: Option<&str>) -> Value {
    let enterprise = |name: &str| format!("{ENTERPRISE}:{name}");
    let mut operations = vec![
        json!({"op": "replace", "path": "userName", "value": person.user_name}),
        json!({"op": "replace", "path": "displayName", "value": person.display_name()}),
        json!({"op": "replace", "path": "name.givenName", "value": person.given_name}),
        json!({"op": "replace", "path": "name.familyName", "value": person.family_name}),
        json!({"op": "replace", "path": "title", "value": person.title}),
        json!({"op": "replace", "path": "locale", "value": person.locale}),
        json!({"op": "replace", "path": "emails",
            "value": {"value": person.email, "primary": true}}),
        json!({"op": "replace", "path": "roles", "value": roles(person)}),
        json!({"op": "replace", "path": enterprise("department"), "value": person.department}),
        json!({"op": "replace", "path": enterprise("employeeNumber"),
            "value": person.employee_number}),
        json!({"op": "replace", "path": enterprise("manager"),
            "value": {"value": manager.unwrap_or(NOBODY)}}),
    ];
    if !person.phone.is_empty() {
        let phone = json!({"value": person.phone, "type": "work"});
        operations.push(json!({"op": "replace", "path": "phoneNumbers", "value": phone}));
    }
    Value::Array(operations)
}

fn roles(person: &Person) -> Value {
    person.roles.iter().map(|role| json!({"value": role})).collect()
}
