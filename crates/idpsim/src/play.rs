//! A script, played against a server: each moment becomes the requests Okta sends for it.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::company::Company;
use crate::limits::{IMPORT_PAGE, MEMBERS_PER_PATCH};
use crate::list::id_of;
use crate::okta::{GroupMember, Okta};
use crate::person::Person;
use crate::script::{Colleague, Happening, Script, Step, Story};
use crate::wire::ClientError;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Users that were created.
    pub users_created: u64,
    /// Users that were there already and were linked.
    pub users_linked: u64,
    /// Profiles that were pushed: a GET and a PUT each.
    pub profiles_pushed: u64,
    /// Times somebody was deactivated, repetitions included.
    pub deactivations: u64,
    /// Groups that were created.
    pub groups_created: u64,
    /// Groups that were there already and were linked.
    pub groups_linked: u64,
    /// PATCH requests that changed members.
    pub member_patches: u64,
    /// Groups that were deleted.
    pub groups_deleted: u64,
    /// All requests.
    pub requests: u64,
    /// What is worth a question.
    pub story: Story,
}

/// Plays a script. With a concurrency of 1 strictly one request after the other; with more, the
/// people of the initial import and the member batches of a push go out side by side, and
/// everything else stays in order.
///
/// `before` is called before each step with the step, how many are done and how many there are:
/// to show progress, or to set a server's clock. A user or group that is there already is linked,
/// as Okta does it, instead of created. A month cannot be told twice to one tenant, though: the
/// name its project's group is renamed to is taken by then.
pub async fn play(
    okta: &Okta,
    company: &Company,
    script: &Script,
    concurrency: usize,
    mut before: impl FnMut(&Step, usize, usize),
) -> Result<Summary, ClientError> {
    let mut playing = Playing::new(okta, company, script, concurrency.max(1));
    let total = script.steps.len();
    let import = match playing.concurrency {
        1 => 0..0,
        _ => import_of(&script.steps),
    };
    let mut assignments = JoinSet::new();
    for (done, step) in script.steps.iter().enumerate() {
        before(step, done, total);
        if let Happening::Joins(person) = &step.what
            && import.contains(&done)
        {
            if assignments.len() >= playing.concurrency {
                playing.note_next(&mut assignments).await?;
            }
            let (okta, person) = (okta.clone(), Person::clone(person));
            assignments.spawn(async move { assign(&okta, person).await });
            continue;
        }
        while !assignments.is_empty() {
            playing.note_next(&mut assignments).await?;
        }
        playing.perform(&step.what).await?;
    }
    while !assignments.is_empty() {
        playing.note_next(&mut assignments).await?;
    }
    playing.summary.requests = okta.requests() - playing.sent_before;
    Ok(playing.summary)
}

/// The first run of people who join: the initial import.
fn import_of(steps: &[Step]) -> std::ops::Range<usize> {
    let joins = |step: &Step| matches!(step.what, Happening::Joins(_));
    let first = steps.iter().position(joins).unwrap_or(steps.len());
    let length = steps.iter().skip(first).take_while(|step| joins(step)).count();
    first..first + length
}

/// Somebody who now has an account: who, its id, and whether it was there before.
struct Assigned {
    okta_id: String,
    id: String,
    linked: bool,
}

/// An assignment: look for the user; create it, or link it, wake it and push the profile.
async fn assign(okta: &Okta, person: Person) -> Result<Assigned, ClientError> {
    let found = okta.find_user(&person.user_name).await?;
    let (id, linked) = match found {
        None => (okta.create_user(&person).await?, false),
        Some(user) => {
            let id = id_of(&user);
            if user.get("active") == Some(&Value::Bool(false)) {
                okta.set_active(&id, true).await?;
            }
            okta.push_profile(&id, &person).await?;
            (id, true)
        }
    };
    Ok(Assigned { okta_id: person.okta_id, id, linked })
}

/// What Okta remembers while it plays: which of its users and groups is which of the server's.
struct Playing<'a> {
    okta: &'a Okta,
    concurrency: usize,
    sent_before: u64,
    users: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
    /// User names at the start, to find again whom a script played in part does not create.
    names: BTreeMap<&'a str, &'a str>,
    summary: Summary,
}

impl<'a> Playing<'a> {
    fn new(
        okta: &'a Okta,
        company: &'a Company,
        script: &'a Script,
        concurrency: usize,
    ) -> Playing<'a> {
        let people = company.people().iter().chain(company.hires());
        Playing {
            okta,
            concurrency,
            sent_before: okta.requests(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            names: people.map(|p| (p.okta_id.as_str(), p.user_name.as_str())).collect(),
            summary: Summary {
                users_created: 0,
                users_linked: 0,
                profiles_pushed: 0,
                deactivations: 0,
                groups_created: 0,
                groups_linked: 0,
                member_patches: 0,
                groups_deleted: 0,
                requests: 0,
                story: script.story().clone(),
            },
        }
    }

    async fn perform(&mut self, what: &Happening) -> Result<(), ClientError> {
        match what {
            Happening::Connected => {
                self.okta.test_credentials().await?;
                self.okta.probe_groups().await.map(drop)
            }
            Happening::Joins(person) => {
                let assigned = assign(self.okta, Person::clone(person)).await?;
                self.note(assigned);
                Ok(())
            }
            Happening::Moves { person, groups_left, groups_joined, .. } => {
                self.push_profile(person).await?;
                let moved = [Colleague::from(&**person)];
                for group in groups_left {
                    self.change_members(group, &[], &moved).await?;
                }
                for group in groups_joined {
                    self.change_members(group, &moved, &[]).await?;
                }
                Ok(())
            }
            Happening::Granted { person, .. }
            | Happening::RoleRevoked { person, .. }
            | Happening::Reorganised(person)
            | Happening::Renamed { person, .. } => self.push_profile(person).await,
            Happening::GroupPushed { group, members } => self.push_group(group, members).await,
            Happening::MembersChanged { group, added, removed } => {
                self.change_members(group, added, removed).await
            }
            Happening::GroupRefreshed { group, members } => self.refresh(group, members).await,
            Happening::GroupRenamed { from, to } => self.rename_group(from, to).await,
            Happening::GroupDeleted { group } => self.delete_group(group).await,
            Happening::Leaves(person) | Happening::Unassigned(person) => {
                let id = self.user_id(&Colleague::from(&**person)).await?;
                self.summary.deactivations += 1;
                self.okta.set_active(&id, false).await.map(drop)
            }
            Happening::Returns(person) | Happening::Rehired(person) => self.take_back(person).await,
            // Okta never deletes a user: who left is inactive already.
            Happening::Deleted(_) => Ok(()),
            Happening::Imported => {
                self.okta.import_users(IMPORT_PAGE).await?;
                self.okta.import_groups(IMPORT_PAGE).await.map(drop)
            }
        }
    }

    fn note(&mut self, assigned: Assigned) {
        match assigned.linked {
            true => self.summary.users_linked += 1,
            false => self.summary.users_created += 1,
        }
        self.users.insert(assigned.okta_id, assigned.id);
    }

    async fn note_next(
        &mut self,
        assignments: &mut JoinSet<Result<Assigned, ClientError>>,
    ) -> Result<(), ClientError> {
        if let Some(joined) = assignments.join_next().await {
            self.note(joined.map_err(|source| ClientError::Interrupted { source })??);
        }
        Ok(())
    }

    async fn push_profile(&mut self, person: &Person) -> Result<(), ClientError> {
        let id = self.user_id(&Colleague::from(person)).await?;
        self.summary.profiles_pushed += 1;
        self.okta.push_profile(&id, person).await.map(drop)
    }

    /// A new assignment of somebody who left: Okta finds the inactive user, wakes it and pushes.
    async fn take_back(&mut self, person: &Person) -> Result<(), ClientError> {
        let found = self.okta.find_user(&person.user_name).await?;
        let unknown = || ClientError::Unknown { kind: "user", name: person.user_name.clone() };
        let id = found.as_ref().map(id_of).ok_or_else(unknown)?;
        self.okta.set_active(&id, true).await?;
        self.summary.profiles_pushed += 1;
        self.okta.push_profile(&id, person).await?;
        self.users.insert(person.okta_id.clone(), id);
        Ok(())
    }

    /// A group push: look for the group; create it empty or link it; then its members.
    async fn push_group(&mut self, name: &str, members: &[Colleague]) -> Result<(), ClientError> {
        match self.okta.find_group(name).await? {
            None => {
                let id = self.okta.create_group(name, &[]).await?;
                self.summary.groups_created += 1;
                self.groups.insert(name.to_owned(), id);
                self.change_members(name, members, &[]).await
            }
            Some(group) => {
                self.summary.groups_linked += 1;
                self.groups.insert(name.to_owned(), id_of(&group));
                self.refresh(name, members).await
            }
        }
    }

    /// The name, then the members in batches.
    async fn change_members(
        &mut self,
        name: &str,
        added: &[Colleague],
        removed: &[Colleague],
    ) -> Result<(), ClientError> {
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let id = self.group_id(name).await?;
        let added = self.members(added).await?;
        let removed = self.members(removed).await?;
        self.okta.rename_group(&id, name).await?;
        let mut batches = JoinSet::new();
        for (added, removed) in batched(added, removed) {
            if batches.len() >= self.concurrency {
                finish_one(&mut batches).await?;
            }
            self.summary.member_patches += 1;
            let (okta, id) = (self.okta.clone(), id.clone());
            batches.spawn(async move { okta.patch_members(&id, &added, &removed).await });
        }
        while !batches.is_empty() {
            finish_one(&mut batches).await?;
        }
        Ok(())
    }

    async fn refresh(&mut self, name: &str, members: &[Colleague]) -> Result<(), ClientError> {
        let id = self.group_id(name).await?;
        let members = self.members(members).await?;
        self.summary.member_patches += 1;
        self.okta.rename_group(&id, name).await?;
        self.okta.replace_members(&id, &members).await
    }

    async fn rename_group(&mut self, from: &str, to: &str) -> Result<(), ClientError> {
        let id = self.group_id(from).await?;
        self.okta.rename_group(&id, to).await?;
        self.groups.remove(from);
        self.groups.insert(to.to_owned(), id);
        Ok(())
    }

    async fn delete_group(&mut self, name: &str) -> Result<(), ClientError> {
        let id = self.group_id(name).await?;
        self.okta.delete_group(&id).await?;
        self.groups.remove(name);
        self.summary.groups_deleted += 1;
        Ok(())
    }

    async fn members(&mut self, people: &[Colleague]) -> Result<Vec<GroupMember>, ClientError> {
        let mut members = Vec::with_capacity(people.len());
        for person in people {
            let id = self.user_id(person).await?;
            members.push(GroupMember::new(&id, &person.user_name));
        }
        Ok(members)
    }

    /// The server's id of a user: remembered, or asked for by the name they have or once had.
    async fn user_id(&mut self, person: &Colleague) -> Result<String, ClientError> {
        if let Some(id) = self.users.get(&person.okta_id) {
            return Ok(id.clone());
        }
        let first_name = self.names.get(person.okta_id.as_str()).copied();
        for name in [Some(person.user_name.as_str()), first_name].into_iter().flatten() {
            if let Some(user) = self.okta.find_user(name).await? {
                let id = id_of(&user);
                self.users.insert(person.okta_id.clone(), id.clone());
                return Ok(id);
            }
        }
        Err(ClientError::Unknown { kind: "user", name: person.user_name.clone() })
    }

    async fn group_id(&mut self, name: &str) -> Result<String, ClientError> {
        if let Some(id) = self.groups.get(name) {
            return Ok(id.clone());
        }
        let found = self.okta.find_group(name).await?;
        let unknown = || ClientError::Unknown { kind: "group", name: name.to_owned() };
        let id = found.as_ref().map(id_of).ok_or_else(unknown)?;
        self.groups.insert(name.to_owned(), id.clone());
        Ok(id)
    }
}

/// Who joins and who leaves, cut into requests.
fn batched(
    added: Vec<GroupMember>,
    removed: Vec<GroupMember>,
) -> Vec<(Vec<GroupMember>, Vec<GroupMember>)> {
    let mut added = added.chunks(MEMBERS_PER_PATCH).map(<[_]>::to_vec);
    let mut removed = removed.chunks(MEMBERS_PER_PATCH).map(<[_]>::to_vec);
    let mut batches = Vec::new();
    loop {
        match (added.next(), removed.next()) {
            (None, None) => return batches,
            (joins, leaves) => {
                batches.push((joins.unwrap_or_default(), leaves.unwrap_or_default()));
            }
        }
    }
}

async fn finish_one(batches: &mut JoinSet<Result<(), ClientError>>) -> Result<(), ClientError> {
    match batches.join_next().await {
        Some(joined) => joined.map_err(|source| ClientError::Interrupted { source })?,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(count: usize) -> Vec<GroupMember> {
        (0..count).map(|n| GroupMember::new(&n.to_string(), "x")).collect()
    }

    #[test]
    fn batches_hold_everybody_once_and_no_more_than_their_limit() {
        for (added, removed) in [(0, 0), (1, 0), (0, 1), (100, 100), (101, 5), (250, 320)] {
            let batches = batched(members(added), members(removed));
            assert_eq!(batches.iter().map(|(a, _)| a.len()).sum::<usize>(), added);
            assert_eq!(batches.iter().map(|(_, r)| r.len()).sum::<usize>(), removed);
            assert_eq!(batches.len(), added.max(removed).div_ceil(MEMBERS_PER_PATCH));
            assert!(batches.iter().all(|(a, r)| a.len() <= 100 && r.len() <= 100));
        }
    }
}
