//! What connectors bring that their lists leave out: kept apart from everything else, so that whoever does not ask for it by
//! the connector's name cannot see it (behaviour P-02).
//!
//! What happens to such a user or group is said by the ordinary events: where they go follows from whom they are about.

use imbl::{OrdMap, OrdSet};
use scim::UserNameKey;
use serde::{Deserialize, Serialize};

use super::groups::{FIRST_SOURCE, LAST_SOURCE};
use super::{Directory, Group, Groups, Moment, Stamp, User, Users};
use crate::commit::{Commit, Unfit};
use crate::event::{Event, Member, Subject};
use crate::id::{ConnectorId, GroupId, UserId};
use crate::origin::Source;

/// The users and groups that one connector brings and its lists leave out: it alone sees them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Ignored {
    /// The users. Their names are their own: others may be called so.
    pub users: Users,
    /// The groups, and who is in them: also those who are let in.
    pub groups: Groups,
    extra: Extra,
}

/// Who of a connector's ignored ones it put into groups that are there for all.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "OrdMap<GroupId, Added>", into = "OrdMap<GroupId, Added>")]
struct Extra {
    by_group: OrdMap<GroupId, Added>,
    // INVARIANT (extra): (m, g) is here exactly when `by_group` has m in g.
    of_member: OrdSet<(Member, GroupId)>,
}

/// The ignored ones in one group, and when the connector last put one in or took one out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Added {
    members: OrdSet<(Member, Source)>,
    modified: Stamp,
}

impl From<OrdMap<GroupId, Added>> for Extra {
    fn from(by_group: OrdMap<GroupId, Added>) -> Self {
        let pairs = |(group, added): (&GroupId, &Added)| {
            let group = *group;
            added.members.iter().map(move |(member, _)| (*member, group)).collect::<Vec<_>>()
        };
        let of_member = by_group.iter().flat_map(pairs).collect();
        Self { by_group, of_member }
    }
}

impl From<Extra> for OrdMap<GroupId, Added> {
    fn from(extra: Extra) -> Self {
        extra.by_group
    }
}

/// What all connectors' lists leave out.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AllIgnored {
    by_connector: OrdMap<ConnectorId, Ignored>,
    // Whose each is; users who were deleted since, too, for they may still be erased.
    users: OrdMap<UserId, ConnectorId>,
    groups: OrdMap<GroupId, ConnectorId>,
}

impl Ignored {
    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    /// The groups, of those for all, into which the connector put this ignored one.
    pub(crate) fn joined(&self, member: Member) -> impl Iterator<Item = GroupId> + '_ {
        let least = (member, GroupId::LEAST);
        self.extra.of_member.range(least..=(member, GroupId::MOST)).map(|(_, group)| *group)
    }

    /// The ignored ones whom the connector put into a group that is there for all.
    pub(crate) fn added(&self, group: GroupId) -> impl Iterator<Item = (Member, Source)> + '_ {
        self.extra.by_group.get(&group).into_iter().flat_map(|added| added.members.iter().copied())
    }

    /// The sources that say so of one of them.
    fn added_by(&self, group: GroupId, member: Member) -> impl Iterator<Item = Source> + '_ {
        let range = (member, FIRST_SOURCE)..=(member, LAST_SOURCE);
        let added = self.extra.by_group.get(&group).into_iter();
        added.flat_map(move |added| added.members.range(range.clone()).map(|(_, source)| *source))
    }

    fn add(&mut self, group: GroupId, member: Member, source: Source, moment: Moment<'_>) {
        let nobody = || Added { members: OrdSet::new(), modified: moment.stamp };
        let added = self.extra.by_group.entry(group).or_insert_with(nobody);
        added.members.insert((member, source));
        added.modified = moment.stamp;
        self.extra.of_member.insert((member, group));
    }

    fn remove(&mut self, group: GroupId, member: Member, source: Source, moment: Moment<'_>) {
        let Some(added) = self.extra.by_group.get_mut(&group) else { return };
        added.members.remove(&(member, source));
        added.modified = moment.stamp;
        if !added.members.iter().any(|(other, _)| *other == member) {
            self.extra.of_member.remove(&(member, group));
        }
    }

    fn agrees(&self, directory: &Directory) -> Result<(), String> {
        self.users.agrees()?;
        self.groups.agrees()?;
        if Extra::from(self.extra.by_group.clone()) != self.extra {
            return Err("the index of ignored members disagrees with them".to_owned());
        }
        for (group, added) in &self.extra.by_group {
            if directory.groups.get(*group).is_none() {
                return Err(format!("an ignored member is in group {group} that is not there"));
            }
            if let Some((member, _)) = added.members.iter().find(|(member, _)| !self.has(*member)) {
                return Err(format!("{member:?} is in group {group}, but not ignored"));
            }
        }
        let known = |member: &Member| self.has(*member) || directory.has(*member);
        for group in self.groups.iter() {
            if let Some(member) = group.members().find(|member| !known(member)) {
                return Err(format!(
                    "group {} has a member that is not there: {member:?}",
                    group.id
                ));
            }
        }
        let gives_what_is_not = |user: &&User| {
            user.roles
                .iter()
                .any(|a| directory.roles.get(a.role).is_none() || a.source.rule().is_some())
        };
        match self.users.iter().find(gives_what_is_not) {
            Some(user) => Err(format!(
                "user {} is ignored and has a role of a rule, or one that is not there",
                user.id
            )),
            None => Ok(()),
        }
    }

    fn has(&self, member: Member) -> bool {
        match member {
            Member::User(user) => self.users.get(user).is_some(),
            Member::Group(group) => self.groups.get(group).is_some(),
        }
    }
}

/// Where an event about somebody ignored goes.
enum Route {
    Users(ConnectorId),
    Groups(ConnectorId),
    Extra(ConnectorId),
}

impl AllIgnored {
    /// Whether nobody and nothing was ever ignored.
    pub(super) fn never_were(&self) -> bool {
        *self == AllIgnored::default()
    }

    /// What one connector's lists leave out.
    pub fn get(&self, connector: ConnectorId) -> Option<&Ignored> {
        self.by_connector.get(&connector)
    }

    /// The connector that brought this one, who is ignored.
    pub fn whose(&self, member: Member) -> Option<ConnectorId> {
        let whose = match member {
            Member::User(user) => self.users.get(&user),
            Member::Group(group) => self.groups.get(&group),
        };
        whose.copied().filter(|connector| self.get(*connector).is_some_and(|a| a.has(member)))
    }

    /// All ignored users, whoever brought them.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.by_connector.values().flat_map(|ignored| ignored.users.iter())
    }

    /// All ignored groups, whoever brought them.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.by_connector.values().flat_map(|ignored| ignored.groups.iter())
    }

    /// An ignored user, whoever brought them.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.get(*self.users.get(&id)?)?.users.get(id)
    }

    /// An ignored group, whoever brought it.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.get(*self.groups.get(&id)?)?.groups.get(id)
    }

    /// Every ignored user who has this name or ever had it, whether they are still there or not.
    pub fn ever_named(&self, key: &UserNameKey) -> Vec<UserId> {
        self.by_connector.values().flat_map(|ignored| ignored.users.ever_named(key)).collect()
    }

    /// The names that a user gave up while they were ignored.
    pub(crate) fn former_names(&self, id: UserId) -> impl Iterator<Item = &UserNameKey> {
        let ignored = self.users.get(&id).and_then(|connector| self.get(*connector));
        ignored.into_iter().flat_map(move |ignored| ignored.users.former_names(id))
    }

    fn route(&self, event: &Event) -> Option<Route> {
        if self.users.is_empty() && self.groups.is_empty() {
            return None;
        }
        let user = |user: UserId| self.users.get(&user).copied();
        let group = |group: GroupId| self.groups.get(&group).copied();
        if let Event::GroupMemberAdded { group: of, member, .. }
        | Event::GroupMemberRemoved { group: of, member, .. } = event
        {
            return group(*of).map(Route::Groups).or_else(|| self.whose(*member).map(Route::Extra));
        }
        let mut route = None;
        event.each_subject(|subject| {
            if let Subject::User(id) = subject {
                route = user(id).map(Route::Users);
            } else if let Subject::Group(id) = subject {
                route = group(id).map(Route::Groups);
            }
        });
        route
    }
}

impl Directory {
    /// Applies an event to what it is about: what is there for all, or what one connector alone sees.
    pub(super) fn apply_where_it_belongs(
        &mut self,
        commit: &Commit,
        event: &Event,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if let Event::UserIgnored { .. }
        | Event::UserNoticed { .. }
        | Event::GroupIgnored { .. }
        | Event::GroupNoticed { .. } = event
        {
            return self.apply_event(commit, event, moment);
        }
        if let Event::GroupDeleted { group } = event {
            self.forget_group(*group);
        }
        match self.ignored.route(event) {
            None => self.apply_event(commit, event, moment),
            Some(Route::Users(connector)) => {
                if let Event::UserErased { user, .. } = event {
                    // Nothing is left of them but that they were erased, which is no connector's own.
                    if let Some(ignored) = self.ignored.by_connector.get_mut(&connector) {
                        ignored.users.forget(*user);
                    }
                    self.ignored.users.remove(user);
                    return self.apply_event(commit, event, moment);
                }
                let mut users = self.take_users(connector);
                std::mem::swap(&mut users, &mut self.users);
                let applied = self.apply_event(commit, event, moment);
                std::mem::swap(&mut users, &mut self.users);
                self.ignored.by_connector.entry(connector).or_default().users = users;
                applied
            }
            Some(Route::Groups(connector)) => {
                let mut groups = self.take_groups(connector);
                std::mem::swap(&mut groups, &mut self.groups);
                let applied = self.apply_event(commit, event, moment);
                std::mem::swap(&mut groups, &mut self.groups);
                self.ignored.by_connector.entry(connector).or_default().groups = groups;
                if let Event::GroupDeleted { group } = event {
                    self.ignored.groups.remove(group);
                }
                applied
            }
            Some(Route::Extra(connector)) => {
                let ignored = self.ignored.by_connector.entry(connector).or_default();
                if let Event::GroupMemberAdded { group, member, source } = event {
                    self.aside.take(*member, *group, *source);
                    ignored.add(*group, *member, *source, moment);
                } else if let Event::GroupMemberRemoved { group, member, source } = event {
                    ignored.remove(*group, *member, *source, moment);
                }
                Ok(())
            }
        }
    }

    fn take_users(&mut self, connector: ConnectorId) -> Users {
        std::mem::take(&mut self.ignored.by_connector.entry(connector).or_default().users)
    }

    fn take_groups(&mut self, connector: ConnectorId) -> Groups {
        std::mem::take(&mut self.ignored.by_connector.entry(connector).or_default().groups)
    }

    /// A group that is gone has nobody in it.
    fn forget_group(&mut self, group: GroupId) {
        let has = |ignored: &Ignored| ignored.extra.by_group.contains_key(&group);
        let those: Vec<ConnectorId> = self
            .ignored
            .by_connector
            .iter()
            .filter(|(_, ignored)| has(ignored))
            .map(|(connector, _)| *connector)
            .collect();
        for connector in those {
            if let Some(ignored) = self.ignored.by_connector.get_mut(&connector) {
                ignored.extra.by_group.remove(&group);
            }
        }
    }

    /// A user is ignored from here on: one who is there, or one whose first event follows.
    pub(super) fn ignore_user(
        &mut self,
        user: UserId,
        connector: ConnectorId,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.ignored.users.insert(user, connector).is_some() {
            return Err(moment.unfit(format!("user {user} is ignored already")));
        }
        if self.users.get(user).is_some() {
            let there = self.users.take(user, moment)?;
            let ignored = self.ignored.by_connector.entry(connector).or_default();
            ignored.users.put(there, moment)?;
        }
        Ok(())
    }

    pub(super) fn notice_user(&mut self, user: UserId, moment: Moment<'_>) -> Result<(), Unfit> {
        let whose = self.ignored.users.remove(&user);
        let ignored = whose.and_then(|connector| self.ignored.by_connector.get_mut(&connector));
        let Some(ignored) = ignored else {
            return Err(moment.unfit(format!("user {user} is not ignored")));
        };
        let there = ignored.users.take(user, moment)?;
        // Whoever asks for one of their names finds them where they are.
        let names: Vec<UserNameKey> = ignored.users.former_names(user).cloned().collect();
        ignored.users.forget(user);
        for name in names {
            self.users.give_up(name, user);
        }
        self.users.put(there, moment)
    }

    pub(super) fn ignore_group(
        &mut self,
        group: GroupId,
        connector: ConnectorId,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.ignored.groups.insert(group, connector).is_some() {
            return Err(moment.unfit(format!("group {group} is ignored already")));
        }
        if self.groups.get(group).is_some() {
            self.forget_group(group);
            let there = self.groups.take(group, moment)?;
            self.ignored.by_connector.entry(connector).or_default().groups.put(there, moment);
        }
        Ok(())
    }

    pub(super) fn notice_group(&mut self, group: GroupId, moment: Moment<'_>) -> Result<(), Unfit> {
        let whose = self.ignored.groups.remove(&group);
        let ignored = whose.and_then(|connector| self.ignored.by_connector.get_mut(&connector));
        let Some(ignored) = ignored else {
            return Err(moment.unfit(format!("group {group} is not ignored")));
        };
        let there = ignored.groups.take(group, moment)?;
        self.groups.put(there, moment);
        Ok(())
    }

    fn has(&self, member: Member) -> bool {
        match member {
            Member::User(user) => self.users.get(user).is_some(),
            Member::Group(group) => self.groups.get(group).is_some(),
        }
    }

    pub(super) fn ignored_agree(&self) -> Result<(), String> {
        for (connector, ignored) in &self.ignored.by_connector {
            ignored.agrees(self)?;
            let users = ignored.users.iter().map(|user| Member::User(user.id));
            let groups = ignored.groups.iter().map(|group| Member::Group(group.id));
            for member in users.chain(groups) {
                if self.ignored.whose(member) != Some(*connector) {
                    return Err(format!("{member:?} is ignored, and nobody says by whom"));
                }
                if self.has(member) {
                    return Err(format!("{member:?} is ignored and there for all"));
                }
            }
        }
        match self.ignored.groups.iter().find(|(id, _)| self.ignored.group(**id).is_none()) {
            Some((group, _)) => Err(format!("group {group} is ignored and nowhere")),
            None => Ok(()),
        }
    }
}

/// The directory as one connector sees it (or an operator: none): without what other connectors' lists leave out, with
/// what its own do, and of what is there for all without those whom its lists leave out and somebody else brought.
impl Directory {
    /// What this connector alone sees.
    pub fn ignored_by(&self, connector: Option<ConnectorId>) -> Option<&Ignored> {
        self.ignored.get(connector?)
    }

    /// Whether this connector may see less than what is there for all, or more.
    pub fn is_partial(&self, connector: Option<ConnectorId>) -> bool {
        self.ignored_by(connector).is_some_and(|ignored| !ignored.is_empty())
            || connector
                .and_then(|id| self.connectors.get(id))
                .is_some_and(|connector| connector.settings.selects())
    }

    /// Whether this connector sees a user who is there for all, or is its own.
    pub fn sees_user(&self, connector: Option<ConnectorId>, user: &User) -> bool {
        let Some(there) = connector.and_then(|id| self.connectors.get(id)) else { return true };
        let own = self.ignored.get(there.id).filter(|ignored| !ignored.users.is_empty());
        if own.is_some_and(|ignored| ignored.users.get(user.id).is_some()) {
            return true;
        }
        if !user.is_shown_to(connector) {
            return false;
        }
        if user.managed_by != Some(there.id) && there.settings.selects() {
            let emails = user.attributes.view().get("emails");
            if !there.settings.lets_in_user(user.name_for(connector), emails) {
                return false;
            }
        }
        // One of its own is called so: it knows nobody else of that name.
        !own.is_some_and(|ignored| {
            UserNameKey::of(user.name_for(connector))
                .is_ok_and(|key| ignored.users.known_as(connector, &key).next().is_some())
        })
    }

    /// Whether this connector sees a group that is there for all, or is its own.
    pub fn sees_group(&self, connector: Option<ConnectorId>, group: &Group) -> bool {
        let Some(there) = connector.and_then(|id| self.connectors.get(id)) else { return true };
        let own = self.ignored.get(there.id).filter(|ignored| !ignored.groups.is_empty());
        if own.is_some_and(|ignored| ignored.groups.get(group.id).is_some()) {
            return true;
        }
        if !group.is_shown_to(connector) {
            return false;
        }
        (group.managed_by == Some(there.id) || there.settings.lets_in_group(&group.display_name))
            && own.is_none_or(|ignored| ignored.groups.named(&group.display_name).next().is_none())
    }

    /// The user with this id, if this connector sees them.
    pub fn user_seen(&self, connector: Option<ConnectorId>, id: UserId) -> Option<&User> {
        let own = self.ignored_by(connector).and_then(|ignored| ignored.users.get(id));
        own.or_else(|| self.users.get(id).filter(|user| self.sees_user(connector, user)))
    }

    /// The group with this id, if this connector sees it.
    pub fn group_seen(&self, connector: Option<ConnectorId>, id: GroupId) -> Option<&Group> {
        let own = self.ignored_by(connector).and_then(|ignored| ignored.groups.get(id));
        own.or_else(|| self.groups.get(id).filter(|group| self.sees_group(connector, group)))
    }

    /// The user with this id, there for all or brought by this connector: also one whom its lists no longer name.
    pub fn user_known(&self, connector: Option<ConnectorId>, id: UserId) -> Option<&User> {
        let own = self.ignored_by(connector).and_then(|ignored| ignored.users.get(id));
        own.or_else(|| self.users.get(id))
    }

    /// The group with this id, there for all or brought by this connector.
    pub fn group_known(&self, connector: Option<ConnectorId>, id: GroupId) -> Option<&Group> {
        let own = self.ignored_by(connector).and_then(|ignored| ignored.groups.get(id));
        own.or_else(|| self.groups.get(id))
    }

    /// When a group last changed for this connector: also when it put in one whom it alone sees.
    pub fn group_modified(&self, connector: Option<ConnectorId>, group: &Group) -> Stamp {
        let added =
            self.ignored_by(connector).and_then(|ignored| ignored.extra.by_group.get(&group.id));
        added.map_or(group.modified, |added| added.modified.max(group.modified))
    }

    /// Who is in a group besides, of those whom this connector alone sees.
    pub fn members_ignored(
        &self,
        connector: Option<ConnectorId>,
        group: GroupId,
    ) -> impl Iterator<Item = (Member, Source)> + '_ {
        self.ignored_by(connector).into_iter().flat_map(move |ignored| ignored.added(group))
    }

    /// The sources that say that `member` is in a group, for this connector; does not look at other members.
    pub(crate) fn sources_seen<'a>(
        &'a self,
        connector: Option<ConnectorId>,
        group: &'a Group,
        member: Member,
    ) -> impl Iterator<Item = Source> + 'a {
        let ignored = self.ignored_by(connector).into_iter();
        group.sources(member).chain(ignored.flat_map(move |own| own.added_by(group.id, member)))
    }

    /// The groups that have `member` themselves, of those that this connector sees.
    pub fn parents_seen(&self, connector: Option<ConnectorId>, member: Member) -> Vec<&Group> {
        let mut found: Vec<&Group> = self.groups.of(member).collect();
        if let Some(ignored) = self.ignored_by(connector) {
            found.extend(ignored.joined(member).filter_map(|group| self.groups.get(group)));
            found.extend(ignored.groups.of(member));
        }
        found
    }

    /// Every membership of `member`, whoever sees it: when they go, it ends.
    pub(crate) fn memberships_of(&self, member: Member) -> Vec<(GroupId, Source)> {
        let of = |group: &Group| -> Vec<(GroupId, Source)> {
            group.sources(member).map(|source| (group.id, source)).collect()
        };
        let mut found: Vec<_> = self.groups.of(member).flat_map(of).collect();
        for ignored in self.ignored.by_connector.values() {
            found.extend(ignored.groups.of(member).flat_map(of));
            for group in ignored.joined(member) {
                let own = ignored.added(group).filter(|(one, _)| *one == member);
                found.extend(own.map(|(_, source)| (group, source)));
            }
        }
        found
    }

    /// Whether this source says that `member` is in a group, whoever sees them.
    pub(super) fn has_member(&self, group: &Group, member: Member, source: Source) -> bool {
        let mut added = self.ignored.by_connector.values();
        group.sources(member).any(|from| from == source)
            || added.any(|ignored| ignored.added_by(group.id, member).any(|from| from == source))
    }

    /// Everybody in a group, whoever sees them.
    pub(crate) fn memberships_in(&self, group: &Group) -> Vec<(Member, Source)> {
        let mut found: Vec<_> = group.memberships().collect();
        for ignored in self.ignored.by_connector.values() {
            found.extend(ignored.added(group.id));
        }
        found
    }
}
