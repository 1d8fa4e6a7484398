//! Who asks, as policies see them: made once, and asked as often as needed.

use std::collections::{BTreeSet, HashSet};

use cedar_policy::{Entity, EntityUid};
use domain::directory::{Directory, User};
use domain::event::Member;
use domain::id::GroupId;
use domain::visible::PUBLIC;
use scim::UserNameKey;

use crate::compiled::{Compiled, Who};
use crate::entity::{groups_of, roles_of};
use crate::text::Kind;

/// A user, and what policies may ask about them.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    pub(crate) user: &'a User,
    pub(crate) groups: BTreeSet<GroupId>,
    pub(crate) roles: BTreeSet<String>,
}

/// The user that is there with this id, or with this name in any case.
pub(crate) fn find<'a>(directory: &'a Directory, who: &str) -> Option<&'a User> {
    let by_id = who.parse().ok().and_then(|id| directory.users.get(id));
    by_id.or_else(|| directory.users.named(&UserNameKey::of(who).ok()?))
}

impl<'a> Person<'a> {
    pub(crate) fn of(directory: &Directory, user: &'a User) -> Self {
        let groups = groups_of(directory, Member::User(user.id));
        Person { user, groups, roles: roles_of(directory, user) }
    }

    /// Whether a policy's scope is about them.
    pub(crate) fn is(&self, who: &Who) -> bool {
        match who {
            Who::Everybody | Who::Public => true,
            Who::User(id) => *id == self.user.id,
            Who::Group(id) => self.groups.contains(id),
            Who::Role(name) => self.roles.contains(name),
            Who::Nobody => false,
        }
    }

    /// As an entity. What a request brings may speak of groups and roles that no policy names: then it needs them `all`.
    pub(crate) fn entity(&self, compiled: &Compiled, all: bool) -> Entity {
        compiled.user(self.user, self.parents(compiled, all))
    }

    /// What they are in. Whoever may act is in the group that is built in.
    fn parents(&self, compiled: &Compiled, all: bool) -> HashSet<EntityUid> {
        let may_act = self.user.may_act();
        if all {
            let groups =
                self.groups.iter().map(|id| compiled.kinds.uid(Kind::Group, &id.to_string()));
            let roles = self.roles.iter().map(|name| compiled.kinds.uid(Kind::Role, name));
            let public = may_act.then(|| compiled.kinds.uid(Kind::Group, PUBLIC));
            return groups.chain(roles).chain(public).collect();
        }
        let groups = self.groups.iter().filter_map(|id| compiled.groups.get(id));
        let roles = self.roles.iter().filter_map(|name| compiled.roles.get(name));
        let public = compiled.public.as_ref().filter(|_| may_act);
        groups.chain(roles).chain(public).cloned().collect()
    }
}
