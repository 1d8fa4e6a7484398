//! A script, played by any identity provider, one request after the other.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::limits::MEMBERS_PER_PATCH;
use crate::list::id_of;
use crate::okta::GroupMember;
use crate::person::Person;
use crate::provisioner::{Held, Provisioner};
use crate::script::{Colleague, Happening, Script, Step};
use crate::wire::ClientError;

/// How often what was done in a cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cycled {
    /// Accounts that were created.
    pub created: u64,
    /// Accounts that were there already.
    pub linked: u64,
    /// Profiles that were brought up to date.
    pub updated: u64,
    /// Accounts that were switched off, repetitions included.
    pub disabled: u64,
    /// Accounts that were switched on again.
    pub restored: u64,
    /// Accounts that were deleted for good.
    pub removed: u64,
    /// Groups that were created.
    pub groups: u64,
    /// Times the members of a group changed.
    pub member_changes: u64,
    /// All requests.
    pub requests: u64,
}

/// Plays a script from its first step to its last and ends at the first answer that the client
/// could not live with. `before` is called before each step with how many are done and how many
/// there are.
pub async fn cycle<P: Provisioner>(
    client: &P,
    script: &Script,
    mut before: impl FnMut(&Step, usize, usize),
) -> Result<Cycled, ClientError> {
    let sent_before = client.requests();
    let mut round = Round::new(client);
    for (done, step) in script.steps.iter().enumerate() {
        before(step, done, script.steps.len());
        round.perform(&step.what).await?;
    }
    round.done.requests = client.requests() - sent_before;
    Ok(round.done)
}

/// What the client remembers: which of its people and groups is which of the server's.
pub(crate) struct Round<'a, P> {
    client: &'a P,
    /// By the person's own id: the server's id, and who they are by now.
    accounts: BTreeMap<String, (String, Person)>,
    /// By employee number: the server's id.
    by_number: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
    done: Cycled,
}

impl<'a, P: Provisioner> Round<'a, P> {
    /// Nothing is remembered yet.
    pub(crate) fn new(client: &'a P) -> Round<'a, P> {
        Round {
            client,
            accounts: BTreeMap::new(),
            by_number: BTreeMap::new(),
            groups: BTreeMap::new(),
            done: Cycled::default(),
        }
    }

    /// Goes on with this client, as after its key was changed.
    pub(crate) fn go_on_with(&mut self, client: &'a P) {
        self.client = client;
    }

    /// One step of a script, with all its requests.
    pub(crate) async fn perform(&mut self, what: &Happening) -> Result<(), ClientError> {
        match what {
            Happening::Connected => self.client.set_up().await,
            Happening::Imported => self.client.read_all().await,
            Happening::Joins(person) => self.assign(person).await,
            Happening::Rehired(person) => self.rehire(person).await,
            Happening::Granted { person, .. }
            | Happening::RoleRevoked { person, .. }
            | Happening::Reorganised(person)
            | Happening::Renamed { person, .. } => self.update(person).await,
            Happening::Moves { person, groups_left, groups_joined, .. } => {
                self.update(person).await?;
                let moved = [Colleague::from(&**person)];
                for group in groups_left {
                    self.change_members(group, &[], &moved).await?;
                }
                for group in groups_joined {
                    self.change_members(group, &moved, &[]).await?;
                }
                Ok(())
            }
            Happening::Leaves(person) | Happening::Unassigned(person) => {
                let id = self.account(&person.okta_id)?;
                self.done.disabled += 1;
                self.client.switch(&id, false).await
            }
            Happening::Returns(person) => self.take_back(person).await,
            Happening::Deleted(person) => self.delete(person).await,
            Happening::GroupPushed { group, members } => self.push_group(group, members).await,
            Happening::MembersChanged { group, added, removed } => {
                self.change_members(group, added, removed).await
            }
            Happening::GroupRefreshed { group, members } => {
                let id = self.group(group)?;
                let members = self.members(members)?;
                self.done.member_changes += 1;
                self.client.fill((&id, group), &members).await
            }
            Happening::GroupRenamed { from, to } => {
                let id = self.group(from)?;
                self.client.rename(&id, to).await?;
                self.groups.remove(from);
                self.groups.insert(to.clone(), id);
                Ok(())
            }
            Happening::GroupDeleted { group } => {
                let id = self.group(group)?;
                self.client.dissolve(&id).await?;
                self.groups.remove(group);
                Ok(())
            }
        }
    }

    /// Somebody is assigned: looked for, then created or linked. Whoever waited for them as a
    /// manager is told of them now.
    async fn assign(&mut self, person: &Person) -> Result<(), ClientError> {
        let found = self.client.look_up(person).await?;
        let manager = self.manager_of(person);
        let id = match found.as_ref().map(id_of) {
            Some(id) => {
                let held = Held { id: &id, person, manager: manager.as_deref() };
                self.client.switch(&id, true).await?;
                self.client.update(held).await?;
                self.done.linked += 1;
                id
            }
            None => {
                self.done.created += 1;
                self.client.enrol(person, manager.as_deref()).await?
            }
        };
        self.keep(id, person);
        if P::REFERS_TO_MANAGERS {
            let waiting: Vec<Person> = self
                .accounts
                .values()
                .filter(|(_, other)| {
                    let manager = other.manager.as_ref();
                    manager.is_some_and(|m| m.employee_number == person.employee_number)
                })
                .map(|(_, other)| other.clone())
                .collect();
            for other in waiting {
                self.update(&other).await?;
            }
        }
        Ok(())
    }

    /// A new account for somebody whose old one was deleted: its id must be new.
    async fn rehire(&mut self, person: &Person) -> Result<(), ClientError> {
        let old = self.account(&person.okta_id)?;
        self.assign(person).await?;
        if self.account(&person.okta_id)? == old {
            let request = format!("a new account of `{}`", person.user_name);
            let saw = "the id of the deleted one".to_owned();
            return Err(ClientError::Wrong { request, status: 201, saw });
        }
        Ok(())
    }

    async fn update(&mut self, person: &Person) -> Result<(), ClientError> {
        let id = self.account(&person.okta_id)?;
        let manager = self.manager_of(person);
        self.done.updated += 1;
        self.client.update(Held { id: &id, person, manager: manager.as_deref() }).await?;
        self.keep(id, person);
        Ok(())
    }

    /// Somebody who left comes back: the account is there, switched off, and is found so.
    async fn take_back(&mut self, person: &Person) -> Result<(), ClientError> {
        let id = self.account(&person.okta_id)?;
        let found = self.client.look_up(person).await?;
        let same = found.as_ref().map(id_of).as_deref() == Some(id.as_str());
        let off = found.as_ref().and_then(|user| user.get("active")) == Some(&Value::Bool(false));
        if !(same && off) {
            let request = format!("look-up of `{}`, who was switched off", person.user_name);
            let saw = Value::from(found).to_string();
            return Err(ClientError::Wrong { request, status: 200, saw });
        }
        self.client.switch(&id, true).await?;
        self.done.restored += 1;
        self.update(person).await
    }

    async fn delete(&mut self, person: &Person) -> Result<(), ClientError> {
        let id = self.account(&person.okta_id)?;
        self.client.remove(Held { id: &id, person, manager: None }).await?;
        self.by_number.remove(&person.employee_number);
        self.done.removed += 1;
        Ok(())
    }

    async fn push_group(&mut self, name: &str, members: &[Colleague]) -> Result<(), ClientError> {
        match self.client.look_up_group(name).await? {
            Some(group) => {
                let id = id_of(&group);
                self.groups.insert(name.to_owned(), id.clone());
                let members = self.members(members)?;
                self.client.fill((&id, name), &members).await
            }
            None => {
                let id = self.client.found(name).await?;
                self.done.groups += 1;
                self.groups.insert(name.to_owned(), id);
                self.change_members(name, members, &[]).await
            }
        }
    }

    async fn change_members(
        &mut self,
        name: &str,
        added: &[Colleague],
        removed: &[Colleague],
    ) -> Result<(), ClientError> {
        let id = self.group(name)?;
        let (added, removed) = (self.members(added)?, self.members(removed)?);
        for batch in added.chunks(MEMBERS_PER_PATCH) {
            self.done.member_changes += 1;
            self.client.join_and_leave((&id, name), batch, &[]).await?;
        }
        for batch in removed.chunks(MEMBERS_PER_PATCH) {
            self.done.member_changes += 1;
            self.client.join_and_leave((&id, name), &[], batch).await?;
        }
        Ok(())
    }

    fn keep(&mut self, id: String, person: &Person) {
        self.by_number.insert(person.employee_number.clone(), id.clone());
        self.accounts.insert(person.okta_id.clone(), (id, person.clone()));
    }

    fn manager_of(&self, person: &Person) -> Option<String> {
        let manager = person.manager.as_ref()?;
        self.by_number.get(&manager.employee_number).cloned()
    }

    /// The server's id of this person's account.
    pub(crate) fn account(&self, okta_id: &str) -> Result<String, ClientError> {
        let unknown = || ClientError::Unknown { kind: "user", name: okta_id.to_owned() };
        self.accounts.get(okta_id).map(|(id, _)| id.clone()).ok_or_else(unknown)
    }

    /// The server's id of this group.
    pub(crate) fn group(&self, name: &str) -> Result<String, ClientError> {
        let unknown = || ClientError::Unknown { kind: "group", name: name.to_owned() };
        self.groups.get(name).cloned().ok_or_else(unknown)
    }

    fn members(&self, people: &[Colleague]) -> Result<Vec<GroupMember>, ClientError> {
        let member = |person: &Colleague| {
            let id = self.account(&person.okta_id)?;
            Ok(GroupMember::new(&id, &person.user_name))
        };
        people.iter().map(member).collect()
    }
}
