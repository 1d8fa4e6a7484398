//! Where a story is played: a server, its operator, and a clock that the story sets.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::ledger::{Deed, Hour, Ledger};
use crate::wire::{Answer, ClientError, Manner, Wire, escaped};

/// What the operator of an instance is called.
const OWNER: &str = "owner";

/// A running server, and what a story needs to write the history of a tenant that it does not have yet.
pub struct Stage {
    url: String,
    slug: String,
    operator: Wire,
    clock: Box<dyn Fn(DateTime<Utc>) + Send + Sync>,
    ledger: Mutex<Ledger>,
}

/// A key that was issued just now.
pub(super) struct Issued {
    pub(super) id: String,
    pub(super) key: String,
}

impl Stage {
    /// The server at this address (without a slash at the end), its operator's key, the tenant
    /// that the story opens, and what sets the server's clock.
    pub fn new(
        url: &str,
        operator_key: &str,
        slug: &str,
        clock: impl Fn(DateTime<Utc>) + Send + Sync + 'static,
    ) -> Stage {
        let wire = Wire::new(&format!("{url}/admin/v1"), &format!("Bearer {operator_key}"));
        Stage {
            url: url.to_owned(),
            slug: slug.to_owned(),
            operator: wire.with_manner(Manner::Scim),
            clock: Box::new(clock),
            ledger: Mutex::default(),
        }
    }

    /// Where the clients write to.
    pub(super) fn base(&self) -> String {
        format!("{}/scim/{}/v2", self.url, self.slug)
    }

    pub(super) fn set_clock(&self, at: DateTime<Utc>) {
        (self.clock)(at);
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Who panicked with the ledger in hand has ended the story already.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deeds(&self) -> Vec<Deed> {
        self.ledger().deeds()
    }

    /// Opens the tenant with a connector of this preset and name. Answers the connector's key.
    pub(super) async fn open(
        &self,
        at: DateTime<Utc>,
        preset: &str,
    ) -> Result<String, ClientError> {
        let hour = self.hour(at);
        let body = json!({"slug": self.slug, "preset": preset});
        let opened = self.operator.post("/tenants", &body).await?.expect_status(&[201])?;
        let mut ledger = self.ledger();
        ledger.note(hour, "TenantOpened", "");
        (0..4).for_each(|_| ledger.note(hour, "RoleDefined", ""));
        ledger.note(hour, "ConnectorAdded", "");
        ledger.note(hour, "CredentialIssued", "");
        opened.text("apiKey", "an `apiKey`")
    }

    /// One more connector. Answers its key.
    pub(super) async fn connector(
        &self,
        at: DateTime<Utc>,
        preset: &str,
    ) -> Result<String, ClientError> {
        let hour = self.hour(at);
        let body = json!({"name": preset, "preset": preset});
        let path = self.path("/connectors");
        let added = self.operator.post(&path, &body).await?.expect_status(&[201])?;
        let mut ledger = self.ledger();
        ledger.note(hour, "ConnectorAdded", "");
        ledger.note(hour, "CredentialIssued", "");
        added.text("apiKey", "an `apiKey`")
    }

    /// One more key of a connector.
    pub(super) async fn issue(
        &self,
        at: DateTime<Utc>,
        connector: &str,
    ) -> Result<Issued, ClientError> {
        let hour = self.hour(at);
        let path = self.path("/credentials");
        let body = json!({"connector": connector});
        let issued = self.operator.post(&path, &body).await?.expect_status(&[201])?;
        self.ledger().note(hour, "CredentialIssued", "");
        Ok(Issued { id: issued.id()?, key: issued.text("apiKey", "an `apiKey`")? })
    }

    /// The id of the first key of a connector that opens anything.
    pub(super) async fn credential(&self, connector: &str) -> Result<String, ClientError> {
        let path = self.path("/credentials");
        let listed = self.operator.get(&path).await?.expect_status(&[200])?;
        let all = listed.body.get("credentials").and_then(Value::as_array);
        all.into_iter()
            .flatten()
            .find(|one| {
                let of = one.get("connector").and_then(Value::as_str) == Some(connector);
                of && one.get("revoked").is_none_or(Value::is_null)
            })
            .and_then(|one| one.get("id")?.as_str().map(str::to_owned))
            .ok_or_else(|| listed.lacks("a key of the connector"))
    }

    /// A key opens nothing any more.
    pub(super) async fn revoke_key(&self, at: DateTime<Utc>, id: &str) -> Result<(), ClientError> {
        let hour = self.hour(at);
        self.delete(&self.path(&format!("/credentials/{id}"))).await?;
        self.ledger().note(hour, "CredentialRevoked", "");
        Ok(())
    }

    /// The operator gives a role here, beside what identity providers say.
    pub(super) async fn grant(
        &self,
        at: DateTime<Utc>,
        user: &str,
        role: &str,
    ) -> Result<(), ClientError> {
        let hour = self.hour(at);
        let path = self.role_path(user, role);
        self.operator.put(&path, &json!({})).await?.expect_status(&[200, 201, 204])?;
        self.ledger().local_role(hour, user, role, true);
        Ok(())
    }

    /// The operator takes back what [`Stage::grant`] gave.
    pub(super) async fn take_back(
        &self,
        at: DateTime<Utc>,
        user: &str,
        role: &str,
    ) -> Result<(), ClientError> {
        let hour = self.hour(at);
        self.delete(&self.role_path(user, role)).await?;
        self.ledger().local_role(hour, user, role, false);
        Ok(())
    }

    /// From now on whoever is in the group has the role. Answers the rule's id.
    pub(super) async fn add_rule(
        &self,
        at: DateTime<Utc>,
        group: &str,
        role: &str,
    ) -> Result<String, ClientError> {
        let hour = self.hour(at);
        let path = self.path("/rules");
        let body = json!({"group": group, "role": role});
        self.operator.post(&path, &body).await?.expect_status(&[200, 201])?;
        self.ledger().rule(hour, group, role, true);
        let listed = self.operator.get(&path).await?.expect_status(&[200])?;
        let rules = listed.body.get("rules").and_then(Value::as_array);
        rules
            .into_iter()
            .flatten()
            .find(|rule| {
                let says = |name, wanted| rule.get(name).and_then(Value::as_str) == Some(wanted);
                says("groupName", group) && says("role", role)
            })
            .and_then(|rule| rule.get("id")?.as_str().map(str::to_owned))
            .ok_or_else(|| listed.lacks("the rule that was added"))
    }

    /// A rule gives nothing any more.
    pub(super) async fn remove_rule(
        &self,
        at: DateTime<Utc>,
        id: &str,
        (group, role): (&str, &str),
    ) -> Result<(), ClientError> {
        let hour = self.hour(at);
        self.delete(&self.path(&format!("/rules/{id}"))).await?;
        self.ledger().rule(hour, group, role, false);
        Ok(())
    }

    /// The operator erases somebody whose account is gone: `own_id` is what the connector called
    /// them.
    pub(super) async fn erase(
        &self,
        at: DateTime<Utc>,
        account: &str,
        reason: &str,
        (connector, own_id): (&str, &str),
    ) -> Result<(), ClientError> {
        let hour = self.hour(at);
        let path = self.path(&format!("/users/{account}/erase"));
        self.operator.post(&path, &json!({"reason": reason})).await?.expect_status(&[200, 204])?;
        self.ledger().erase(hour, connector, own_id);
        Ok(())
    }

    async fn delete(&self, path: &str) -> Result<Answer, ClientError> {
        self.operator.delete(path).await?.expect_status(&[200, 204])
    }

    fn role_path(&self, user: &str, role: &str) -> String {
        self.path(&format!("/users/{}/roles/{}", escaped(user), escaped(role)))
    }

    /// Below the tenant.
    fn path(&self, rest: &str) -> String {
        format!("/tenants/{}{rest}", self.slug)
    }

    /// The operator at this moment.
    fn hour(&self, at: DateTime<Utc>) -> Hour<'static> {
        self.set_clock(at);
        Hour { at, by: OWNER }
    }
}
