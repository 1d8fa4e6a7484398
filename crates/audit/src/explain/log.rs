//! A tenant's log up to a moment, read where the trail says.

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::directory::Directory;
use domain::event::Member;
use domain::event::{Event, EventKind, Subject};
use domain::id::{GroupId, RoleId, RuleId, TenantId, UserId};
use domain::origin::Source;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use engine::{Engine, Recorded};
use eventlog::Broken;

use crate::ask::AskError;
use crate::entry::{Entry, Named, Told};
use crate::then::Then;

/// A tenant's log up to a moment.
pub(crate) struct Log<'a> {
    engine: &'a Engine,
    tenant: TenantId,
    pub(crate) moment: &'a Snapshot,
    system: Option<&'a Directory>,
    then: Then<'a>,
}

/// What one source gave, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    /// Since when it gives, if it does.
    pub(crate) open: Option<Position>,
    /// When it gave last, from and until.
    pub(crate) last: Option<(Position, Position)>,
}

pub(crate) type Spans = BTreeMap<Source, Span>;

impl<'a> Log<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        tenant: TenantId,
        moment: &'a Snapshot,
        system: Option<&'a Directory>,
    ) -> Self {
        let then = Then::new(engine, tenant, moment);
        Self { engine, tenant, moment, system, then }
    }

    pub(crate) fn directory(&self) -> &'a Directory {
        &self.moment.directory
    }

    /// The moment's position.
    pub(crate) fn end(&self) -> Position {
        self.moment.head.position.unwrap_or(Position::FIRST)
    }

    /// The last position up to the moment at which something happened to `subject`.
    pub(crate) fn touched(&self, subject: Subject) -> Option<Position> {
        self.moment.trail.last(subject, Kinds::ALL, self.end())
    }

    /// What a user or group was called at the moment, or last.
    pub(crate) fn name(&mut self, subject: Subject) -> Result<Option<String>, AskError> {
        let end = self.end();
        self.then.name(subject, end)
    }

    pub(crate) fn user(&mut self, id: UserId) -> Result<Named, AskError> {
        Ok(Named::new("user", id, self.name(Subject::User(id))?))
    }

    pub(crate) fn group(&mut self, id: GroupId) -> Result<Named, AskError> {
        Ok(Named::new("group", id, self.name(Subject::Group(id))?))
    }

    pub(crate) fn through(&mut self, source: Source) -> Result<Named, AskError> {
        let end = self.end();
        let then = &mut self.then;
        Named::through(source, &self.moment.directory, |subject| then.name(subject, end))
    }

    fn commit(&mut self, position: Position) -> Result<Rc<Recorded>, AskError> {
        let gone =
            || Broken::Bytes { reason: format!("there is no commit at position {position}") };
        Ok(self.then.commit(position)?.ok_or_else(gone)?)
    }

    /// The commit at `position`, with those of its events that count.
    pub(crate) fn entry(
        &mut self,
        position: Position,
        counts: impl Fn(&Event) -> bool,
    ) -> Result<Entry, AskError> {
        let recorded = self.commit(position)?;
        let Recorded { commit, hash } = &*recorded;
        let mut events = Vec::new();
        for (index, event) in commit.events.iter().enumerate().filter(|(_, event)| counts(event)) {
            events.push(Told::of(event, (commit, index), &mut self.then)?);
        }
        Ok(Entry::of(commit, *hash, events, &self.moment.directory, self.system))
    }

    /// The last commit with an event of this kind about `subject`, with that event alone.
    pub(crate) fn last(
        &mut self,
        subject: Subject,
        kind: EventKind,
    ) -> Result<Option<Entry>, AskError> {
        let found = self.moment.trail.last(subject, Kinds::default().with(kind), self.end());
        let counts = |event: &Event| event.kind() == kind && event.is_about(subject);
        found.map(|position| self.entry(position, counts)).transpose()
    }

    /// What each source gave from the commits that are about both subjects: of `read`, `true` is the beginning and
    /// `false` the end. The first subject is the one with the shorter history: its trail is walked.
    fn spans(
        &mut self,
        (of, in_view_of): (Subject, Subject),
        kinds: Kinds,
        read: impl Fn(&Event) -> Option<(Source, bool)>,
    ) -> Result<Spans, AskError> {
        let (trail, end) = (&self.moment.trail, self.end());
        let mut spans = Spans::new();
        for (position, here) in trail.about(of, Position::FIRST, end) {
            let mut other = trail.about(in_view_of, position, position);
            if !here.meets(kinds) || !other.any(|(_, there)| there.meets(kinds)) {
                continue;
            }
            for event in &self.commit(position)?.commit.events {
                let Some((source, begins)) = read(event) else { continue };
                let span = spans.entry(source).or_default();
                if begins {
                    // The same again, as in other words, goes on.
                    span.open.get_or_insert(position);
                } else if let Some(from) = span.open.take() {
                    span.last = Some((from, position));
                }
            }
        }
        Ok(spans)
    }

    /// What each source gave `user` of `role`.
    pub(crate) fn roles(&mut self, user: UserId, role: RoleId) -> Result<Spans, AskError> {
        let kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
        self.spans((Subject::User(user), Subject::Role(role)), kinds, |event| {
            assignment(event, user, role)
        })
    }

    /// When each source held `member` in `group`.
    pub(crate) fn memberships(
        &mut self,
        member: Member,
        group: GroupId,
    ) -> Result<Spans, AskError> {
        let kinds = [EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved];
        let kinds = kinds.into_iter().collect();
        self.spans((member.into(), Subject::Group(group)), kinds, |event| {
            membership(event, member, group)
        })
    }

    /// The commit at which a role came or went through a source; if a rule is the source, with what made it so.
    pub(crate) fn role_entry(
        &mut self,
        position: Position,
        user: UserId,
        role: RoleId,
        source: Source,
    ) -> Result<Entry, AskError> {
        self.entry(position, |event| {
            assignment(event, user, role).is_some_and(|(through, _)| through == source)
                || source.rule().is_some_and(|rule| moves(event, user, rule))
        })
    }

    /// The commit at which a membership came or went through a source.
    pub(crate) fn member_entry(
        &mut self,
        position: Position,
        member: Member,
        group: GroupId,
        source: Source,
    ) -> Result<Entry, AskError> {
        self.entry(position, |event| {
            membership(event, member, group).is_some_and(|(through, _)| through == source)
        })
    }

    /// When the commit after the moment was made; none: the moment is now.
    pub(crate) fn next_at(&self) -> Result<Option<domain::time::Timestamp>, AskError> {
        let next = self.engine.commit(self.tenant, self.end().next())?;
        Ok(next.map(|recorded| recorded.commit.at))
    }
}

/// The source and whether the role comes, if the event is about this user's role.
fn assignment(event: &Event, user: UserId, role: RoleId) -> Option<(Source, bool)> {
    if let Event::RoleAssigned { user: whose, role: which, source, .. } = event {
        return (*whose == user && *which == role).then_some((*source, true));
    }
    if let Event::RoleRevoked { user: whose, role: which, source } = event {
        return (*whose == user && *which == role).then_some((*source, false));
    }
    None
}

/// The source and whether the membership comes, if the event is about it.
fn membership(event: &Event, member: Member, group: GroupId) -> Option<(Source, bool)> {
    if let Event::GroupMemberAdded { group: which, member: who, source } = event {
        return (*who == member && *which == group).then_some((*source, true));
    }
    if let Event::GroupMemberRemoved { group: which, member: who, source } = event {
        return (*who == member && *which == group).then_some((*source, false));
    }
    None
}

/// Whether an event can make a rule concern a user, or concern them no more.
fn moves(event: &Event, user: UserId, rule: RuleId) -> bool {
    if let Event::RuleAdded { rule: which, .. } | Event::RuleRemoved { rule: which, .. } = event {
        return *which == rule;
    }
    if let Event::GroupMemberAdded { member, .. } | Event::GroupMemberRemoved { member, .. } = event
    {
        return *member == Member::User(user) || matches!(member, Member::Group(_));
    }
    matches!(event, Event::GroupDeleted { .. })
        || matches!(event, Event::UserDeleted { user: whose } if *whose == user)
}
