//! Entra ID: the requests of its provisioning service in both PATCH dialects, and what it checks
//! of each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::body::{ERROR, USER};
use crate::entra_body as body;
use crate::list::{self, names_schema};
use crate::okta::GroupMember;
use crate::person::Person;
use crate::provisioner::{Held, Provisioner};
use crate::wire::{Answer, ClientError, Manner, Wire, escaped};

/// How PATCH bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Without a flag in the tenant's URL: capital operations, strings for booleans, one operation
    /// for each attribute, removes with a value.
    Default,
    /// With `aadOptscim062020`: small operations, booleans, one object of paths, removes by filter.
    Flagged,
}

/// The attribute that accounts are looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// `userName`
    UserName,
    /// `externalId`
    ExternalId,
    /// `emails[type eq "work"].value`
    WorkEmail,
}

/// How a manager is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagerShape {
    /// The id as a string.
    Bare,
    /// An object with `value`.
    Object,
    /// An array of one object with `$ref` and `value`.
    List,
    /// The id at `manager.value`.
    Inside,
}

/// How a manager is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoManager {
    /// `""`
    EmptyText,
    /// `{"value":""}`
    EmptyObject,
    /// `null`
    Null,
    /// A remove.
    Remove,
}

const SHAPES: [ManagerShape; 4] =
    [ManagerShape::Bare, ManagerShape::Object, ManagerShape::List, ManagerShape::Inside];
const WAYS: [NoManager; 4] =
    [NoManager::EmptyText, NoManager::EmptyObject, NoManager::Null, NoManager::Remove];

/// An Entra ID application with provisioning switched on. Copies share the count of requests.
#[derive(Debug, Clone)]
pub struct Entra {
    wire: Wire,
    dialects: &'static [Dialect],
    matching: Matching,
    patches: Arc<AtomicU64>,
    managers: Arc<AtomicU64>,
}

impl Entra {
    /// The application with the address and the key from its server's administrator, in the
    /// default dialect, matching by `userName`.
    pub fn new(base_url: &str, key: &str) -> Entra {
        Entra {
            wire: Wire::new(base_url, &format!("Bearer {key}")).with_manner(Manner::Scim),
            dialects: &[Dialect::Default],
            matching: Matching::UserName,
            patches: Arc::default(),
            managers: Arc::default(),
        }
    }

    /// The same with another key, as after the old one was replaced.
    pub fn with_key(&self, key: &str) -> Entra {
        Entra { wire: self.wire.with_authorization(&format!("Bearer {key}")), ..self.clone() }
    }

    /// The same in this dialect.
    pub fn speaking(self, dialect: Dialect) -> Entra {
        let dialects: &'static [Dialect] = match dialect {
            Dialect::Default => &[Dialect::Default],
            Dialect::Flagged => &[Dialect::Flagged],
        };
        Entra { dialects, ..self }
    }

    /// The same in both dialects by turns, as a flagged tenant does in which people are also
    /// provisioned on demand.
    pub fn speaking_both(self) -> Entra {
        Entra { dialects: &[Dialect::Default, Dialect::Flagged], ..self }
    }

    /// The same, looking accounts up by this attribute.
    pub fn matching(self, matching: Matching) -> Entra {
        Entra { matching, ..self }
    }

    fn dialect(&self) -> Dialect {
        turn(&self.patches, self.dialects).unwrap_or(Dialect::Default)
    }

    fn filter_of(&self, value: &str) -> String {
        let attribute = match self.matching {
            Matching::UserName => "userName",
            Matching::ExternalId => "externalId",
            Matching::WorkEmail => r#"emails[type eq "work"].value"#,
        };
        format!("{attribute} eq {}", json!(value))
    }

    async fn get(&self, path: &str, statuses: &[u16]) -> Result<Answer, ClientError> {
        typed(self.wire.get(path).await?.expect_status(statuses)?)
    }

    async fn find(&self, path: &str, filter: &str) -> Result<Option<Value>, ClientError> {
        list::hit(&self.get(&format!("{path}filter={}", escaped(filter)), &[200]).await?)
    }

    /// 200 with the resource, or 204 without a body.
    async fn patch(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        let answer = self.wire.patch(path, body).await?.expect_status(&[200, 204])?;
        match answer.status {
            200 => {
                answer.id()?;
                typed(answer)
            }
            _ => Ok(answer),
        }
    }

    async fn create(&self, path: &str, body: &Value) -> Result<String, ClientError> {
        let answer = typed(self.wire.post(path, body).await?.expect_status(&[201])?)?;
        if self.get(&format!("{path}/{}", answer.id()?), &[200]).await?.body != answer.body {
            return Err(answer.shows("another body than the GET after it"));
        }
        answer.id()
    }

    /// Deletes, and sees a SCIM error where the resource was.
    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.wire.delete(path).await?.expect_status(&[204])?;
        let gone = self.get(path, &[404]).await?;
        if !names_schema(&gone.body, ERROR) {
            return Err(gone.lacks("a SCIM error"));
        }
        self.wire.delete(path).await?.expect_status(&[404]).map(drop)
    }

    /// Whether the server has this manager for this user: a look-up by two attributes.
    async fn reports_to(&self, id: &str, manager: &str) -> Result<bool, ClientError> {
        let filter = format!("id eq {} and manager eq {}", json!(id), json!(manager));
        let found = self.find("/Users?attributes=id&", &filter).await?;
        Ok(found.is_some())
    }

    async fn lead(&self, id: &str, user: &Value, wanted: Option<&str>) -> Result<(), ClientError> {
        let pointer = format!("/{}/manager", crate::body::ENTERPRISE);
        let held = user.pointer(&pointer);
        let path = format!("/Users/{id}");
        match wanted {
            Some(manager) => {
                if self.reports_to(id, manager).await? {
                    return Ok(());
                }
                let shape = turn(&self.managers, &SHAPES).unwrap_or(ManagerShape::Bare);
                let answer =
                    self.patch(&path, &body::manager(self.dialect(), shape, manager)).await?;
                match self.reports_to(id, manager).await? {
                    true => Ok(()),
                    false => Err(answer.shows(&format!("no manager after it was set: {shape:?}"))),
                }
            }
            None if held.is_none() => Ok(()),
            None => {
                let way = turn(&self.managers, &WAYS).unwrap_or(NoManager::Remove);
                let answer = self.patch(&path, &body::no_manager(self.dialect(), way)).await?;
                let user = self.get(&path, &[200]).await?.body;
                match user.pointer(&pointer) {
                    None => Ok(()),
                    Some(held) => Err(answer.shows(&format!("the manager {held} after {way:?}"))),
                }
            }
        }
    }
}

impl Provisioner for Entra {
    const NAME: &'static str = "Entra ID";
    const REFERS_TO_MANAGERS: bool = true;

    fn requests(&self) -> u64 {
        self.wire.sent()
    }

    /// "Test Connection": somebody who cannot exist is looked up, and the answer is an empty list.
    async fn set_up(&self) -> Result<(), ClientError> {
        let filter = self.filter_of("1f0b4c9e-7a52-4d0e-9c3b-6d8a5e2f7b10");
        let answer = self.get(&format!("/Users?filter={}", escaped(&filter)), &[200]).await?;
        match list::hit(&answer)? {
            None => Ok(()),
            Some(_) => Err(answer.shows("a hit for a name nobody has")),
        }
    }

    async fn look_up(&self, person: &Person) -> Result<Option<Value>, ClientError> {
        let value = match self.matching {
            Matching::UserName => &person.user_name,
            Matching::ExternalId => &person.okta_id,
            Matching::WorkEmail => &person.email,
        };
        self.find("/Users?", &self.filter_of(value)).await
    }

    async fn enrol(&self, person: &Person, manager: Option<&str>) -> Result<String, ClientError> {
        let new = body::new_user(person);
        let id = self.create("/Users", &new).await?;
        let again = typed(self.wire.post("/Users", &new).await?.expect_status(&[409])?)?;
        if !names_schema(&again.body, ERROR) {
            return Err(again.lacks("a SCIM error"));
        }
        if let Some(manager) = manager {
            self.lead(&id, &Value::Null, Some(manager)).await?;
        }
        Ok(id)
    }

    async fn update(&self, held: Held<'_>) -> Result<(), ClientError> {
        let path = format!("/Users/{}", held.id);
        let answer = self.get(&path, &[200]).await?;
        if !names_schema(&answer.body, USER) {
            return Err(answer.lacks("the User schema"));
        }
        let user = answer.body;
        let dialect = self.dialect();
        if let Some(patch) = body::profile(dialect, &user, held.person) {
            self.patch(&path, &patch).await?;
        }
        let roles = user.get("roles").and_then(Value::as_array);
        let mut roles: Vec<&str> =
            roles.into_iter().flatten().filter_map(|role| role.get("value")?.as_str()).collect();
        let mut wanted: Vec<&str> = held.person.roles.iter().map(String::as_str).collect();
        roles.sort_unstable();
        wanted.sort_unstable();
        if roles != wanted {
            self.patch(&path, &body::role_documents(self.dialect(), held.person)).await?;
        }
        self.lead(held.id, &user, held.manager).await
    }

    async fn switch(&self, id: &str, active: bool) -> Result<(), ClientError> {
        let path = format!("/Users/{id}");
        let patched = self.patch(&path, &body::active(self.dialect(), active)).await?;
        match self.get(&path, &[200]).await?.body.get("active") == Some(&json!(active)) {
            true => Ok(()),
            false => Err(patched.shows("`active` as it was before")),
        }
    }

    async fn remove(&self, held: Held<'_>) -> Result<(), ClientError> {
        self.delete(&format!("/Users/{}", held.id)).await
    }

    async fn look_up_group(&self, name: &str) -> Result<Option<Value>, ClientError> {
        let filter = format!("displayName eq {}", json!(name));
        self.find("/Groups?excludedAttributes=members&", &filter).await
    }

    async fn found(&self, name: &str) -> Result<String, ClientError> {
        let new = body::new_group(name);
        let id = self.create("/Groups", &new).await?;
        typed(self.wire.post("/Groups", &new).await?.expect_status(&[409])?)?;
        Ok(id)
    }

    /// Reads the group without its members, changes them, and asks after one of them.
    async fn join_and_leave(
        &self,
        (id, _): (&str, &str),
        joins: &[GroupMember],
        leaves: &[GroupMember],
    ) -> Result<(), ClientError> {
        let path = format!("/Groups/{id}");
        let brief = self.get(&format!("{path}?excludedAttributes=members"), &[200]).await?;
        if brief.body.get("members").is_some() {
            return Err(brief.shows("the members that were not asked for"));
        }
        let patched = self.patch(&path, &body::members(self.dialect(), joins, leaves)).await?;
        let checks = joins.first().map(|m| (m, true)).into_iter();
        for (member, wanted) in checks.chain(leaves.first().map(|m| (m, false))) {
            let filter = format!("id eq {} and members eq {}", json!(id), json!(member.value));
            let found = self.find("/Groups?attributes=id&", &filter).await?;
            if found.is_some() != wanted {
                return Err(patched.shows(&format!("`{}` as a member: {}", member.value, !wanted)));
            }
        }
        Ok(())
    }

    async fn fill(
        &self,
        (id, _): (&str, &str),
        members: &[GroupMember],
    ) -> Result<(), ClientError> {
        let body = body::all_members(self.dialect(), members);
        self.patch(&format!("/Groups/{id}"), &body).await.map(drop)
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), ClientError> {
        self.patch(&format!("/Groups/{id}"), &body::group_name(self.dialect(), name)).await?;
        let found = self.look_up_group(name).await?;
        let unknown = || ClientError::Unknown { kind: "group", name: name.to_owned() };
        found.map(drop).ok_or_else(unknown)
    }

    async fn dissolve(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/Groups/{id}")).await
    }

    /// The service never reads lists: it looks up one at a time.
    async fn read_all(&self) -> Result<(), ClientError> {
        Ok(())
    }
}

/// The next of several by turns.
fn turn<T: Copy>(count: &AtomicU64, of: &[T]) -> Option<T> {
    let count = usize::try_from(count.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
    of.get(count.checked_rem(of.len())?).copied()
}

/// The answer, if it says that it is SCIM: every body does, also of an error.
fn typed(answer: Answer) -> Result<Answer, ClientError> {
    let media = answer.content_type.as_deref().unwrap_or_default();
    match media.starts_with("application/scim+json") {
        true => Ok(answer),
        false => Err(answer.lacks("`Content-Type: application/scim+json`")),
    }
}

impl Dialect {
    pub(crate) fn add(self) -> &'static str {
        match self {
            Dialect::Default => "Add",
            Dialect::Flagged => "add",
        }
    }

    pub(crate) fn replace(self) -> &'static str {
        match self {
            Dialect::Default => "Replace",
            Dialect::Flagged => "replace",
        }
    }

    pub(crate) fn remove(self) -> &'static str {
        match self {
            Dialect::Default => "Remove",
            Dialect::Flagged => "remove",
        }
    }
}
