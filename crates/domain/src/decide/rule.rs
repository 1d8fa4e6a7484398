//! Rules: who is in a group has a role.
//!
//! Whatever changes who is in a rule's group, in whichever way, causes the assignments and revocations that follow from it
//! in the same commit ([`follow`]). It looks at the memberships that the commit changes and at the users whom they concern,
//! never at a group as a whole; where no rule is about the group or about one that holds it, at nothing.

use std::collections::{BTreeMap, BTreeSet};

use scim::Invalid;

use crate::command::{Decision, Notice};
use crate::directory::{Directory, Groups};
use crate::event::{Event, Member, RoleWording};
use crate::id::{GroupId, RoleId, RuleId, UserId};
use crate::limits::{COMMIT_EVENTS, RULES};
use crate::origin::Source;
use crate::personal::Personal;
use crate::rejection::Rejection;

/// The same rule again is nothing to do: whoever sets up a tenant may do it twice.
pub(super) fn add(
    directory: &Directory,
    rule: RuleId,
    group: GroupId,
    role: &str,
) -> Result<Decision, Rejection> {
    if directory.groups.get(group).is_none() {
        return Err(Rejection::NotFound { kind: "group", id: group.to_string() });
    }
    let Some(role) = directory.roles.named(role) else {
        return Err(Rejection::NotFound { kind: "role", id: role.to_owned() });
    };
    if role.retired {
        return Err(Invalid::value(Notice::RetiredRole(role.name.clone()).to_string()).into());
    }
    if directory.rules.of(group).any(|there| there.role == role.id) {
        return Ok(Decision::default());
    }
    if directory.rules.len() >= RULES {
        let detail = format!("a tenant has at most {RULES} rules: remove one first");
        return Err(Invalid::value(detail).into());
    }
    // Each of them would be an event: a group that is far too large is not walked through.
    let concerned = directory.groups.users_below(group, COMMIT_EVENTS).len();
    if concerned >= COMMIT_EVENTS {
        return Err(Rejection::TooLarge {
            events: concerned + 1,
            limit: COMMIT_EVENTS,
            remedy: "divide the group into several and add a rule for each, or add the rule first and the members then, in parts",
        });
    }
    let events = vec![Event::RuleAdded { rule, group, role: role.id }];
    Ok(Decision { events, ..Decision::default() })
}

pub(super) fn remove(directory: &Directory, rule: RuleId) -> Result<Decision, Rejection> {
    match directory.rules.get(rule) {
        Some(there) if there.removed.is_some() => Ok(Decision::default()),
        Some(there) => {
            let (group, role) = (there.group, there.role);
            let events = vec![Event::RuleRemoved { rule, group, role }];
            Ok(Decision { events, ..Decision::default() })
        }
        None => Err(Rejection::NotFound { kind: "rule", id: rule.to_string() }),
    }
}

/// The end of a group's rules, when it is deleted.
pub(super) fn end_with(directory: &Directory, group: GroupId) -> impl Iterator<Item = Event> + '_ {
    let rules = directory.rules.of(group);
    rules.map(move |rule| Event::RuleRemoved { rule: rule.id, group, role: rule.role })
}

/// Adds to `events` what follows from them through rules. What ends, ends before the rule or the group does.
pub(super) fn follow(directory: &Directory, events: &mut Vec<Event>) {
    let unseen = Unseen::after(directory, events);
    let consequences = Consequences::of(directory, events, unseen);
    let ends =
        |event: &Event| matches!(event, Event::RuleRemoved { .. } | Event::GroupDeleted { .. });
    let at = events.iter().position(ends).unwrap_or(events.len());
    events.splice(at..at, consequences);
}

/// What a commit without its consequences does to memberships and rules.
struct Consequences<'a> {
    directory: &'a Directory,
    // Memberships that come to be, by member, and that end for good.
    new: BTreeMap<Member, BTreeSet<GroupId>>,
    gone: BTreeSet<(Member, GroupId)>,
    added: Vec<(RuleId, GroupId, RoleId)>,
    removed: BTreeSet<RuleId>,
    // The rules that each group leads to once all is done.
    reached: BTreeMap<GroupId, Rules>,
    unseen: Unseen<'a>,
}

/// Who is ignored once all is done: memberships with them count for nobody.
struct Unseen<'a> {
    directory: &'a Directory,
    // True: ignored by this commit. False: noticed.
    moved: BTreeMap<Member, bool>,
}

impl<'a> Unseen<'a> {
    fn after(directory: &'a Directory, events: &[Event]) -> Self {
        let mut moved = BTreeMap::new();
        for event in events {
            if let Event::UserIgnored { user, .. } = event {
                moved.insert(Member::User(*user), true);
            } else if let Event::UserNoticed { user, .. } = event {
                moved.insert(Member::User(*user), false);
            } else if let Event::GroupIgnored { group, .. } = event {
                moved.insert(Member::Group(*group), true);
            } else if let Event::GroupNoticed { group, .. } = event {
                moved.insert(Member::Group(*group), false);
            }
        }
        Self { directory, moved }
    }

    fn has(&self, member: Member) -> bool {
        let there = || self.directory.ignored.whose(member).is_some();
        self.moved.get(&member).copied().unwrap_or_else(there)
    }
}

type Rules = BTreeSet<(RuleId, RoleId)>;

impl<'a> Consequences<'a> {
    fn of(directory: &'a Directory, events: &[Event], unseen: Unseen<'a>) -> Vec<Event> {
        let mut this = Consequences {
            directory,
            new: BTreeMap::new(),
            gone: BTreeSet::new(),
            added: Vec::new(),
            removed: BTreeSet::new(),
            reached: BTreeMap::new(),
            unseen,
        };
        this.note_rules(events);
        if directory.rules.is_empty() && this.added.is_empty() {
            return Vec::new();
        }
        this.note_memberships(events, |member| matches!(member, Member::Group(_)));
        let concerned = this.concerned(events);
        if concerned.is_empty() {
            return Vec::new();
        }
        this.note_memberships(events, |member| matches!(member, Member::User(_)));
        let mut caused = Vec::new();
        for user in this.affected(events, &concerned) {
            this.differ(user, &mut caused);
        }
        caused
    }

    fn note_rules(&mut self, events: &[Event]) {
        for event in events {
            if let Event::RuleAdded { rule, group, role } = event {
                self.added.push((*rule, *group, *role));
            }
            if let Event::RuleRemoved { rule, .. } = event {
                self.removed.insert(*rule);
            }
        }
    }

    /// Notes which memberships come to be and which end; one ends when its last source takes it back. One request may do both, in
    /// either order, to somebody who is noticed and deactivated: what is said last holds.
    fn note_memberships(&mut self, events: &[Event], of: impl Fn(Member) -> bool) {
        let mut ends: BTreeMap<(Member, GroupId), (BTreeSet<Source>, bool)> = BTreeMap::new();
        for (group, member, change) in memberships(events).filter(|(_, member, _)| of(*member)) {
            let (sources, begins) = ends.entry((member, group)).or_insert_with(|| {
                let there = self.directory.groups.get(group);
                (there.into_iter().flat_map(|there| there.sources(member)).collect(), false)
            });
            match change {
                Membership::Begins(source) => {
                    sources.insert(source);
                    *begins = true;
                }
                Membership::Ends(source) => drop(sources.remove(&source)),
            }
        }
        for ((member, group), (sources, begins)) in ends {
            let unseen = self.unseen.has(member) || self.unseen.has(Member::Group(group));
            if sources.is_empty() || unseen {
                self.gone.insert((member, group));
            } else if begins {
                self.new.entry(member).or_default().insert(group);
            }
        }
    }

    /// Those of the changed groups that lead to a rule, before or after.
    fn concerned(&self, events: &[Event]) -> BTreeSet<GroupId> {
        let mut changed: BTreeSet<GroupId> = BTreeSet::new();
        changed.extend(memberships(events).map(|(group, ..)| group));
        changed.extend(self.added.iter().map(|(_, group, _)| *group));
        let removed = self.removed.iter().filter_map(|rule| self.directory.rules.get(*rule));
        changed.extend(removed.map(|rule| rule.group));
        let has_rule = |group: GroupId| {
            self.directory.rules.of(group).next().is_some()
                || self.added.iter().any(|(_, about, _)| *about == group)
        };
        let leads = |group: &GroupId| {
            upwards(*group, |group| self.parents(Member::Group(group), Keep::WhatEnds))
                .into_iter()
                .any(has_rule)
        };
        changed.into_iter().filter(leads).collect()
    }

    /// The users whose memberships in rules' groups may be other ones.
    fn affected(&self, events: &[Event], concerned: &BTreeSet<GroupId>) -> BTreeSet<UserId> {
        let groups: &Groups = &self.directory.groups;
        let mut users = BTreeSet::new();
        for (group, member, _) in memberships(events) {
            if !concerned.contains(&group) {
                continue;
            }
            match member {
                Member::User(user) => drop(users.insert(user)),
                Member::Group(inner) => users.extend(groups.users_below(inner, usize::MAX)),
            }
        }
        let removed = self.removed.iter().filter_map(|rule| self.directory.rules.get(*rule));
        let of_rules = removed.map(|rule| rule.group).chain(self.added.iter().map(|(_, g, _)| *g));
        for group in of_rules {
            users.extend(groups.users_below(group, usize::MAX));
        }
        for event in events {
            // Who goes has lost all roles already.
            if let Event::UserDeleted { user } | Event::UserIgnored { user, .. } = event {
                users.remove(user);
            }
        }
        users
    }

    /// What rules give to a user once all is done, against what they give now.
    fn differ(&mut self, id: UserId, caused: &mut Vec<Event>) {
        if self.unseen.has(Member::User(id)) {
            return;
        }
        let ignored = || self.directory.ignored.user(id);
        let Some(user) = self.directory.users.get(id).or_else(ignored) else { return };
        let given = |role, source: Source| source.rule().map(|rule| (rule, role));
        let now: Rules = user.roles.iter().filter_map(|a| given(a.role, a.source)).collect();
        let mut due = Rules::new();
        for group in self.parents(Member::User(id), Keep::WhatStays) {
            due.extend(self.reach(group));
        }
        for (rule, role) in now.difference(&due) {
            let (role, source) = (*role, Source::Rule(*rule));
            caused.push(Event::RoleRevoked { user: id, role, source });
        }
        for (rule, role) in due.difference(&now) {
            let wording = Personal::Known(RoleWording::default());
            let (role, source) = (*role, Source::Rule(*rule));
            caused.push(Event::RoleAssigned { user: id, role, source, wording });
        }
    }

    /// The rules about a group, or about one that holds it, once all is done.
    fn reach(&mut self, group: GroupId) -> Rules {
        if let Some(known) = self.reached.get(&group) {
            return known.clone();
        }
        let mut rules = Rules::new();
        for above in upwards(group, |group| self.parents(Member::Group(group), Keep::WhatStays)) {
            let there = self.directory.rules.of(above).map(|rule| (rule.id, rule.role));
            rules.extend(there.filter(|(rule, _)| !self.removed.contains(rule)));
            let added = self.added.iter().filter(|(_, about, _)| *about == above);
            rules.extend(added.map(|(rule, _, role)| (*rule, *role)));
        }
        self.reached.insert(group, rules.clone());
        rules
    }

    /// The groups that have `member` themselves: those that will, and with [`Keep::WhatEnds`] those that had.
    fn parents(&self, member: Member, keep: Keep) -> Vec<GroupId> {
        let there = self.directory.groups.of(member).map(|group| group.id);
        let there = there.filter(|group| match keep {
            Keep::WhatEnds => true,
            Keep::WhatStays => !self.gone.contains(&(member, *group)),
        });
        there.chain(self.new.get(&member).into_iter().flatten().copied()).collect()
    }
}

/// Which memberships count.
#[derive(Clone, Copy)]
enum Keep {
    /// Those that end as well.
    WhatEnds,
    /// Those that are there once all is done.
    WhatStays,
}

/// What becomes of a membership.
enum Membership {
    Begins(Source),
    Ends(Source),
}

/// The memberships that events change.
fn memberships(events: &[Event]) -> impl Iterator<Item = (GroupId, Member, Membership)> + '_ {
    events.iter().filter_map(|event| {
        if let Event::GroupMemberAdded { group, member, source } = event {
            return Some((*group, *member, Membership::Begins(*source)));
        }
        if let Event::GroupMemberRemoved { group, member, source } = event {
            return Some((*group, *member, Membership::Ends(*source)));
        }
        None
    })
}

/// A group and all that hold it, each once. Circles end.
fn upwards(group: GroupId, parents: impl Fn(GroupId) -> Vec<GroupId>) -> BTreeSet<GroupId> {
    let (mut seen, mut next) = (BTreeSet::from([group]), vec![group]);
    while let Some(group) = next.pop() {
        next.extend(parents(group).into_iter().filter(|parent| seen.insert(*parent)));
    }
    seen
}
