//! Memberships that ended because somebody was deactivated, kept aside in case they are reactivated (behaviour P-07).
//!
//! The log knows them: they are the memberships of a user that ended in the commit that deactivated the user. Nothing follows
//! from them but that they may come back.

use imbl::OrdSet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Member;
use crate::id::{ConnectorId, GroupId, RuleId, UserId};
use crate::origin::Source;

const FIRST_SOURCE: Source = Source::Connector(ConnectorId::LEAST);
const LAST_SOURCE: Source = Source::Rule(RuleId::MOST);

/// The memberships that are kept aside, at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Aside {
    by_user: OrdSet<(UserId, GroupId, Source)>,
    // INVARIANT (groups): exactly the same, by group.
    by_group: OrdSet<(GroupId, UserId, Source)>,
}

impl Aside {
    /// The memberships that a user would come back into, by group.
    pub fn of(&self, user: UserId) -> impl Iterator<Item = (GroupId, Source)> + '_ {
        let range = (user, GroupId::LEAST, FIRST_SOURCE)..=(user, GroupId::MOST, LAST_SOURCE);
        self.by_user.range(range).map(|(_, group, source)| (*group, *source))
    }

    /// The users who would come back into a group, each with the source that held them in it.
    pub fn of_group(&self, group: GroupId) -> impl Iterator<Item = (UserId, Source)> + '_ {
        let range = (group, UserId::LEAST, FIRST_SOURCE)..=(group, UserId::MOST, LAST_SOURCE);
        self.by_group.range(range).map(|(_, user, source)| (*user, *source))
    }

    /// Whether this membership is kept aside.
    pub fn has(&self, user: UserId, group: GroupId, source: Source) -> bool {
        self.by_user.contains(&(user, group, source))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    pub(super) fn put(&mut self, user: UserId, group: GroupId, source: Source) {
        self.by_user.insert((user, group, source));
        self.by_group.insert((group, user, source));
    }

    pub(super) fn take(&mut self, member: Member, group: GroupId, source: Source) {
        if let Member::User(user) = member {
            self.by_user.remove(&(user, group, source));
            self.by_group.remove(&(group, user, source));
        }
    }

    pub(super) fn take_user(&mut self, user: UserId) {
        for (group, source) in self.of(user).collect::<Vec<_>>() {
            self.take(Member::User(user), group, source);
        }
    }

    pub(super) fn take_group(&mut self, group: GroupId) {
        for (user, source) in self.of_group(group).collect::<Vec<_>>() {
            self.take(Member::User(user), group, source);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, GroupId, Source)> + '_ {
        self.by_user.iter().copied()
    }

    /// That the index says what the memberships say.
    pub(super) fn agrees(&self) -> Result<(), String> {
        match Aside::from_iter(self.iter()) == *self {
            true => Ok(()),
            false => Err("the index of memberships kept aside disagrees with them".to_owned()),
        }
    }
}

impl FromIterator<(UserId, GroupId, Source)> for Aside {
    fn from_iter<I: IntoIterator<Item = (UserId, GroupId, Source)>>(memberships: I) -> Self {
        let mut aside = Aside::default();
        memberships.into_iter().for_each(|(user, group, source)| aside.put(user, group, source));
        aside
    }
}

impl Serialize for Aside {
    /// Once each: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.by_user)
    }
}

impl<'de> Deserialize<'de> for Aside {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
