//! The groups of a tenant, who is in them, and the ways to find one.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdSet;
use scim::Packed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shelf::{Shelf, Word};
use super::users::{here_word, is_false};
use super::{ExternalId, Moment, Stamp, Users, apply_changes, external_id, set_external_id};
use crate::commit::Unfit;
use crate::event::{AttributeChange, Member};
use crate::id::{ConnectorId, GroupId, RuleId, UserId};
use crate::origin::Source;
use crate::snapshot::dense;

pub(super) const FIRST_SOURCE: Source = Source::Connector(ConnectorId::LEAST);
pub(super) const LAST_SOURCE: Source = Source::Rule(RuleId::MOST);

/// A group as of one position.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Never reused, never changed.
    pub id: GroupId,
    /// The name, as the client wrote it.
    pub display_name: Box<str>,
    /// The connector that manages the group; none: managed here.
    pub managed_by: Option<ConnectorId>,
    /// Whether a connector managed it before, which released it: another one may link it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub released: bool,
    /// What each connector calls it.
    pub external_ids: Vec<ExternalId>,
    /// Every other attribute, but for the members.
    pub attributes: Packed,
    /// Who is in it, once for each source that says so.
    members: OrdSet<(Member, Source)>,
    /// When it came to be.
    pub created: Stamp,
    /// When it last changed; its position is the version.
    pub modified: Stamp,
}

impl Group {
    /// What `connector` calls this group.
    pub fn external_id(&self, connector: Option<ConnectorId>) -> Option<&str> {
        external_id(&self.external_ids, connector)
    }

    /// Who is in it, through whichever source, each once.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let mut last = None;
        self.members.iter().filter_map(move |(member, _)| {
            (last.replace(*member) != Some(*member)).then_some(*member)
        })
    }

    /// Who is in it, once for each source that says so.
    pub fn memberships(&self) -> impl ExactSizeIterator<Item = (Member, Source)> + '_ {
        self.members.iter().copied()
    }

    /// The same from the member after `last` on, in the same order; costs nothing for those before.
    pub fn memberships_after(&self, last: Member) -> impl Iterator<Item = (Member, Source)> + '_ {
        let after = (Bound::Excluded((last, LAST_SOURCE)), Bound::Unbounded);
        self.members.range(after).copied()
    }

    /// The sources that say that `member` is in it; does not look at other members.
    pub fn sources(&self, member: Member) -> impl Iterator<Item = Source> + '_ {
        self.members
            .range((member, FIRST_SOURCE)..=(member, LAST_SOURCE))
            .map(|(_, source)| *source)
    }

    /// Whether any source says that `member` is in it.
    pub fn has(&self, member: Member) -> bool {
        self.sources(member).next().is_some()
    }
}

/// The words that a group is found by, beside external ids.
pub(super) fn words(group: &Group, note: &mut dyn FnMut(Word)) {
    note(name_word(&group.display_name));
    if group.managed_by.is_none() {
        note(here_word());
    }
}

/// The word that a group is found by through its name, in whatever case.
fn name_word(name: &str) -> Word {
    Word::new("displayName", &scim::fold(name))
}

/// The groups of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Groups {
    shelf: Shelf<Group>,
    // INVARIANT (members): (m, g) is here exactly when group g has member m.
    of_member: OrdSet<(Member, GroupId)>,
}

impl Groups {
    /// The group with this id.
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.shelf.get(id)
    }

    /// The groups with this name, in whatever case.
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Group> + use<'a> {
        let name = scim::fold(name).into_owned();
        self.shelf
            .with_word(name_word(&name))
            .filter(move |group| scim::fold(&group.display_name) == *name)
    }

    /// The groups that are managed here, by id.
    pub fn managed_here(&self) -> impl Iterator<Item = &Group> {
        self.shelf.with_word(here_word()).filter(|group| group.managed_by.is_none())
    }

    /// Where a group stands in the order of creation, counted from 0.
    pub fn place(&self, group: &Group) -> Option<usize> {
        self.shelf.place(group)
    }

    /// The groups that some connector calls so; who asks must still check that it is its own word.
    pub fn with_external_id<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Group> + use<'a> {
        self.shelf.with_external_id(id)
    }

    /// The groups that have `member` as a member themselves, by id.
    pub fn of(&self, member: Member) -> impl Iterator<Item = &Group> + '_ {
        self.shelf.under(&self.of_member, member)
    }

    /// The users who are in `group`, themselves or through groups inside it, each once. Circles end; so does the
    /// search, once it has found `enough`.
    pub fn users_below(&self, group: GroupId, enough: usize) -> BTreeSet<UserId> {
        let (mut seen, mut next) = (BTreeSet::from([group]), vec![group]);
        let mut users = BTreeSet::new();
        while let Some(group) = next.pop().and_then(|id| self.get(id)) {
            for member in group.members() {
                if users.len() >= enough {
                    return users;
                }
                match member {
                    Member::User(user) => drop(users.insert(user)),
                    Member::Group(inner) if seen.insert(inner) => next.push(inner),
                    Member::Group(_) => {}
                }
            }
        }
        users
    }

    /// All groups, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.from(0)
    }

    /// The groups from the `skip`-th on, oldest first; costs nothing for those skipped.
    pub fn from(&self, skip: usize) -> impl Iterator<Item = &Group> {
        self.shelf.from(skip)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shelf.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn create(
        &mut self,
        id: GroupId,
        display_name: &str,
        managed_by: Option<ConnectorId>,
        external_id: Option<&str>,
        attributes: &Packed,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.get(id).is_some() {
            return Err(moment.unfit(format!("group {id} exists already")));
        }
        let mut external_ids = Vec::new();
        set_external_id(&mut external_ids, moment.origin.actor.connector(), external_id);
        self.insert(Arc::new(Group {
            id,
            display_name: display_name.into(),
            managed_by,
            released: false,
            external_ids,
            attributes: attributes.clone(),
            members: OrdSet::new(),
            created: moment.stamp,
            modified: moment.stamp,
        }));
        Ok(())
    }

    /// A connector takes over, or, if none, lets go.
    pub(super) fn manage(
        &mut self,
        id: GroupId,
        by: Option<ConnectorId>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |group| {
            group.managed_by = by;
            group.released = by.is_none();
        })
    }

    pub(super) fn rename(
        &mut self,
        id: GroupId,
        to: &str,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |group| group.display_name = to.into())
    }

    pub(super) fn add_member(
        &mut self,
        id: GroupId,
        member: Member,
        source: Source,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |group| {
            group.members.insert((member, source));
        })?;
        self.of_member.insert((member, id));
        Ok(())
    }

    pub(super) fn remove_member(
        &mut self,
        id: GroupId,
        member: Member,
        source: Source,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let mut gone = false;
        self.shelf.change(id, moment, |group| {
            group.members.remove(&(member, source));
            gone = !group.has(member);
        })?;
        if gone {
            self.of_member.remove(&(member, id));
        }
        Ok(())
    }

    /// Puts a group onto the shelf and into every index.
    fn insert(&mut self, group: Arc<Group>) {
        for member in group.members() {
            self.of_member.insert((member, group.id));
        }
        self.shelf.insert(group);
    }

    pub(super) fn set(
        &mut self,
        id: GroupId,
        changes: &[AttributeChange],
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let connector = moment.origin.actor.connector();
        self.shelf.change(id, moment, |group| {
            apply_changes(&mut group.attributes, &mut group.external_ids, changes, connector);
        })
    }

    pub(super) fn delete(&mut self, id: GroupId, moment: Moment<'_>) -> Result<(), Unfit> {
        self.take(id, moment).map(drop)
    }

    /// Takes a group away, with all who are in it.
    pub(super) fn take(&mut self, id: GroupId, moment: Moment<'_>) -> Result<Arc<Group>, Unfit> {
        let group = self.shelf.remove(id, moment)?;
        for member in group.members() {
            self.of_member.remove(&(member, id));
        }
        Ok(group)
    }

    /// Puts in a group that was among others before.
    pub(super) fn put(&mut self, mut group: Arc<Group>, moment: Moment<'_>) {
        Arc::make_mut(&mut group).modified = moment.stamp;
        self.insert(group);
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        self.shelf.agrees()?;
        let mut rebuilt = Groups::default();
        self.shelf.by_id().cloned().for_each(|group| rebuilt.insert(group));
        if rebuilt.of_member == self.of_member {
            Ok(())
        } else {
            Err("the index of groups by members disagrees with them".to_owned())
        }
    }

    pub(super) fn members_are_among(&self, users: &Users) -> Result<(), String> {
        for (member, group) in self.of_member.iter() {
            let there = match member {
                Member::User(user) => users.get(*user).is_some(),
                Member::Group(group) => self.get(*group).is_some(),
            };
            if !there {
                return Err(format!("group {group} has a member that is not there: {member:?}"));
            }
        }
        Ok(())
    }
}

impl Serialize for Groups {
    /// Only the groups: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.shelf.by_id())
    }
}

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut groups = Groups::default();
        let mut of_member = Vec::new();
        for group in Vec::<Arc<Group>>::deserialize(deserializer)? {
            of_member.extend(group.members().map(|member| (member, group.id)));
            groups.shelf.insert(group);
        }
        // In order, so that the nodes of the index are made one after the other and are full.
        of_member.sort_unstable();
        groups.of_member = dense(&of_member);
        Ok(groups)
    }
}
