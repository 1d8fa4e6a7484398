//! What is told of a thing, taken from a snapshot. Each struct is taken apart field by field, so that a field that is added
//! to the directory does not compile until it is told here.

use std::collections::{BTreeMap, BTreeSet};

use domain::directory::{
    Assignment, Connector, Credential, Directory, ExternalId, Group, Lock, Role, Stamp, Standing,
    Tenant, User, Written,
};
use domain::event::{EventKind, Holder as KeyHolder, Member, RoleWording, Subject};
use domain::id::{GroupId, RoleId, UserId};
use domain::origin::Source;
use domain::position::Position;
use domain::snapshot::Snapshot;
use scim::Packed;
use serde_json::{Map, Value};

use super::{
    CalledBy, Cause, ConnectorSummary, Dates, HeldRole, Holder, InGroup, Key, Locked, Page,
    ShowError, ShownConnector, ShownCredential, ShownGroup, ShownMember, ShownRole, ShownTenant,
    ShownUser, Through, WrittenBy,
};
use crate::ask::AskError;
use crate::brief::{Brief, Log};
use crate::entry::Named;

pub(super) fn user(log: &Log<'_>, then: &Snapshot, user: &User) -> Result<ShownUser, ShowError> {
    let directory = &then.directory;
    let User {
        id,
        user_name,
        active,
        active_unassigned,
        lock,
        managed_by,
        released: _,
        external_ids,
        roles,
        written,
        attributes,
        created,
        modified,
    } = user;
    let own = |holder: KeyHolder| holder == KeyHolder::User(*id);
    Ok(ShownUser {
        id: *id,
        user_name: user_name.to_string(),
        active: user.may_act(),
        active_unassigned: *active_unassigned,
        locked: lock.as_deref().map(|lock| locked(lock, *active)),
        erased: erased(log, *id)?,
        managed_by: managed_by.map(|id| Named::connector(id, directory)),
        external_ids: called(directory, external_ids),
        written: as_written(directory, written)?,
        roles: held(directory, roles),
        implicit_roles: directory
            .implicit_role(user)
            .map(|role| role.name.clone())
            .into_iter()
            .collect(),
        no_privileges: directory.lacks_privileges(user),
        groups: groups(directory, Member::User(*id)),
        attributes: object(attributes)?,
        keys: keys(directory, own),
        problems: Vec::new(),
        dates: dates(*created, *modified),
    })
}

fn locked(lock: &Lock, active: bool) -> Locked {
    let Lock { since, reason } = lock;
    Locked {
        since: since.at,
        position: since.position,
        reason: reason.as_deref().map(str::to_owned),
        active,
    }
}

/// When a person was erased, at whatever moment.
pub(crate) fn erased(log: &Log<'_>, user: UserId) -> Result<Option<Brief>, AskError> {
    let mut past = log.now.trail.about(Subject::User(user), Position::FIRST, Position::MAX);
    let found = past.find(|(_, kinds)| kinds.has(EventKind::UserErased));
    found.map(|(position, _)| log.brief(position)).transpose()
}

pub(super) fn group(then: &Snapshot, group: &Group, page: &Page) -> Result<ShownGroup, ShowError> {
    let directory = &then.directory;
    let memberships: Box<dyn Iterator<Item = (Member, Source)>> = match &page.after {
        None => Box::new(group.memberships()),
        Some(text) => {
            let last = last_member(group, text).ok_or_else(|| ShowError::After(text.clone()))?;
            Box::new(group.memberships_after(last))
        }
    };
    let mut members: Vec<ShownMember> = Vec::new();
    let (mut last, mut more) = (None, false);
    for (member, source) in memberships {
        let through = Named::source(source, directory);
        if last.replace(member) != Some(member) {
            more = members.len() >= page.count;
            if more {
                break;
            }
            let member = member_name(directory, member);
            members.push(ShownMember { member, through: vec![through] });
        } else if let Some(there) = members.last_mut() {
            there.through.push(through);
        }
    }
    let next = members.last().filter(|_| more).and_then(|last| last.member.id.clone());
    Ok(ShownGroup {
        id: group.id,
        display_name: group.display_name.to_string(),
        managed_by: group.managed_by.map(|id| Named::connector(id, directory)),
        external_ids: called(directory, &group.external_ids),
        groups: groups(directory, Member::Group(group.id)),
        attributes: object(&group.attributes)?,
        rules: directory.rules.of(group.id).map(|rule| Named::rule(rule.id, directory)).collect(),
        member_count: group.members().count(),
        members,
        next,
        problems: Vec::new(),
        dates: dates(group.created, group.modified),
    })
}

/// The member with this id: a user or a group.
fn last_member(group: &Group, id: &str) -> Option<Member> {
    let user = id.parse().ok().map(Member::User).filter(|member| group.has(*member));
    user.or_else(|| id.parse().ok().map(Member::Group).filter(|member| group.has(*member)))
}

pub(super) fn role(then: &Snapshot, role: &Role, page: &Page) -> Result<ShownRole, ShowError> {
    let directory = &then.directory;
    let Role { id, name, description, retired, created, modified } = role;
    let skip = match &page.after {
        None => 0,
        Some(text) => {
            let user = text.parse().ok().and_then(|id| directory.users.get(id));
            let place = user.and_then(|user| directory.users.place(user));
            place.ok_or_else(|| ShowError::After(text.clone()))? + 1
        }
    };
    let mut holders = Vec::new();
    let mut more = false;
    for user in directory.users.from(skip).filter(|user| user.has_role(*id)) {
        more = holders.len() >= page.count;
        if more {
            break;
        }
        holders.push(Holder {
            id: user.id,
            user_name: user.user_name.to_string(),
            active: user.may_act(),
            through: through(directory, &user.roles, *id),
        });
    }
    let next = holders.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(ShownRole {
        id: *id,
        name: name.clone(),
        description: description.clone(),
        retired: *retired,
        rules: directory
            .rules
            .iter()
            .filter(|rule| rule.role == *id)
            .map(|rule| Named::rule(rule.id, directory))
            .collect(),
        holder_count: directory.users.holders(*id),
        holders,
        next,
        dates: dates(*created, *modified),
    })
}

pub(super) fn connector(then: &Snapshot, connector: &Connector) -> ShownConnector {
    let Connector { id, name, settings, mapped: _, created, removed: _ } = connector;
    let own = |holder: KeyHolder| holder == KeyHolder::Connector(*id);
    ShownConnector {
        id: *id,
        name: name.clone(),
        settings: settings.clone(),
        created: created.at,
        created_position: created.position,
        keys: keys(&then.directory, own),
    }
}

pub(super) fn credential(then: &Snapshot, credential: &Credential) -> ShownCredential {
    ShownCredential {
        holder: holder_name(&then.directory, credential.holder),
        key: key(credential),
    }
}

pub(super) fn tenant(log: &Log<'_>, then: &Snapshot) -> Result<ShownTenant, ShowError> {
    let directory = &then.directory;
    let Some(Tenant { id, slug, opened }) = &directory.tenant else {
        let reason = "the instance's own log is no tenant: `rollbook tenant list` lists them";
        return Err(ShowError::Absent(reason.to_owned()));
    };
    let summary = |connector: &Connector| ConnectorSummary {
        id: connector.id,
        name: connector.name.clone(),
        settings: connector.settings.clone(),
    };
    let holders: BTreeMap<String, usize> = directory
        .roles
        .iter()
        .map(|role| (role.name.clone(), directory.users.holders(role.id)))
        .collect();
    let Standing { state, title, alert_addresses, alerts } = &directory.standing;
    let since = state.cause().map(|(stamp, reason)| -> Result<Cause, AskError> {
        Ok(Cause { brief: log.brief(stamp.position)?, reason: reason.to_owned() })
    });
    Ok(ShownTenant {
        id: *id,
        slug: slug.clone(),
        title: title.clone(),
        state: state.name().to_owned(),
        since: since.transpose()?,
        alert_addresses: alert_addresses.clone(),
        alerts: *alerts,
        opened: opened.at,
        users: directory.users.len(),
        groups: directory.groups.len(),
        roles: directory.roles.len(),
        rules: directory.rules.len(),
        policies: directory.policies.iter().count(),
        credentials: directory.credentials.iter().count(),
        holders,
        connectors: directory.connectors.iter().map(summary).collect(),
        schemas: directory.schemas.custom().map(|schema| schema.urn.clone()).collect(),
    })
}

/// A member by the name that it has in this directory; none: it is not there, or was erased.
pub(crate) fn member_name(directory: &Directory, member: Member) -> Named {
    match member {
        Member::User(id) => {
            Named::new("user", id, directory.users.get(id).map(|user| user.user_name.to_string()))
        }
        Member::Group(id) => {
            let name = directory.groups.get(id).map(|group| group.display_name.to_string());
            Named::new("group", id, name)
        }
    }
}

/// Whoever may show a key, by name.
pub(crate) fn holder_name(directory: &Directory, holder: KeyHolder) -> Named {
    match holder {
        KeyHolder::Connector(id) => Named::connector(id, directory),
        KeyHolder::User(id) => member_name(directory, Member::User(id)),
        KeyHolder::Operator(id) => {
            let name = directory.operators.get(id).map(|operator| operator.name.clone());
            Named::new("operator", id, name)
        }
    }
}

fn called(directory: &Directory, ids: &[ExternalId]) -> Vec<CalledBy> {
    let one = |ExternalId { connector, value }: &ExternalId| CalledBy {
        connector: connector.map(|id| Named::connector(id, directory)),
        value: value.to_string(),
    };
    ids.iter().map(one).collect()
}

fn as_written(directory: &Directory, all: &[Written]) -> Result<Vec<WrittenBy>, AskError> {
    let one = |written: &Written| {
        let connector = Named::connector(written.connector, directory);
        let values = object(&written.values)?.into_iter();
        let values = values.map(|(path, value)| {
            let is_nothing = value.is_boolean();
            (path, if is_nothing { Value::Null } else { value })
        });
        Ok(WrittenBy { connector, values: values.collect() })
    };
    all.iter().map(one).collect()
}

/// The roles in effect, by name.
fn held(directory: &Directory, assignments: &[Assignment]) -> Vec<HeldRole> {
    let ids: BTreeSet<RoleId> = assignments.iter().map(|assignment| assignment.role).collect();
    let one = |id: RoleId| HeldRole {
        id,
        name: role_name(directory, id),
        through: through(directory, assignments, id),
    };
    let mut roles: Vec<HeldRole> = ids.into_iter().map(one).collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    roles
}

pub(crate) fn role_name(directory: &Directory, id: RoleId) -> String {
    directory.roles.get(id).map_or_else(|| id.to_string(), |role| role.name.clone())
}

/// Every source that gives a role, in an order of their own.
pub(crate) fn through(directory: &Directory, all: &[Assignment], id: RoleId) -> Vec<Through> {
    let mut those: Vec<&Assignment> = all.iter().filter(|one| one.role == id).collect();
    those.sort_by_key(|assignment| assignment.source);
    let one = |Assignment { role: _, source, wording }: &Assignment| Through {
        source: Named::source(*source, directory),
        wording: (*wording != RoleWording::default()).then(|| wording.clone()),
    };
    those.into_iter().map(one).collect()
}

/// The groups that have a member: direct ones first, then those that have one of these as a member.
fn groups(directory: &Directory, member: Member) -> Vec<InGroup> {
    let groups = &directory.groups;
    let mut found: Vec<(&Group, Option<&Group>)> =
        groups.of(member).map(|group| (group, None)).collect();
    let mut seen: BTreeSet<GroupId> = found.iter().map(|(group, _)| group.id).collect();
    // Groups may hold each other in a circle: each is looked at once.
    let mut next = 0;
    while let Some((inner, _)) = found.get(next).copied() {
        for outer in groups.of(Member::Group(inner.id)) {
            if seen.insert(outer.id) {
                found.push((outer, Some(inner)));
            }
        }
        next += 1;
    }
    let one = |(group, via): (&Group, Option<&Group>)| InGroup {
        id: group.id,
        name: group.display_name.to_string(),
        through: match via {
            None => group.sources(member).map(|s| Named::source(s, directory)).collect(),
            Some(_) => Vec::new(),
        },
        via: via.map(|via| Named::new("group", via.id, Some(via.display_name.to_string()))),
    };
    found.into_iter().map(one).collect()
}

fn keys(directory: &Directory, own: impl Fn(KeyHolder) -> bool) -> Vec<Key> {
    directory.credentials.iter().filter(|one| own(one.holder)).map(key).collect()
}

pub(crate) fn key(credential: &Credential) -> Key {
    // The hash stays inside: a key that someone chose may be guessed from it.
    let Credential {
        id,
        holder: _,
        hash: _,
        hint,
        issued,
        expires,
        revoked,
        proof: _,
        scopes,
        replaces,
    } = credential;
    Key {
        id: *id,
        hint: hint.clone(),
        issued: *issued,
        expires: *expires,
        revoked: *revoked,
        last_used: None,
        kind: credential.kind(),
        scopes: scopes.clone(),
        replaces: *replaces,
    }
}

/// Attributes as JSON.
pub(crate) fn object(attributes: &Packed) -> Result<Map<String, Value>, AskError> {
    match crate::sorted_json(attributes)? {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Ok(Map::new())
        }
    }
}

fn dates(created: Stamp, modified: Stamp) -> Dates {
    Dates {
        created: created.at,
        created_position: created.position,
        changed: modified.at,
        version: modified.position,
    }
}
