//! The story's own book of who did what: kept from what is about to be asked for and what SCIM says comes
//! of it, never from an answer. It knows accounts by number, because names change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::person::Person;
use crate::script::{Colleague, Happening};

/// What stands for the name of somebody who was erased.
const ERASED: &str = "(erased)";
/// The source of what an operator grants.
const LOCAL: &str = "local";

/// One thing that was done, to one or several people at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// The connector or operator, by name.
    pub by: String,
    /// What, in the words of the log: `UserDeactivated`.
    pub event: &'static str,
    /// The role or group, by its name then; empty where there is none.
    pub of: String,
    /// The users, by their names right afterwards; `(erased)` for who was erased since.
    pub who: Vec<String>,
}

/// How an identity provider writes what all of them tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    Okta,
    Entra,
    OneLogin,
}

type Number = usize;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    deeds: Vec<(Deed, Vec<Number>)>,
    accounts: Vec<Account>,
    /// By userName as it is compared.
    names: BTreeMap<String, Number>,
    /// By connector and the connector's own id: whose account, and who it says they are.
    known: BTreeMap<(String, String), (Number, Person)>,
    groups: BTreeMap<String, BTreeMap<Number, BTreeSet<String>>>,
    /// By group: the groups in it.
    nested: BTreeMap<String, BTreeSet<String>>,
    /// Group and role.
    rules: BTreeSet<(String, String)>,
}

#[derive(Debug)]
struct Account {
    name: String,
    active: bool,
    erased: bool,
    /// The attributes as they were last written, by a name of ours.
    held: BTreeMap<&'static str, String>,
    /// By role and source: how it was written.
    roles: BTreeMap<(String, String), &'static str>,
}

/// Who does something, and when.
#[derive(Clone, Copy)]
pub(super) struct Hour<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) by: &'a str,
}

impl Ledger {
    /// What was done, with the names of those who were erased taken out.
    pub(super) fn deeds(&self) -> Vec<Deed> {
        let erased = |number: &Number| self.accounts.get(*number).is_some_and(|who| who.erased);
        let shown = |(deed, numbers): &(Deed, Vec<Number>)| {
            let mut deed = deed.clone();
            for (name, number) in deed.who.iter_mut().zip(numbers) {
                if erased(number) {
                    ERASED.clone_into(name);
                }
            }
            deed
        };
        self.deeds.iter().map(shown).collect()
    }

    /// Something that is about no user.
    pub(super) fn note(&mut self, hour: Hour<'_>, event: &'static str, of: &str) {
        self.deeds.push((deed(hour, event, of), Vec::new()));
    }

    /// An operator grants a role here, or takes it back.
    pub(super) fn local_role(&mut self, hour: Hour<'_>, user: &str, role: &str, given: bool) {
        let Some(number) = self.named(user) else { return };
        let key = (role.to_owned(), LOCAL.to_owned());
        let Some(account) = self.accounts.get_mut(number) else { return };
        let event = match given {
            true => account.roles.insert(key, "").is_none().then_some("RoleAssigned"),
            false => account.roles.remove(&key).map(|_| "RoleRevoked"),
        };
        if let Some(event) = event {
            self.about(hour, event, role, number);
        }
    }

    /// From now on, or no more, whoever is in the group has the role.
    pub(super) fn rule(&mut self, hour: Hour<'_>, group: &str, role: &str, added: bool) {
        let rule = (group.to_owned(), role.to_owned());
        if added {
            self.rules.insert(rule);
        } else {
            self.rules.remove(&rule);
        }
        self.note(hour, if added { "RuleAdded" } else { "RuleRemoved" }, "");
        self.follow(hour);
    }

    /// A new group without members, by a client that is in no script.
    pub(super) fn found(&mut self, hour: Hour<'_>, group: &str) {
        self.note(hour, "GroupCreated", group);
        self.groups.insert(group.to_owned(), BTreeMap::new());
    }

    /// A group comes to be in another, or leaves it.
    pub(super) fn nest(&mut self, hour: Hour<'_>, group: &str, inner: &str, joins: bool) {
        let nested = self.nested.entry(group.to_owned()).or_default();
        let event = match joins {
            true => nested.insert(inner.to_owned()).then_some("GroupMemberAdded"),
            false => nested.remove(inner).then_some("GroupMemberRemoved"),
        };
        if let Some(event) = event {
            let who = vec![inner.to_owned()];
            // A group is nobody's account: it has no number, and is never erased.
            self.deeds.push((Deed { who, ..deed(hour, event, group) }, Vec::new()));
        }
        self.follow(hour);
    }

    /// What the rules give and take after something changed.
    fn follow(&mut self, hour: Hour<'_>) {
        let mut due: BTreeSet<(Number, String, String)> = BTreeSet::new();
        for (group, role) in &self.rules {
            let source = format!("rule {group}");
            let below = self.below(group).into_iter();
            due.extend(below.map(|number| (number, role.clone(), source.clone())));
        }
        let mut changes = Vec::new();
        for (number, account) in self.accounts.iter_mut().enumerate() {
            account.roles.retain(|(role, source), _| {
                let by_rule = source.starts_with("rule ");
                let stays = !by_rule || due.contains(&(number, role.clone(), source.clone()));
                if !stays {
                    changes.push(("RoleRevoked", role.clone(), number));
                }
                stays
            });
        }
        for (number, role, source) in due {
            let Some(account) = self.accounts.get_mut(number) else { continue };
            if account.roles.insert((role.clone(), source), "").is_none() {
                changes.push(("RoleAssigned", role, number));
            }
        }
        for (event, role, number) in changes {
            self.about(hour, event, &role, number);
        }
    }

    /// Who is in a group, or in one that is in it.
    fn below(&self, group: &str) -> BTreeSet<Number> {
        let own = self.groups.get(group).into_iter().flat_map(BTreeMap::keys).copied();
        let inner = self.nested.get(group).into_iter().flatten();
        own.chain(inner.flat_map(|inner| self.below(inner))).collect()
    }

    /// Somebody who is gone is erased.
    pub(super) fn erase(&mut self, hour: Hour<'_>, connector: &str, own_id: &str) {
        let key = (connector.to_owned(), own_id.to_owned());
        let Some((number, _)) = self.known.remove(&key) else { return };
        self.about(hour, "UserErased", "", number);
        if let Some(account) = self.accounts.get_mut(number) {
            account.erased = true;
        }
    }

    /// An attribute that only one client writes.
    pub(super) fn write(&mut self, hour: Hour<'_>, own_id: &str, name: &'static str, value: &str) {
        let key = (hour.by.to_owned(), own_id.to_owned());
        let Some(number) = self.known.get(&key).map(|(number, _)| *number) else { return };
        let Some(account) = self.accounts.get_mut(number) else { return };
        if account.held.insert(name, value.to_owned()).as_deref() != Some(value) {
            self.about(hour, "UserAttributesChanged", "", number);
        }
    }

    /// A step of a script, told by a connector's client.
    pub(super) fn happens(&mut self, hour: Hour<'_>, hand: Hand, what: &Happening) {
        match what {
            Happening::Connected | Happening::Imported => {}
            Happening::Joins(person) | Happening::Rehired(person) => {
                self.joins(hour, hand, person);
            }
            Happening::Granted { person, .. }
            | Happening::RoleRevoked { person, .. }
            | Happening::Reorganised(person)
            | Happening::Renamed { person, .. } => self.update(hour, hand, person),
            Happening::Moves { person, groups_left, groups_joined, .. } => {
                self.update(hour, hand, person);
                let moved = [Colleague::from(&**person)];
                groups_left.iter().for_each(|group| self.members(hour, group, &[], &moved));
                groups_joined.iter().for_each(|group| self.members(hour, group, &moved, &[]));
            }
            Happening::Leaves(person) | Happening::Unassigned(person) => {
                self.switch(hour, person, false);
            }
            Happening::Returns(person) => {
                self.switch(hour, person, true);
                self.update(hour, hand, person);
            }
            Happening::Deleted(person) => self.delete(hour, person),
            Happening::GroupPushed { group, members } if !self.groups.contains_key(group) => {
                self.note(hour, "GroupCreated", group);
                self.groups.insert(group.clone(), BTreeMap::new());
                self.members(hour, group, members, &[]);
            }
            Happening::GroupPushed { group, members }
            | Happening::GroupRefreshed { group, members } => self.fill(hour, group, members),
            Happening::MembersChanged { group, added, removed } => {
                self.members(hour, group, added, removed);
            }
            Happening::GroupRenamed { from, to } => {
                let members = self.groups.remove(from).unwrap_or_default();
                self.groups.insert(to.clone(), members);
                self.note(hour, "GroupRenamed", to);
            }
            Happening::GroupDeleted { group } => {
                let members = self.groups.remove(group).unwrap_or_default();
                for (number, sources) in members {
                    for _ in sources {
                        self.about(hour, "GroupMemberRemoved", group, number);
                    }
                }
                self.note(hour, "GroupDeleted", group);
            }
        }
    }

    fn joins(&mut self, hour: Hour<'_>, hand: Hand, person: &Person) {
        let key = (hour.by.to_owned(), person.okta_id.clone());
        if let Some(number) = self.named(&person.user_name) {
            self.known.insert(key, (number, person.clone()));
            self.switch(hour, person, true);
            return self.update(hour, hand, person);
        }
        let number = self.accounts.len();
        let held = self.written(hour.by, hand, true, person);
        let held = held.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let name = person.user_name.clone();
        self.names.insert(name.to_lowercase(), number);
        let roles = BTreeMap::new();
        self.accounts.push(Account { name, active: true, erased: false, held, roles });
        self.known.insert(key, (number, person.clone()));
        self.about(hour, "UserCreated", "", number);
        self.roles(hour, number, person, hand.wording(true));
        if hand == Hand::Entra && self.manager(hour.by, person).is_some() {
            self.about(hour, "UserAttributesChanged", "", number);
        }
    }

    fn update(&mut self, hour: Hour<'_>, hand: Hand, person: &Person) {
        let key = (hour.by.to_owned(), person.okta_id.clone());
        let Some((number, _)) = self.known.get(&key).cloned() else { return };
        let written = self.written(hour.by, hand, false, person);
        self.known.insert(key, (number, person.clone()));
        let Some(account) = self.accounts.get_mut(number) else { return };
        let renamed = account.name != person.user_name;
        let old = std::mem::replace(&mut account.name, person.user_name.clone());
        let mut changed = BTreeSet::new();
        for (name, value) in written {
            let old = match &value {
                Some(value) => account.held.insert(name, value.clone()),
                None => account.held.remove(name),
            };
            if old != value {
                // Entra ID sets a manager in a request of its own.
                changed.insert(hand == Hand::Entra && name == "manager");
            }
        }
        if renamed {
            self.names.remove(&old.to_lowercase());
            self.names.insert(person.user_name.to_lowercase(), number);
            self.about(hour, "UserRenamed", "", number);
        }
        for _ in changed {
            self.about(hour, "UserAttributesChanged", "", number);
        }
        self.roles(hour, number, person, hand.wording(false));
    }

    /// The roles through this connector become these. One that is in effect through another source is
    /// not given again.
    fn roles(&mut self, hour: Hour<'_>, number: Number, person: &Person, wording: &'static str) {
        let Some(account) = self.accounts.get_mut(number) else { return };
        let (mut given, mut taken) = (Vec::new(), Vec::new());
        // Entra ID sends roles only when their names differ.
        let there: BTreeSet<&String> = account.roles.keys().map(|(role, _)| role).collect();
        let wanted: BTreeSet<&String> = person.roles.iter().collect();
        if wording == Hand::Entra.wording(false) && there == wanted {
            return;
        }
        for role in &person.roles {
            let key = (role.clone(), hour.by.to_owned());
            let in_effect = account.roles.keys().any(|(held, _)| held == role);
            let own = account.roles.get(&key).copied();
            if own.map_or(!in_effect, |old| old != wording) {
                account.roles.insert(key, wording);
                given.push(role.clone());
            }
        }
        account.roles.retain(|(role, source), _| {
            let stays = source != hour.by || person.roles.contains(role);
            if !stays {
                taken.push(role.clone());
            }
            stays
        });
        given.iter().for_each(|role| self.about(hour, "RoleAssigned", role, number));
        taken.iter().for_each(|role| self.about(hour, "RoleRevoked", role, number));
    }

    fn switch(&mut self, hour: Hour<'_>, person: &Person, active: bool) {
        let key = (hour.by.to_owned(), person.okta_id.clone());
        let Some(number) = self.known.get(&key).map(|(number, _)| *number) else { return };
        let Some(account) = self.accounts.get_mut(number) else { return };
        if std::mem::replace(&mut account.active, active) != active {
            let event = if active { "UserActivated" } else { "UserDeactivated" };
            self.about(hour, event, "", number);
        }
    }

    fn delete(&mut self, hour: Hour<'_>, person: &Person) {
        let key = (hour.by.to_owned(), person.okta_id.clone());
        let Some(number) = self.known.get(&key).map(|(number, _)| *number) else { return };
        let mut ended = Vec::new();
        for (group, members) in &mut self.groups {
            let sources = members.remove(&number).unwrap_or_default();
            ended.extend(sources.iter().map(|_| group.clone()));
        }
        for group in ended {
            self.about(hour, "GroupMemberRemoved", &group, number);
        }
        let Some(account) = self.accounts.get_mut(number) else { return };
        let roles = std::mem::take(&mut account.roles);
        self.names.remove(&account.name.to_lowercase());
        for (role, _) in roles.keys() {
            self.about(hour, "RoleRevoked", role, number);
        }
        self.about(hour, "UserDeleted", "", number);
    }

    fn members(&mut self, hour: Hour<'_>, group: &str, added: &[Colleague], removed: &[Colleague]) {
        let (added, removed) = (self.numbers(hour, added), self.numbers(hour, removed));
        let members = self.groups.entry(group.to_owned()).or_default();
        let mut joined = Vec::new();
        for number in added {
            let sources = members.entry(number).or_default();
            if sources.is_empty() {
                sources.insert(hour.by.to_owned());
                joined.push(number);
            }
        }
        let mut left = Vec::new();
        for number in removed {
            if members.get_mut(&number).is_some_and(|sources| sources.remove(hour.by)) {
                left.push(number);
            }
        }
        members.retain(|_, sources| !sources.is_empty());
        joined.iter().for_each(|number| self.about(hour, "GroupMemberAdded", group, *number));
        left.iter().for_each(|number| self.about(hour, "GroupMemberRemoved", group, *number));
        self.follow(hour);
    }

    /// These, and through this source no others, are in the group.
    fn fill(&mut self, hour: Hour<'_>, group: &str, listed: &[Colleague]) {
        let keep = self.numbers(hour, listed);
        let members = self.groups.entry(group.to_owned()).or_default();
        let mut left = Vec::new();
        for (number, sources) in members.iter_mut() {
            if !keep.contains(number) && sources.remove(hour.by) {
                left.push(*number);
            }
        }
        members.retain(|_, sources| !sources.is_empty());
        left.iter().for_each(|number| self.about(hour, "GroupMemberRemoved", group, *number));
        self.members(hour, group, listed, &[]);
    }

    fn numbers(&self, hour: Hour<'_>, people: &[Colleague]) -> Vec<Number> {
        let number = |person: &Colleague| {
            let key = (hour.by.to_owned(), person.okta_id.clone());
            self.known.get(&key).map(|(number, _)| *number)
        };
        people.iter().filter_map(number).collect()
    }

    fn named(&self, user_name: &str) -> Option<Number> {
        self.names.get(&user_name.to_lowercase()).copied()
    }

    /// Whose account this connector knows as this person's manager.
    fn manager(&self, connector: &str, person: &Person) -> Option<Number> {
        let manager = person.manager.as_ref()?;
        let mut known = self.known.iter().filter(|((by, _), _)| by == connector);
        known
            .find(|(_, (_, other))| other.employee_number == manager.employee_number)
            .map(|(_, (number, _))| *number)
    }

    /// What a client writes of a profile, each attribute as it comes to be held. None: it is taken away.
    fn written(
        &self,
        connector: &str,
        hand: Hand,
        new: bool,
        person: &Person,
    ) -> Vec<(&'static str, Option<String>)> {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let account = self.manager(connector, person).map(|number| format!("account {number}"));
        // Who writes which of an address's and a telephone's other parts.
        let (email, phone, manager) = match hand {
            Hand::Okta => {
                let number = person.manager.as_ref().map(|m| m.employee_number.clone());
                ("work primary", Some("work primary"), number)
            }
            // A PATCH changes the value and leaves the rest as it is.
            Hand::Entra => ("work primary", Some("work primary"), account),
            Hand::OneLogin if new => {
                ("work primary", Some("work"), account.or(Some("nobody".to_owned())))
            }
            Hand::OneLogin => ("primary", Some("work"), account.or(Some("nobody".to_owned()))),
        };
        let mut written = vec![
            ("given", text(&person.given_name)),
            ("family", text(&person.family_name)),
            ("display", Some(person.display_name())),
            ("email", Some(format!("{} {email}", person.email))),
            ("locale", text(&person.locale)),
            ("number", text(&person.employee_number)),
            ("department", text(&person.department)),
            ("title", text(&person.title)),
            ("manager", manager),
        ];
        if !person.phone.is_empty() {
            written.push(("phone", phone.map(|parts| format!("{} {parts}", person.phone))));
        }
        written
    }

    /// One more deed about somebody: a line more, or a name more in a line of the same moment.
    fn about(&mut self, hour: Hour<'_>, event: &'static str, of: &str, number: Number) {
        let name = self.accounts.get(number).map(|who| who.name.clone()).unwrap_or_default();
        let mut lines = self.deeds.iter_mut().rev().take_while(|(deed, _)| deed.at == hour.at);
        let same =
            |deed: &Deed| (deed.by.as_str(), deed.event, deed.of.as_str()) == (hour.by, event, of);
        if let Some((line, numbers)) = lines.find(|(deed, _)| same(deed)) {
            line.who.push(name);
            numbers.push(number);
            return;
        }
        self.deeds.push((Deed { who: vec![name], ..deed(hour, event, of) }, vec![number]));
    }
}

impl Hand {
    /// What stands beside a role's value.
    fn wording(self, new: bool) -> &'static str {
        match self {
            Hand::Okta => "with its name",
            Hand::Entra if new => "with its name, not primary",
            Hand::Entra => "a document",
            Hand::OneLogin => "alone",
        }
    }
}

fn deed(hour: Hour<'_>, event: &'static str, of: &str) -> Deed {
    let (by, of) = (hour.by.to_owned(), of.to_owned());
    Deed { at: hour.at, by, event, of, who: Vec::new() }
}
