//! Whom a name meant at a moment, and what became of whom it no longer means.

use domain::directory::{Connector, Credential, Directory, Group, Role, User};
use domain::event::{Event, EventKind, Member, Subject};
use domain::id::{GroupId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use scim::UserNameKey;

use super::ShowError;
use crate::ask::AskError;
use crate::brief::{Brief, Log, Moment};

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
                None => Err(self.gone(Subject::User(id), "user", who, &format!("user {id}"))?),
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
        for id in self.then.directory.ignored.ever_named(&key) {
            given_up.push((self.last_named(id, &key)?, id));
        }
        if let Some((_, id)) = given_up.into_iter().max() {
            let what = format!("user `{who}` ({id})");
            return Err(match users.get(id) {
                None => self.gone(Subject::User(id), "user", who, &what)?,
                Some(user) => self.absent(format!(
                    "nobody was called `{who}`: {what} is `{}` by then",
                    user.user_name
                )),
            });
        }
        Err(self.never("user", who))
    }

    /// The one group that had this name, or the id.
    pub(super) fn group(&self, who: &str) -> Result<&'a Group, ShowError> {
        let groups = &self.then.directory.groups;
        if let Ok(id) = who.parse() {
            return match groups.get(id) {
                Some(group) => Ok(group),
                None => Err(self.gone(Subject::Group(id), "group", who, &format!("group {id}"))?),
            };
        }
        match groups.named(who).next() {
            Some(group) => Ok(group),
            None if Directory::is_built_in(who) => Err(self.absent(format!(
                "the group `{who}` is built in and kept nowhere: everybody who may act is in it, and nobody manages it"
            ))),
            None => Err(self.former_group(who)?),
        }
    }

    /// What became of the group that had this name last, and has it no more.
    fn former_group(&self, who: &str) -> Result<ShowError, AskError> {
        let here = self.head.position;
        let last = |id: &GroupId| self.then.trail.last(Subject::Group(*id), Kinds::ALL, here);
        let former = self.then.trail.groups_named(who).into_iter().max_by_key(last);
        let Some(id) = former else { return Ok(self.never("group", who)) };
        let what = format!("group `{who}` ({id})");
        match self.then.directory.groups.get(id) {
            None => self.gone(Subject::Group(id), "group", who, &what),
            Some(group) => Ok(self.absent(format!(
                "no group was called `{who}`: {what} is `{}` by then",
                group.display_name
            ))),
        }
    }

    /// The role with this name or id.
    pub(super) fn role(&self, who: &str) -> Result<&'a Role, ShowError> {
        let roles = &self.then.directory.roles;
        let by_id = || who.parse().ok().and_then(|id| roles.get(id));
        roles.named(who).or_else(by_id).ok_or_else(|| self.never("role", who))
    }

    /// The connector with this name or id.
    pub(super) fn connector(&self, who: &str) -> Result<&'a Connector, ShowError> {
        let connectors = &self.then.directory.connectors;
        let by_id = || who.parse().ok().and_then(|id| connectors.present(id));
        connectors.named(who).or_else(by_id).ok_or_else(|| match connectors.once_named(who) {
            Some(Connector { removed: Some(removed), .. }) => self.absent(format!(
                "connector `{who}` was removed at position {}, {}",
                removed.position, removed.at
            )),
            Some(_) | None => self.never("connector", who),
        })
    }

    /// The credential with this id, or the only one whose secret begins so.
    pub(super) fn credential(&self, who: &str) -> Result<&'a Credential, ShowError> {
        let credentials = &self.then.directory.credentials;
        if let Some(found) = who.parse().ok().and_then(|id| credentials.get(id)) {
            return Ok(found);
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

    /// What became of a user or group that was not there: deleted, or not heard of yet. What came later is not told, but for
    /// an erasure: a read of the past answers what it answered then.
    fn gone(
        &self,
        subject: Subject,
        kind: &str,
        who: &str,
        what: &str,
    ) -> Result<ShowError, AskError> {
        let here = self.head.position;
        let trail = &self.then.trail;
        if let Some(ignored) = self.ignored(subject, what)? {
            return Ok(ignored);
        }
        let Some(last) = trail.last(subject, Kinds::ALL, here) else {
            return Ok(self.never(kind, who));
        };
        let deletes = [EventKind::UserDeleted, EventKind::GroupDeleted].into_iter().collect();
        let deleted = trail.last(subject, deletes, here).unwrap_or(last);
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

    /// Who was ignored then was not there for an operator either, but why is told.
    fn ignored(&self, subject: Subject, what: &str) -> Result<Option<ShowError>, AskError> {
        let directory = &self.then.directory;
        let member = if let Subject::User(user) = subject {
            Member::User(user)
        } else if let Subject::Group(group) = subject {
            Member::Group(group)
        } else {
            return Ok(None);
        };
        let Some(connector) = directory.ignored.whose(member) else { return Ok(None) };
        let ignored = [EventKind::UserIgnored, EventKind::GroupIgnored].into_iter().collect();
        let since = self.then.trail.last(subject, ignored, self.head.position);
        let since = match since {
            Some(position) => format!(" since {}", self.log.brief(position)?),
            None => String::new(),
        };
        let name = directory.connectors.get(connector).map(|there| there.name.as_str());
        let name = name.unwrap_or_default();
        Ok(Some(self.absent(format!(
            "{what} is ignored{since}: the lists of connector `{name}`, which brought it, leave it out"
        ))))
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

    fn never(&self, kind: &str, who: &str) -> ShowError {
        let remedy = match kind {
            "user" => {
                "give a userName of that moment in any case, or an id; who was erased is found by id alone"
            }
            "group" => "give a displayName in any case, or an id",
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
