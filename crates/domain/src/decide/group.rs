//! What may become of a group.
//!
//! A PATCH of a few members costs in proportion to the patch: the members that are there are looked
//! up one by one, never read, copied or compared as a whole.

use std::collections::{BTreeMap, BTreeSet};

use scim::{
    Admitted, Invalid, MembersEdit, Node, Object, Packed, Patch, Progress, Quirk, ScimType, Value,
    validate,
};

use super::ignored::{self, Place, Way};
use super::{
    check_size, external_id_change, free_values, link, managed_here, management, options, rule,
    settings,
};
use crate::attributes::difference;
use crate::command::{Change, Decision, Notice};
use crate::directory::{Directory, Group};
use crate::event::{Event, Member, UnknownMembers};
use crate::id::{ConnectorId, GroupId, UserId};
use crate::limits::{DISPLAY_NAME_CHARS, MEMBER_COMPARISONS, MEMBERS_LOOKED_AT};
use crate::origin::{Actor, Source};
use crate::rejection::Rejection;
use crate::view::{GroupView, member_value};

pub(super) fn decide(
    directory: &Directory,
    actor: &Actor,
    id: GroupId,
    change: Change,
) -> Result<Decision, Rejection> {
    if let Change::Create(admitted) = change {
        return create(directory, actor, id, admitted);
    }
    let Some(group) = directory.group_seen(management::manager(directory, actor), id) else {
        return Err(Rejection::NotFound { kind: "group", id: id.to_string() });
    };
    let version = directory.group_modified(management::manager(directory, actor), group).position;
    let mut quirks = Vec::new();
    let mut lookup = Lookup::new(directory, actor);
    let events = match change {
        Change::Create(_) => Vec::new(),
        Change::Replace { with, expected } => {
            expected.check(version)?;
            replace(&mut lookup, actor, group, with)?
        }
        Change::Patch { patch, expected } => {
            expected.check(version)?;
            patched(&mut lookup, actor, group, &patch, &mut quirks)?
        }
        Change::Delete { expected } => {
            expected.check(version)?;
            delete(directory, group)
        }
        Change::Withdraw => delete(directory, group),
    };
    // What was given here is taken back here, also where a connector manages the rest.
    let takes_back = |event: &Event| matches!(event, Event::GroupMemberRemoved { source: Source::Local, group, .. } if *group == id);
    if !events.iter().all(takes_back) {
        managed_here(directory, actor, "group", &group.display_name, group.managed_by)?;
    }
    Ok(Decision { events, quirks, notices: lookup.notices, ..Decision::default() })
}

/// A group as a request wants it, but for its members.
pub(super) struct Wanted {
    pub(super) display_name: String,
    pub(super) external_id: Option<String>,
    pub(super) attributes: Object,
}

impl Wanted {
    fn of(mut object: Object) -> Result<Wanted, Rejection> {
        let display_name = match object.take("displayName") {
            Some(Value::String(name)) => name,
            _ => return Err(Invalid::value("`displayName` is required").into()),
        };
        if display_name.chars().count() > DISPLAY_NAME_CHARS {
            let detail = format!("`displayName` has more than {DISPLAY_NAME_CHARS} characters");
            return Err(Invalid::value(detail).into());
        }
        let external_id = match object.take("externalId") {
            Some(Value::String(id)) => Some(id),
            _ => None,
        };
        check_size(&object)?;
        Ok(Wanted { display_name, external_id, attributes: object })
    }
}

fn create(
    directory: &Directory,
    actor: &Actor,
    id: GroupId,
    mut admitted: Admitted,
) -> Result<Decision, Rejection> {
    // It was admitted by the schemas of a moment ago.
    validate(&admitted.object, directory.schemas.catalogue().group())?;
    let mut lookup = Lookup::new(directory, actor);
    let members = lookup.listed(admitted.object.take("members"))?;
    let wanted = Wanted::of(admitted.object)?;
    let left_out = ignored::leaving_out_group(directory, actor, &wanted.display_name);
    let own = directory.ignored_by(management::manager(directory, actor));
    let mut own = own.into_iter().flat_map(|own| own.groups.named(&wanted.display_name));
    // What it leaves out, it takes over from nobody; nor does it have two of a name.
    let is_linked = left_out.is_none() && own.next().is_none();
    let there = is_linked.then(|| link::find_group(directory, actor, &wanted.display_name));
    if let Some(there) = there.flatten() {
        let mut edits = Edits::new(directory, actor, Some(there));
        edits.takes_over = true;
        members.into_iter().for_each(|member| edits.add(member));
        let mut events = link::group(directory, actor, there, wanted)?;
        events.extend(edits.events(there.id));
        let about = Some(Member::Group(there.id));
        return Ok(Decision { events, notices: lookup.notices, about, ..Decision::default() });
    }
    let place =
        Place { connector: management::manager(directory, actor), is_ignored: left_out.is_some() };
    free_name(directory, place, &wanted.display_name, None)?;
    let mut events = Vec::new();
    match left_out {
        Some(connector) => events.push(Event::GroupIgnored { group: id, connector }),
        None => free_values(directory, Member::Group(id), &wanted.attributes)?,
    }
    events.push(Event::GroupCreated {
        group: id,
        display_name: wanted.display_name,
        managed_by: actor.connector(),
        external_id: wanted.external_id,
        attributes: Packed::pack(&wanted.attributes),
    });
    let mut edits = Edits::new(directory, actor, None);
    members.into_iter().for_each(|member| edits.add(member));
    events.extend(edits.events(id));
    Ok(Decision { events, notices: lookup.notices, ..Decision::default() })
}

/// That no other group has this name, in whatever case: identity providers find groups by it. Of those that the connector
/// sees, and of those there for all if this one is to be.
fn free_name(
    directory: &Directory,
    place: Place,
    name: &str,
    except: Option<GroupId>,
) -> Result<(), Rejection> {
    let taken = |remedy| {
        let (kind, attribute) = ("group", "displayName".into());
        Err(Rejection::Taken { kind, attribute, value: name.to_owned(), remedy })
    };
    if Directory::is_built_in(name) {
        return Err(Rejection::BuiltIn { name: name.to_owned() });
    }
    let Place { connector, is_ignored } = place;
    let own =
        directory.ignored_by(connector).into_iter().flat_map(|ignored| ignored.groups.named(name));
    let there = directory.groups.named(name);
    let there = there.filter(|group| !is_ignored || directory.sees_group(connector, group));
    match own.chain(there).find(|group| Some(group.id) != except) {
        None => Ok(()),
        Some(there) if there.managed_by.is_none() => taken(
            "that one is managed here, and no identity provider can manage it; rename one of the two groups",
        ),
        Some(_) => taken("rename one of the two groups, or link the push to the group that exists"),
    }
}

/// Finds members by the ids that a request names.
struct Lookup<'a> {
    directory: &'a Directory,
    /// Who names them: what is managed here is unknown to connectors.
    viewer: Option<ConnectorId>,
    unknown: UnknownMembers,
    notices: Vec<Notice>,
}

impl<'a> Lookup<'a> {
    fn new(directory: &'a Directory, actor: &Actor) -> Self {
        let unknown = settings(directory, actor).map(|settings| settings.unknown_members);
        let viewer = management::manager(directory, actor);
        Self { directory, viewer, unknown: unknown.unwrap_or_default(), notices: Vec::new() }
    }

    /// The members of an admitted `members` list.
    fn listed(&mut self, members: Option<Value>) -> Result<Vec<Member>, Rejection> {
        let Some(Value::List(members)) = members else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(members.len());
        for member in &members {
            let id = member.as_complex().and_then(|member| member.get("value"));
            let Some(id) = id.and_then(Value::as_str) else {
                return Err(Invalid::value("each of `members` needs a `value`").into());
            };
            found.extend(self.resolve(id)?);
        }
        Ok(found)
    }

    /// The user or group that is there with this id, if whoever names it sees it.
    fn find(&self, id: &str) -> Option<Member> {
        let user = id.parse().ok().map(Member::User);
        let group = id.parse().ok().map(Member::Group);
        let mut either = user.into_iter().chain(group);
        either.find(|member| self.directory.shows_member(*member, self.viewer))
    }

    /// The user or group of this tenant with this id (R-7643-4.2-03); none if it is left out.
    fn resolve(&mut self, id: &str) -> Result<Option<Member>, Rejection> {
        match (self.find(id), self.unknown) {
            (Some(member), _) => Ok(Some(member)),
            (None, UnknownMembers::Report) => {
                self.notices.push(Notice::UnknownMember(id.to_owned()));
                Ok(None)
            }
            (None, UnknownMembers::Refuse) => {
                let detail = format!("the member `{id}` is no user or group of this tenant");
                Err(Invalid::value(detail).into())
            }
        }
    }
}

fn replace(
    lookup: &mut Lookup<'_>,
    actor: &Actor,
    group: &Group,
    mut with: Admitted,
) -> Result<Vec<Event>, Rejection> {
    let directory = lookup.directory;
    let members = lookup.listed(with.object.take("members"))?;
    let view = GroupView { group, directory, connector: actor.connector(), base: "" };
    scim::replace(&view.writable(), &mut with, directory.schemas.catalogue().group())?;
    let mut events = differ(directory, actor, group, Wanted::of(with.object)?)?;
    let mut edits = Edits::new(directory, actor, Some(group));
    edits.clear();
    members.into_iter().for_each(|member| edits.add(member));
    events.extend(edits.forgotten(directory, group.id));
    events.extend(edits.events(group.id));
    Ok(events)
}

fn patched(
    lookup: &mut Lookup<'_>,
    actor: &Actor,
    group: &Group,
    patch: &Patch,
    quirks: &mut Vec<Quirk>,
) -> Result<Vec<Event>, Rejection> {
    let directory = lookup.directory;
    let options = options(directory, actor);
    let mut progress = Progress::new(options);
    let view = GroupView { group, directory, connector: actor.connector(), base: "" };
    let mut object = view.writable();
    let mut edits = Edits::new(directory, actor, Some(group));
    let (mut looked_at, mut compared) = (0, 0_usize);
    for operation in &patch.operations {
        if !operation.path.attr.is("members") {
            progress.apply(operation, &mut object)?;
            continue;
        }
        match operation.members_edit(options)? {
            MembersEdit::Add(ids) => {
                for id in ids {
                    lookup.resolve(&id)?.into_iter().for_each(|member| edits.add(member));
                }
            }
            // Who is not there cannot be a member: removing them is done already.
            MembersEdit::Remove(ids) => {
                for member in ids.iter().filter_map(|id| lookup.find(id)) {
                    edits.remove(member);
                }
            }
            MembersEdit::RemoveWhere(filter) => {
                let current = edits.current();
                looked_at += current.len();
                compared += current.len().saturating_mul(filter.terms());
                if looked_at > MEMBERS_LOOKED_AT || compared > MEMBER_COMPARISONS {
                    return Err(Invalid::new(ScimType::TooMany, format!(
                        "the filters of this request look at more than {MEMBERS_LOOKED_AT} members, or compare \
                         them more than {MEMBER_COMPARISONS} times: name them, as in `members[value eq \"…\"]`, or send several requests"
                    ))
                    .into());
                }
                // Who would come back is named by a filter as by an id.
                let aside = directory.aside.of_group(group.id).map(|(user, _)| Member::User(user));
                for member in current.into_iter().chain(aside) {
                    let value = member_value(directory, actor.connector(), "", member);
                    if Node::of(&value).is_some_and(|value| filter.matches_element(value)) {
                        edits.remove(member);
                    }
                }
            }
            MembersEdit::Clear => edits.clear(),
            MembersEdit::Replace(ids) => {
                edits.clear();
                for id in ids {
                    lookup.resolve(&id)?.into_iter().for_each(|member| edits.add(member));
                }
            }
        }
    }
    validate(&object, directory.schemas.catalogue().group())?;
    *quirks = progress.quirks();
    let mut events = differ(directory, actor, group, Wanted::of(object)?)?;
    events.extend(edits.forgotten(directory, group.id));
    events.extend(edits.events(group.id));
    Ok(events)
}

/// The events that lead from `group` to `wanted`, but for its members.
pub(super) fn differ(
    directory: &Directory,
    actor: &Actor,
    group: &Group,
    wanted: Wanted,
) -> Result<Vec<Event>, Rejection> {
    let member = Member::Group(group.id);
    let left_out = ignored::leaving_out_group(directory, actor, &wanted.display_name);
    let way = Way::of(directory, actor, member, group.managed_by, left_out);
    let is_ignored = match way {
        Way::Stays => directory.ignored.whose(member).is_some(),
        Way::Leaves(_) => true,
        Way::Returns(_) => false,
    };
    let mut events = Vec::new();
    let is_renamed = *group.display_name != *wanted.display_name;
    if is_renamed || way != Way::Stays {
        let place = Place { connector: management::manager(directory, actor), is_ignored };
        free_name(directory, place, &wanted.display_name, Some(group.id))?;
    }
    if let Way::Leaves(_) = way {
        events.extend(ignored::move_group(directory, group, way, &BTreeSet::new()));
    }
    if is_renamed {
        let (from, to) = (group.display_name.to_string(), wanted.display_name);
        events.push(Event::GroupRenamed { group: group.id, from, to });
    }
    if !is_ignored {
        free_values(directory, member, &wanted.attributes)?;
    }
    let mut changes = difference(&group.attributes.unpack(), &wanted.attributes);
    let external_id = group.external_id(actor.connector());
    changes.extend(external_id_change(external_id, wanted.external_id));
    if !changes.is_empty() {
        events.push(Event::GroupAttributesChanged { group: group.id, changes });
    }
    if let Way::Returns(_) = way {
        events.extend(ignored::move_group(directory, group, way, &BTreeSet::new()));
    }
    Ok(events)
}

/// What a request does to the members, as a difference to those that are there.
struct Edits<'a> {
    directory: &'a Directory,
    connector: Option<ConnectorId>,
    group: Option<&'a Group>,
    source: Source,
    cleared: bool,
    /// What was given here becomes the connector's where it names it: it manages the group, and whoever did before released
    /// it.
    takes_over: bool,
    // The last word about each member that was named: true is in, false is out.
    named: BTreeMap<Member, bool>,
}

impl<'a> Edits<'a> {
    fn new(directory: &'a Directory, actor: &Actor, group: Option<&'a Group>) -> Self {
        let (connector, source) = (management::manager(directory, actor), actor.source());
        let manager = group.and_then(|group| group.managed_by).map(Source::Connector);
        let (cleared, takes_over) = (false, manager == Some(source));
        Self { directory, connector, group, source, cleared, takes_over, named: BTreeMap::new() }
    }

    /// Who is in the group, for who asks, once for each source that says so.
    fn memberships(&self) -> impl Iterator<Item = (Member, Source)> + use<'a> {
        let (directory, connector) = (self.directory, self.connector);
        self.group.into_iter().flat_map(move |group| {
            group.memberships().chain(directory.members_ignored(connector, group.id))
        })
    }

    /// The sources that say that `member` is in it.
    fn sources(&self, member: Member) -> impl Iterator<Item = Source> + use<'a> {
        let (directory, connector) = (self.directory, self.connector);
        let of = move |group| directory.sources_seen(connector, group, member);
        self.group.into_iter().flat_map(of)
    }

    fn add(&mut self, member: Member) {
        self.named.insert(member, true);
    }

    fn remove(&mut self, member: Member) {
        self.named.insert(member, false);
    }

    fn clear(&mut self) {
        self.cleared = true;
        self.named.clear();
    }

    /// Who would be in the group by now.
    fn current(&self) -> Vec<Member> {
        let there = self.memberships().filter(|_| !self.cleared).map(|(member, _)| member);
        let there = there.filter(|member| self.named.get(member) != Some(&false));
        let added = self.named.iter().filter(|(_, is_in)| **is_in).map(|(member, _)| *member);
        let mut all: Vec<Member> = there.chain(added).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The end of what is kept aside of inactive users: whom the request leaves out will not come back into the group.
    fn forgotten(&self, directory: &Directory, group: GroupId) -> Vec<Event> {
        let source = self.source;
        let forgotten = |user: &UserId| match self.named.get(&Member::User(*user)) {
            Some(is_in) => !is_in,
            None => self.cleared,
        };
        let aside = directory.aside.of_group(group).filter(|(_, from)| *from == source);
        let users = aside.map(|(user, _)| user).filter(forgotten);
        users
            .map(|user| Event::MembershipForgotten { group, member: Member::User(user), source })
            .collect()
    }

    /// The events. As with roles, a membership ends only through its own source, and one that is
    /// in effect through another source is not given again.
    fn events(self, group: GroupId) -> Vec<Event> {
        let source = self.source;
        let mut events = Vec::new();
        if self.cleared {
            for (member, from) in self.memberships() {
                if from == source && self.named.get(&member) != Some(&true) {
                    events.push(Event::GroupMemberRemoved { group, member, source });
                }
            }
        }
        for (member, is_in) in &self.named {
            let member = *member;
            let sources: Vec<Source> = self.sources(member).collect();
            let from = |source| sources.contains(&source);
            if *is_in && sources.is_empty() {
                events.push(Event::GroupMemberAdded { group, member, source });
            }
            if *is_in && self.takes_over && from(Source::Local) {
                if !from(source) {
                    events.push(Event::GroupMemberAdded { group, member, source });
                }
                let source = Source::Local;
                events.push(Event::GroupMemberRemoved { group, member, source });
            }
            if !is_in && !self.cleared && from(source) {
                events.push(Event::GroupMemberRemoved { group, member, source });
            }
        }
        events
    }
}

/// Memberships and rules end first and by name, so that nobody who asks for a member's history misses it.
fn delete(directory: &Directory, group: &Group) -> Vec<Event> {
    let mut events = Vec::new();
    let itself = Member::Group(group.id);
    let above = directory.memberships_of(itself);
    for (parent, source) in above.into_iter().filter(|(parent, _)| *parent != group.id) {
        events.push(Event::GroupMemberRemoved { group: parent, member: itself, source });
    }
    for (member, source) in directory.memberships_in(group) {
        events.push(Event::GroupMemberRemoved { group: group.id, member, source });
    }
    events.extend(rule::end_with(directory, group.id));
    events.push(Event::GroupDeleted { group: group.id });
    events
}
