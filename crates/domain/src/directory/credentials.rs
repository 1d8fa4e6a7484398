//! What opens the doors: hashes of secrets, never the secrets.

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, Stamp};
use crate::commit::Unfit;
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
    /// SHA-256 of the secret.
    pub hash: Hash,
    /// The secret's first characters, to tell keys apart.
    pub hint: String,
    /// When it was issued.
    pub issued: Stamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Stamp>,
}

impl Credential {
    /// Whether it opens anything at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }
}

/// The credentials of a tenant, or of the instance, at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Credentials {
    by_id: OrdMap<CredentialId, Credential>,
    // INVARIANT (hashes): exactly the hashes in `by_id`.
    by_hash: OrdMap<Hash, CredentialId>,
}

impl Credentials {
    /// The credential with this id.
    pub fn get(&self, id: CredentialId) -> Option<&Credential> {
        self.by_id.get(&id)
    }

    /// The credential whose secret has this hash, valid or not.
    pub fn with_hash(&self, hash: &Hash) -> Option<&Credential> {
        self.by_hash.get(hash).and_then(|id| self.by_id.get(id))
    }

    /// All credentials, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.by_id.values()
    }

    pub(super) fn issue(&mut self, new: Credential, moment: Moment<'_>) -> Result<(), Unfit> {
        if self.by_hash.insert(new.hash, new.id).is_some() {
            return Err(moment.unfit("this secret exists already"));
        }
        let id = new.id;
        match self.by_id.insert(id, new) {
            Some(_) => Err(moment.unfit(format!("credential {id} exists already"))),
            None => Ok(()),
        }
    }

    pub(super) fn revoke(&mut self, id: CredentialId, moment: Moment<'_>) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no credential {id}")));
        };
        there.revoked = Some(moment.stamp);
        Ok(())
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        let hashes: OrdMap<_, _> = self.by_id.values().map(|c| (c.hash, c.id)).collect();
        if hashes == self.by_hash {
            Ok(())
        } else {
            Err("the index of credentials by hashes disagrees with the credentials".to_owned())
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
        for credential in Vec::<Credential>::deserialize(deserializer)? {
            credentials.by_hash.insert(credential.hash, credential.id);
            credentials.by_id.insert(credential.id, credential);
        }
        Ok(credentials)
    }
}
