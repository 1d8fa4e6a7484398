//! Whom a policy names, wherever in its text.

use domain::directory::Directory;
use domain::id::{GroupId, RoleId, UserId};
use domain::visible::PUBLIC;

use crate::text::{Kind, mentions};

/// Somebody that a stored policy names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Principal {
    /// A user, who may be gone.
    User(UserId),
    /// A group, which may be gone.
    Group(GroupId),
    /// A role; it may be retired, and never goes.
    Role(RoleId),
    /// The group that is built in.
    Public,
    /// A name that leads nowhere: the policy was written before names were turned into ids.
    Nobody(Kind, String),
}

impl Principal {
    /// Whether it leads to nobody: who was deleted, or never was.
    pub fn is_gone(&self, directory: &Directory) -> bool {
        match self {
            Principal::User(id) => directory.users.get(*id).is_none(),
            Principal::Group(id) => directory.groups.get(*id).is_none(),
            Principal::Role(id) => directory.roles.get(*id).is_none(),
            Principal::Public => false,
            Principal::Nobody(..) => true,
        }
    }
}

/// Whom a stored policy names, in its scope and in its conditions, each once.
pub fn named(text: &str, directory: &Directory) -> Vec<Principal> {
    let mut all: Vec<Principal> = mentions(text)
        .into_iter()
        .map(|mention| {
            let found = match mention.kind {
                Kind::User => mention.id.parse().ok().map(Principal::User),
                Kind::Group if mention.id == PUBLIC => Some(Principal::Public),
                Kind::Group => mention.id.parse().ok().map(Principal::Group),
                Kind::Role => {
                    directory.roles.named(&mention.id).map(|role| Principal::Role(role.id))
                }
            };
            found.unwrap_or(Principal::Nobody(mention.kind, mention.id))
        })
        .collect();
    all.sort();
    all.dedup();
    all
}
