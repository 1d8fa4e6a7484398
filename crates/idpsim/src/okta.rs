//! Okta: one method for each thing its provisioning does, and exactly the requests it does it
//! with. An application of its integration network sends PATCH for activation, passwords and
//! groups; one that an administrator made with the wizard sends GET and PUT of the whole.

use serde::Serialize;
use serde_json::Value;

use crate::body;
use crate::limits::IMPORT_PAGE;
use crate::list::{self, names_schema, resources};
use crate::person::Person;
use crate::provisioner::{Held, Provisioner};
use crate::wire::{Answer, ClientError, Manner, Wire, escaped};

/// An Okta application with provisioning switched on. Copies share the count of requests.
#[derive(Debug, Clone)]
pub struct Okta {
    wire: Wire,
    wizard: bool,
}

/// A member as Okta sends it: the server's id of the user and their user name. Okta sends no
/// `type`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupMember {
    /// The server's id of the user.
    pub value: String,
    /// The user name.
    pub display: String,
}

impl GroupMember {
    /// A member with this id and user name.
    pub fn new(value: &str, display: &str) -> GroupMember {
        GroupMember { value: value.to_owned(), display: display.to_owned() }
    }
}

impl Okta {
    /// Okta, set up with the address and the key that the server's administrator handed over.
    pub fn new(base_url: &str /* …/scim/acme/v2 */, key: &str) -> Okta {
        Okta { wire: Wire::new(base_url, &format!("Bearer {key}")), wizard: false }
    }

    /// An application made with the wizard. Its groups are read, changed and written back, so that
    /// two changes at once may lose one: play it one request after the other.
    pub fn from_wizard(self) -> Okta {
        Okta { wizard: true, ..self }
    }

    /// The same with this `Authorization` header, word for word.
    pub fn with_authorization(&self, authorization: &str) -> Okta {
        Okta { wire: self.wire.with_authorization(authorization), ..self.clone() }
    }

    /// The same with the headers of Okta's published test.
    pub(crate) fn as_spec_test(&self) -> Okta {
        Okta { wire: self.wire.with_manner(Manner::SpecTest), ..self.clone() }
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.wire.sent()
    }

    /// Any GET below the base address, whatever the status of its answer.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.wire.get(path).await
    }

    /// "Test Connector Configuration".
    pub async fn test_credentials(&self) -> Result<Value, ClientError> {
        let answer = self.wire.get("/Users?startIndex=1&count=2").await?.expect_status(&[200])?;
        resources(&answer)?;
        Ok(answer.body)
    }

    /// What saving the settings asks when group push or import is on.
    pub async fn probe_groups(&self) -> Result<Value, ClientError> {
        let answer = self.page("/Groups", 1, IMPORT_PAGE).await?.expect_status(&[200])?;
        resources(&answer)?;
        Ok(answer.body)
    }

    /// The user of this name, active or not. A 404 with a SCIM error means there is none.
    pub async fn find_user(&self, user_name: &str) -> Result<Option<Value>, ClientError> {
        self.find("/Users", "userName", user_name).await
    }

    /// The answer to a create, whatever its status: 409 is what Okta shows for a duplicate.
    pub async fn post_user(&self, person: &Person) -> Result<Answer, ClientError> {
        self.wire.post("/Users", &body::new_user(person)).await
    }

    /// Creates a user and gives its id. Okta fails a create that is answered with an empty body.
    pub async fn create_user(&self, person: &Person) -> Result<String, ClientError> {
        self.post_user(person).await?.expect_status(&[201])?.id()
    }

    /// The user with this id.
    pub async fn get_user(&self, id: &str) -> Result<Value, ClientError> {
        Ok(self.wire.get(&user(id)).await?.expect_status(&[200])?.body)
    }

    /// A PUT of this user, as it is.
    pub async fn put_user(&self, id: &str, whole: &Value) -> Result<Value, ClientError> {
        let answer = self.wire.put(&user(id), whole).await?.expect_status(&[200])?;
        answer.id()?;
        Ok(answer.body)
    }

    /// A profile push: GET, then PUT of what came with this person's values on top.
    pub async fn push_profile(&self, id: &str, person: &Person) -> Result<Value, ClientError> {
        let current = self.get_user(id).await?;
        self.put_user(id, &body::merged_user(&current, person)).await
    }

    /// Activates or deactivates. Null if the server answers without a body.
    pub async fn set_active(&self, id: &str, active: bool) -> Result<Value, ClientError> {
        if self.wizard {
            return self.put_over(id, "active", Value::Bool(active)).await;
        }
        self.patch(&user(id), &body::active(active)).await
    }

    /// Sends a new password.
    pub async fn set_password(&self, id: &str, password: &str) -> Result<Value, ClientError> {
        if self.wizard {
            return self.put_over(id, "password", Value::from(password)).await;
        }
        self.patch(&user(id), &body::password(password)).await
    }

    /// Deletes a user. Okta itself never does; an administrator's script may.
    pub async fn delete_user(&self, id: &str) -> Result<(), ClientError> {
        self.wire.delete(&user(id)).await?.expect_status(&[204]).map(drop)
    }

    /// The group of this name.
    pub async fn find_group(&self, name: &str) -> Result<Option<Value>, ClientError> {
        self.find("/Groups", "displayName", name).await
    }

    /// Creates a group and gives its id. A group push creates it empty.
    pub async fn create_group(
        &self,
        name: &str,
        members: &[GroupMember],
    ) -> Result<String, ClientError> {
        let created = self.wire.post("/Groups", &body::new_group(name, members)).await?;
        created.expect_status(&[201])?.id()
    }

    /// The group with this id.
    pub async fn get_group(&self, id: &str) -> Result<Value, ClientError> {
        Ok(self.wire.get(&group(id)).await?.expect_status(&[200])?.body)
    }

    /// A membership update as it really goes: the name, whether it changed or not, then the
    /// members.
    pub async fn update_members(
        &self,
        id: &str,
        name: &str,
        added: &[GroupMember],
        removed: &[GroupMember],
    ) -> Result<(), ClientError> {
        if self.wizard {
            return self.put_group(id, Some(name), added, removed).await;
        }
        self.rename_group(id, name).await?;
        self.patch_members(id, added, removed).await
    }

    /// The members alone: who leaves and who joins, in one request.
    pub async fn patch_members(
        &self,
        id: &str,
        added: &[GroupMember],
        removed: &[GroupMember],
    ) -> Result<(), ClientError> {
        if self.wizard {
            return self.put_group(id, None, added, removed).await;
        }
        self.patch(&group(id), &body::membership(added, removed)).await.map(drop)
    }

    /// A full push: these members and no others.
    pub async fn replace_members(
        &self,
        id: &str,
        members: &[GroupMember],
    ) -> Result<(), ClientError> {
        if self.wizard {
            let name = self.get_group(id).await?;
            let name = name.get("displayName").and_then(Value::as_str).unwrap_or_default();
            let whole = body::whole_group(name, members);
            return self.wire.put(&group(id), &whole).await?.expect_status(&[200]).map(drop);
        }
        self.patch(&group(id), &body::all_members(members)).await.map(drop)
    }

    /// The name of a group, sent with its id.
    pub async fn rename_group(&self, id: &str, name: &str) -> Result<(), ClientError> {
        if self.wizard {
            return self.put_group(id, Some(name), &[], &[]).await;
        }
        self.patch(&group(id), &body::group_name(id, name)).await.map(drop)
    }

    /// Unlinks a pushed group and deletes it in the target.
    pub async fn delete_group(&self, id: &str) -> Result<(), ClientError> {
        self.wire.delete(&group(id)).await?.expect_status(&[204]).map(drop)
    }

    /// All users, page by page.
    pub async fn import_users(&self, page_size: usize) -> Result<Vec<Value>, ClientError> {
        self.import("/Users", page_size).await
    }

    /// All groups, page by page.
    pub async fn import_groups(&self, page_size: usize) -> Result<Vec<Value>, ClientError> {
        self.import("/Groups", page_size).await
    }

    /// One page of an import, whatever its status.
    pub(crate) async fn page(
        &self,
        path: &str,
        start_index: usize,
        count: usize,
    ) -> Result<Answer, ClientError> {
        list::page(&self.wire, path, start_index, count).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        self.wire.post(path, body).await
    }

    async fn find(
        &self,
        path: &str,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Value>, ClientError> {
        let filter = format!("{attribute} eq {}", Value::from(value));
        let path = format!("{path}?filter={}&startIndex=1&count=100", escaped(&filter));
        let answer = self.wire.get(&path).await?.expect_status(&[200, 404])?;
        if answer.status == 404 {
            return match names_schema(&answer.body, body::ERROR) {
                true => Ok(None),
                false => Err(answer.lacks("a SCIM error")),
            };
        }
        list::hit(&answer)
    }

    /// GET, then PUT of the whole user with one attribute changed and no groups.
    async fn put_over(&self, id: &str, name: &str, value: Value) -> Result<Value, ClientError> {
        let mut whole = self.get_user(id).await?;
        if let Some(whole) = whole.as_object_mut() {
            whole.insert(name.to_owned(), value);
            whole.insert("groups".to_owned(), Value::Array(Vec::new()));
        }
        self.put_user(id, &whole).await
    }

    /// GET, then PUT of the whole group with its name and these changes of its members.
    async fn put_group(
        &self,
        id: &str,
        name: Option<&str>,
        added: &[GroupMember],
        removed: &[GroupMember],
    ) -> Result<(), ClientError> {
        let current = self.get_group(id).await?;
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let held = current.get("members").and_then(Value::as_array);
        let mut members: Vec<GroupMember> = held
            .into_iter()
            .flatten()
            .map(|m| GroupMember { value: text(m, "value"), display: text(m, "display") })
            .filter(|m| !removed.iter().chain(added).any(|other| other.value == m.value))
            .collect();
        members.extend_from_slice(added);
        let name = name.map_or_else(|| text(&current, "displayName"), str::to_owned);
        let whole = body::whole_group(&name, &members);
        self.wire.put(&group(id), &whole).await?.expect_status(&[200]).map(drop)
    }

    /// 200 with the resource or 204 without: Okta takes both.
    async fn patch(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        Ok(self.wire.patch(path, body).await?.expect_status(&[200, 204])?.body)
    }

    async fn import(&self, path: &str, page_size: usize) -> Result<Vec<Value>, ClientError> {
        list::all(&self.wire, path, page_size).await
    }
}

impl Provisioner for Okta {
    const NAME: &'static str = "Okta";
    const REFERS_TO_MANAGERS: bool = false;

    fn requests(&self) -> u64 {
        self.wire.sent()
    }

    async fn set_up(&self) -> Result<(), ClientError> {
        self.test_credentials().await?;
        self.probe_groups().await.map(drop)
    }

    async fn look_up(&self, person: &Person) -> Result<Option<Value>, ClientError> {
        self.find_user(&person.user_name).await
    }

    async fn enrol(&self, person: &Person, _: Option<&str>) -> Result<String, ClientError> {
        self.create_user(person).await
    }

    async fn update(&self, held: Held<'_>) -> Result<(), ClientError> {
        self.push_profile(held.id, held.person).await.map(drop)
    }

    async fn switch(&self, id: &str, active: bool) -> Result<(), ClientError> {
        self.set_active(id, active).await.map(drop)
    }

    async fn remove(&self, held: Held<'_>) -> Result<(), ClientError> {
        self.delete_user(held.id).await
    }

    async fn look_up_group(&self, name: &str) -> Result<Option<Value>, ClientError> {
        self.find_group(name).await
    }

    async fn found(&self, name: &str) -> Result<String, ClientError> {
        self.create_group(name, &[]).await
    }

    async fn join_and_leave(
        &self,
        (id, name): (&str, &str),
        joins: &[GroupMember],
        leaves: &[GroupMember],
    ) -> Result<(), ClientError> {
        self.update_members(id, name, joins, leaves).await
    }

    async fn fill(
        &self,
        (id, _): (&str, &str),
        members: &[GroupMember],
    ) -> Result<(), ClientError> {
        self.replace_members(id, members).await
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), ClientError> {
        self.rename_group(id, name).await
    }

    async fn dissolve(&self, id: &str) -> Result<(), ClientError> {
        self.delete_group(id).await
    }

    async fn read_all(&self) -> Result<(), ClientError> {
        self.import_users(IMPORT_PAGE).await?;
        self.import_groups(IMPORT_PAGE).await.map(drop)
    }
}

fn user(id: &str) -> String {
    format!("/Users/{id}")
}

fn group(id: &str) -> String {
    format!("/Groups/{id}")
}
