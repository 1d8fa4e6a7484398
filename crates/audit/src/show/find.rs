//! Whom a name meant at a moment, and what became of whom it no longer means.

use domain::directory::{Connector, Credential, Group, Role, User};
use domain::event::{Event, EventKind, Subject};
use domain::id::UserId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use scim::UserNameKey;

use super::ShowError;
use crate::ask::AskError;
use crate::brief::{Brief, Log, Moment};
use crate::then::given;

pub(super) struct Found<'a> {
    pub(super) log: &'a Log<'a>,
    pub(super) then: &'a Snapshot,
    pub(super) head: Moment,
}

impl<'a> Found<'a> {
    /// Whoever had this name or id.
    pub(super) fn user(&self, who: &str) -> Result<&'a User, ShowError> {
        let users = &self.then.directory.users;
        if let Ok(id) = who.parse::<UserId>() {
            return match users.get(id) {
                Some(user) => Ok(user),
                None => Err(self.gone(Subject::User(id), &format!("user {id}"))?),
            };
        }
        let Ok(key) = UserNameKey::of(who) else { return Err(self.never("user", who)) };
        if let Some(user) = users.named(&key) {
            return Ok(user);
        }
        // Whoever gave the name up last.
        let mut given_up = Vec::new();
        for id in users.ever_named(&key) {
            given_up.push((self.last_named(id, &key)?, id));
        }
        if let Some((_, id)) = given_up.into_iter().max() {
            let what = format!("user `{who}` ({id})");
            return Err(match users.get(id) {
                None => self.gone(Subject::User(id), &what)?,
                Some(user) => self.absent(format!(
                    "nobody was called `{who}`: {what} is `{}` by then",
                    user.user_name
                )),
            });
        }
        // Whoever is called so first, later.
        let mut later = Vec::new();
        for id in self.log.now.directory.users.ever_named(&key) {
            if let Some(position) = self.first_named_later(id, &key)? {
                later.push((position, id));
            }
        }
        Err(match later.into_iter().min() {
            Some((position, id)) => {
                let brief = self.log.brief(position)?;
                self.absent(format!("nobody was called `{who}` yet: user {id} is {brief}, first"))
            }
            None => self.never("user", who),
        })
    }

    /// The one group that had this name, or the id.
    pub(super) fn group(&self, who: &str) -> Result<&'a Group, ShowError> {
        let groups = &self.then.directory.groups;
        if let Ok(id) = who.parse() {
            return match groups.get(id) {
                Some(group) => Ok(group),
                None => Err(self.gone(Subject::Group(id), &format!("group {id}"))?),
            };
        }
        let named: Vec<&Group> = groups.named(who).collect();
        match named.as_slice() {
            [only] => Ok(only),
            [] => {
                let mut later = self.log.now.directory.groups.named(who);
                Err(match later.next() {
                    Some(group) if groups.get(group.id).is_none() => self
                        .gone(Subject::Group(group.id), &format!("group `{who}` ({})", group.id))?,
                    Some(group) => self.absent(format!(
                        "no group was called `{who}`: the one that is now, {}, had another name",
                        group.id
                    )),
                    None => self.never("group", who),
                })
            }
            several => {
                let ids: Vec<String> = several.iter().map(|group| group.id.to_string()).collect();
                Err(self.absent(format!(
                    "{} groups were called `{who}`: say which by its id: {}",
                    ids.len(),
                    ids.join(", ")
                )))
            }
        }
    }

    /// The role with this name or id.
    pub(super) fn role(&self, who: &str) -> Result<&'a Role, ShowError> {
        let roles = &self.then.directory.roles;
        let by_id = || who.parse().ok().and_then(|id| roles.get(id));
        if let Some(role) = roles.named(who).or_else(by_id) {
            return Ok(role);
        }
        let now = &self.log.now.directory.roles;
        match now.named(who).or_else(|| who.parse().ok().and_then(|id| now.get(id))) {
            Some(role) => Err(self.gone(Subject::Role(role.id), &format!("role `{who}`"))?),
            None => Err(self.never("role", who)),
        }
    }

    /// The connector with this name or id.
    pub(super) fn connector(&self, who: &str) -> Result<&'a Connector, ShowError> {
        let connectors = &self.then.directory.connectors;
        let by_id = || who.parse().ok().and_then(|id| connectors.get(id));
        if let Some(connector) = connectors.named(who).or_else(by_id) {
            return Ok(connector);
        }
        let now = &self.log.now.directory.connectors;
        match now.named(who).or_else(|| who.parse().ok().and_then(|id| now.get(id))) {
            Some(found) => {
                Err(self.gone(Subject::Connector(found.id), &format!("connector `{who}`"))?)
            }
            None => Err(self.never("connector", who)),
        }
    }

    /// The credential with this id, or the only one whose secret begins so.
    pub(super) fn credential(&self, who: &str) -> Result<&'a Credential, ShowError> {
        let credentials = &self.then.directory.credentials;
        if let Ok(id) = who.parse() {
            return match credentials.get(id) {
                Some(credential) => Ok(credential),
                None => Err(self.gone(Subject::Credential(id), &format!("credential {id}"))?),
            };
        }
        let hinted: Vec<&Credential> = credentials.iter().filter(|one| one.hint == who).collect();
        match hinted.as_slice() {
            [only] => Ok(only),
            [] => Err(self.never("credential", who)),
            several => {
                let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
                Err(self.absent(format!(
                    "{} credentials began with `{who}`: say which by its id: {}",
                    ids.len(),
                    ids.join(", ")
                )))
            }
        }
    }

    /// What became of a thing that was not there: it was yet to come, or deleted, or never was.
    fn gone(&self, subject: Subject, what: &str) -> Result<ShowError, AskError> {
        let trail = &self.log.now.trail;
        let here = self.head.position;
        let Some((last, _)) = self.then.trail.about(subject, Position::FIRST, here).next_back()
        else {
            let mut later = trail.about(subject, here, Position::MAX);
            return Ok(match later.next() {
                Some((first, _)) => {
                    let born = self.log.brief(first)?;
                    self.absent(format!("{what} came to be {born}, later than that"))
                }
                None => self.absent(format!("there is no {what} and never was")),
            });
        };
        let deletes = [EventKind::UserDeleted, EventKind::GroupDeleted].into_iter().collect();
        let mut past = self.then.trail.about(subject, Position::FIRST, here);
        let deleted = past.rfind(|(_, kinds)| kinds.meets(deletes)).map_or(last, |(at, _)| at);
        let deleted: Brief = self.log.brief(deleted)?;
        let erased = match subject {
            Subject::User(user) => super::made::erased(self.log, user)?,
            Subject::Tenant(_)
            | Subject::Group(_)
            | Subject::Role(_)
            | Subject::Policy(_)
            | Subject::Connector(_)
            | Subject::Credential(_)
            | Subject::Operator(_) => None,
        };
        Ok(self.absent(match erased {
            Some(erased) => format!("{what} was deleted {deleted}, and erased {erased}"),
            None => format!("{what} was deleted {deleted}"),
        }))
    }

    /// The last position up to the moment at which a user was called so.
    fn last_named(&self, id: UserId, key: &UserNameKey) -> Result<Option<Position>, AskError> {
        let subject = Subject::User(id);
        let past = self.then.trail.about(subject, Position::FIRST, self.head.position);
        let ends = [EventKind::UserRenamed, EventKind::UserDeleted].into_iter().collect();
        let mut last = None;
        for (position, _) in past.filter(|(_, kinds)| kinds.meets(ends)) {
            for event in self.log.commit(position)?.commit.events {
                let given_up = if let Event::UserRenamed { user, personal } = &event
                    && *user == id
                    && let Some(renamed) = personal.known()
                {
                    UserNameKey::of(&renamed.from).is_ok_and(|from| from == *key)
                } else {
                    matches!(&event, Event::UserDeleted { user } if *user == id)
                };
                if given_up {
                    last = Some(position);
                }
            }
        }
        Ok(last)
    }

    /// The first position after the moment at which a user gets this name.
    fn first_named_later(
        &self,
        id: UserId,
        key: &UserNameKey,
    ) -> Result<Option<Position>, AskError> {
        let subject = Subject::User(id);
        let naming = [EventKind::UserCreated, EventKind::UserRenamed].into_iter().collect();
        let later = self.log.now.trail.about(subject, self.head.position.next(), Position::MAX);
        for (position, _) in later.filter(|(_, kinds)| kinds.meets(naming)) {
            for event in self.log.commit(position)?.commit.events {
                let name = given(&event, subject);
                if name.and_then(|name| UserNameKey::of(&name).ok()).is_some_and(|n| n == *key) {
                    return Ok(Some(position));
                }
            }
        }
        Ok(None)
    }

    fn never(&self, kind: &str, who: &str) -> ShowError {
        let remedy = match kind {
            "user" => {
                "give a userName of that moment in any case, or an id; who was erased is found by id only"
            }
            "group" => {
                "give a displayName of that moment in any case, or an id; who is gone is found by id only"
            }
            "credential" => {
                "give its id, or its first characters as `rollbook credential list` shows them"
            }
            _ => "give its name, letter by letter, or its id",
        };
        self.absent(format!("there was no {kind} `{who}`: {remedy}"))
    }

    fn absent(&self, reason: String) -> ShowError {
        let Moment { position, at, .. } = self.head;
        ShowError::Absent(format!("at position {position} ({at}) {reason}"))
    }
}
