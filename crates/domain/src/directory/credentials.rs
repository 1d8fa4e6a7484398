//! What opens the doors: hashes of secrets, never the secrets.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::credential::{CredentialKind, Proof, Scope, Scopes};
use crate::event::Holder;
use crate::id::CredentialId;
use crate::position::Hash;
use crate::time::Timestamp;

/// A credential as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// Never reused, never changed.
    pub id: CredentialId,
    /// Who may show it.
    pub holder: Holder,
    /// SHA-256 of a key's secret; none: it is no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// What tells it from others: a secret's first characters, a user name, or a public key's name.
    pub hint: String,
    /// When it was issued.
    pub issued: Stamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Stamp>,
    /// How whoever shows it proves that they may; none: by the secret of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// What it opens; none: everything that its holder may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// The credential that it was issued in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CredentialId>,
}

impl Credential {
    /// Whether it opens anything at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }

    /// What kind of credential it is.
    pub fn kind(&self) -> CredentialKind {
        self.proof.as_ref().map_or(CredentialKind::Key, Proof::kind)
    }

    /// Whether it opens what needs this.
    pub fn opens(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.hold(scope))
    }

    /// The user name that is shown with its password.
    pub fn user(&self) -> Option<&str> {
        match &self.proof {
            Some(Proof::Password { user, .. }) => Some(user),
            Some(Proof::PublicKey { .. }) | None => None,
        }
    }
}

/// The credentials of a tenant, or of the instance, at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Credentials {
    // Behind pointers: a block of the map has room for 16, and most tenants have one or two.
    by_id: OrdMap<CredentialId, Arc<Credential>>,
    // INVARIANT (hashes): exactly the hashes in `by_id`: what is no key has none, so no text shown as a key opens it.
    by_hash: OrdMap<Hash, CredentialId>,
    // INVARIANT (users): exactly the user names of those in `by_id` that are not revoked.
    by_user: OrdMap<String, OrdSet<CredentialId>>,
    // INVARIANT (in force): how many in `by_id` are not revoked.
    in_force: usize,
}

impl Credentials {
    /// The credential with this id.
    pub fn get(&self, id: CredentialId) -> Option<&Credential> {
        self.by_id.get(&id).map(Arc::as_ref)
    }

    /// The credential whose secret has this hash, valid or not.
    pub fn with_hash(&self, hash: &Hash) -> Option<&Credential> {
        self.by_hash.get(hash).and_then(|id| self.get(*id))
    }

    /// The credentials with this user name that are not revoked: of one holder, each issued in place of the one before.
    pub fn of_user(&self, user: &str) -> impl Iterator<Item = &Credential> {
        let ids = self.by_user.get(user).into_iter().flatten();
        ids.filter_map(|id| self.get(*id))
    }

    /// How many are not revoked.
    pub fn in_force(&self) -> usize {
        self.in_force
    }

    /// All credentials, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.by_id.values().map(Arc::as_ref)
    }

    pub(super) fn issue(&mut self, new: Credential, moment: Moment<'_>) -> Result<(), Unfit> {
        if new.hash.is_some_and(|hash| self.by_hash.contains_key(&hash)) {
            return Err(moment.unfit("this secret exists already"));
        }
        if self.by_id.contains_key(&new.id) {
            return Err(moment.unfit(format!("credential {} exists already", new.id)));
        }
        self.put(Arc::new(new));
        Ok(())
    }

    pub(super) fn end(
        &mut self,
        id: CredentialId,
        at: Timestamp,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no credential {id}")));
        };
        let end = there.expires.map_or(at, |end| end.min(at));
        Arc::make_mut(there).expires = Some(end);
        Ok(())
    }

    pub(super) fn revoke(&mut self, id: CredentialId, moment: Moment<'_>) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no credential {id}")));
        };
        if there.revoked.is_none() {
            self.in_force = self.in_force.saturating_sub(1);
        }
        Arc::make_mut(there).revoked = Some(moment.stamp);
        if let Some(user) = there.user()
            && let Some(ids) = self.by_user.get_mut(user)
        {
            ids.remove(&id);
            if ids.is_empty() {
                let user = user.to_owned();
                self.by_user.remove(&user);
            }
        }
        Ok(())
    }

    fn put(&mut self, credential: Arc<Credential>) {
        let id = credential.id;
        if let Some(hash) = credential.hash {
            self.by_hash.insert(hash, id);
        }
        if credential.revoked.is_none() {
            self.in_force += 1;
            if let Some(user) = credential.user() {
                self.by_user.entry(user.to_owned()).or_default().insert(id);
            }
        }
        self.by_id.insert(id, credential);
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        let mut anew = Credentials::default();
        self.by_id.values().for_each(|credential| anew.put(credential.clone()));
        let hashes = self.by_id.values().filter(|credential| credential.hash.is_some()).count();
        if anew == *self && hashes == self.by_hash.len() {
            Ok(())
        } else {
            Err("an index of credentials disagrees with the credentials".to_owned())
        }
    }
}

impl Serialize for Credentials {
    /// Only the credentials: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.values())
    }
}

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut credentials = Credentials::default();
        for credential in Vec::<Arc<Credential>>::deserialize(deserializer)? {
            credentials.put(credential);
        }
        Ok(credentials)
    }
}
