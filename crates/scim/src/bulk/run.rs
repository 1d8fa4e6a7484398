//! A job on its way: what is to be done next, and what is known of what was done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::plan::{self, Step};
use super::references::{self, Form};
use super::{Job, Method, Operation, Target, Wish};
use crate::error::Invalid;
use crate::mode::Options;
use crate::schema::{Catalogue, ResourceType};
use crate::value::{Name, Value};

/// A job on its way.
///
/// Ask [`Run::next`] what to do, do it, [`Run::tell`] what came of it, until there is nothing more. It can be dropped at any time.
#[derive(Clone, Debug)]
pub struct Run<'c> {
    job: Job,
    catalogue: &'c Catalogue,
    options: Options,
    base: String,
    steps: VecDeque<Step>,
    /// What comes before the next step: to undo what can't be finished.
    urgent: VecDeque<Task>,
    states: Vec<State>,
    /// Who refers to each operation.
    referrers: BTreeMap<usize, BTreeSet<usize>>,
    errors: u64,
}

/// What is known of an operation.
#[derive(Clone, PartialEq, Debug)]
enum State {
    Waiting,
    /// Created, but for what this PATCH says.
    Begun {
        id: String,
        rest: Value,
    },
    Done {
        id: String,
    },
    Failed,
    /// Undone because the job stopped: as if it had never been tried.
    Dropped,
}

/// What is to be done next.
#[derive(Clone, PartialEq, Debug)]
pub enum Task {
    /// Do this, and [`Run::tell`] what came of it.
    Do {
        /// For which operation, by its place in the job.
        operation: usize,
        /// What to do.
        request: Request,
        /// Which part of the operation it is.
        stage: Stage,
    },
    /// Nothing can be done for this operation: it has failed. Whatever was said of it before no longer holds.
    Refuse {
        /// Which operation, by its place in the job.
        operation: usize,
        /// Why.
        why: Unmet,
    },
}

/// One request of a job, as it would be made alone.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The name of the resource type.
    pub resource_type: Name,
    /// To which resource; nothing for a new one.
    pub id: Option<String>,
    /// With what.
    pub data: Option<Value>,
    /// The version that the resource must have, as `If-Match` would say it.
    pub version: Option<String>,
}

/// Which part of an operation a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// All of it.
    Whole,
    /// A resource is created without the references to what isn't there yet. The operation isn't done.
    Begin,
    /// The references are put in: what comes of this is what comes of the operation.
    Finish,
    /// What was begun can't be finished, or refers to such a resource: it's deleted again. What comes of this changes nothing.
    Undo,
}

/// Why an operation can't even be tried.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unmet {
    /// The operation can't be read. HTTP 400.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// What it refers to was not created. HTTP 409.
    #[error(
        "the operation refers to `bulkId:{0}`, which failed: correct that one, then send both again"
    )]
    Failed(String),
    /// It can't be without what can't be without it. HTTP 409.
    #[error(
        "the operation refers to `bulkId:{0}` in a circle that can't be resolved: create one of them without the reference, then add it"
    )]
    Circle(String),
}

impl<'c> Run<'c> {
    /// Begins a job. `base` is the address of the endpoints, without a slash at its end, for references by address; `catalogue` and
    /// `options` are those that the job was read with.
    #[must_use]
    pub fn new(
        job: Job,
        catalogue: &'c Catalogue,
        options: impl Into<Options>,
        base: &str,
    ) -> Self {
        let mut referrers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (at, operation) in job.operations.iter().enumerate() {
            if let Ok(wish) = &operation.wish {
                for target in wish.needs.soft.iter().chain(&wish.needs.hard) {
                    referrers.entry(*target).or_default().insert(at);
                }
            }
        }
        let steps = plan::plan(&job.operations).into();
        let states = vec![State::Waiting; job.operations.len()];
        let (options, base, urgent) = (options.into(), base.to_owned(), VecDeque::new());
        Self { job, catalogue, options, base, steps, urgent, states, referrers, errors: 0 }
    }

    /// The operations, in the order of the request.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.job.operations
    }

    /// Whether an operation was processed: only those are reported. Known once nothing is left to do.
    #[must_use]
    pub fn is_processed(&self, operation: usize) -> bool {
        match self.states.get(operation) {
            Some(State::Done { .. } | State::Failed) => true,
            Some(State::Waiting | State::Begun { .. } | State::Dropped) | None => false,
        }
    }

    /// The id that an operation was about, as far as it is known.
    #[must_use]
    pub fn id(&self, operation: usize) -> Option<&str> {
        let wish = self.job.operations.get(operation)?.wish.as_ref().ok()?;
        match &wish.target {
            Some(Target::Id(id)) => Some(id),
            Some(Target::Made(bulk_id)) => self.made(*self.job.made_by.get(bulk_id)?),
            None => self.made(operation),
        }
    }

    /// What to do next; nothing if the job is at its end.
    #[expect(
        clippy::should_implement_trait,
        reason = "each answer depends on what is told in between"
    )]
    pub fn next(&mut self) -> Option<Task> {
        loop {
            if let Some(task) = self.urgent.pop_front() {
                return Some(task);
            }
            if self.is_stopped() {
                self.drop_begun();
                if self.urgent.is_empty() {
                    return None;
                }
                continue;
            }
            let task = match self.steps.pop_front()? {
                Step::Run(at) => self.start(at),
                Step::Finish(at) => self.finish(at),
            };
            if task.is_some() {
                return task;
            }
        }
    }

    /// Tells what came of a request: the resource's id, or nothing if it failed.
    pub fn tell(&mut self, operation: usize, stage: Stage, made: Option<String>) {
        match (stage, made) {
            (Stage::Whole, Some(id)) => self.set(operation, State::Done { id }),
            (Stage::Begin, Some(new)) => {
                if let Some(State::Begun { id, .. }) = self.states.get_mut(operation) {
                    *id = new;
                }
            }
            (Stage::Finish, Some(id)) => self.set(operation, State::Done { id }),
            (Stage::Whole | Stage::Begin, None) => {
                self.errors += 1;
                self.set(operation, State::Failed);
            }
            (Stage::Finish, None) => {
                self.undo(operation, State::Failed);
                self.errors += 1;
                self.fail_referrers(operation);
            }
            (Stage::Undo, _) => {}
        }
    }

    fn set(&mut self, operation: usize, state: State) {
        if let Some(there) = self.states.get_mut(operation) {
            *there = state;
        }
    }

    fn is_stopped(&self) -> bool {
        self.job.fail_on_errors.is_some_and(|most| self.errors >= most)
    }

    fn wish(&self, at: usize) -> Option<&Wish> {
        self.job.operations.get(at)?.wish.as_ref().ok()
    }

    fn rtype(&self, wish: &Wish) -> Option<&'c ResourceType> {
        self.catalogue.resource_type(&wish.resource_type)
    }

    /// The id of what an operation has created; it may not be finished.
    fn made(&self, at: usize) -> Option<&str> {
        match self.states.get(at) {
            Some(State::Begun { id, .. } | State::Done { id }) => Some(id),
            Some(State::Waiting | State::Failed | State::Dropped) | None => None,
        }
    }

    fn has_failed(&self, at: usize) -> bool {
        matches!(self.states.get(at), Some(State::Failed | State::Dropped))
    }

    /// The client's name for an operation, for messages.
    fn named(&self, at: usize) -> String {
        let bulk_id = self.job.operations.get(at).and_then(|one| one.bulk_id.as_deref());
        bulk_id.unwrap_or_default().chars().take(80).collect()
    }

    fn refuse(&mut self, operation: usize, why: Unmet) -> Task {
        self.errors += 1;
        self.set(operation, State::Failed);
        Task::Refuse { operation, why }
    }

    /// An operation, or as much of it as can be done.
    fn start(&mut self, at: usize) -> Option<Task> {
        let wish = match &mut self.job.operations.get_mut(at)?.wish {
            // It's sent once: who asks for the operation later sees all of it but its data.
            Ok(wish) => {
                let data = wish.data.take();
                Wish { data, ..wish.clone() }
            }
            Err(fault) => {
                let why = fault.clone().into();
                return Some(self.refuse(at, why));
            }
        };
        let rtype = self.rtype(&wish)?;
        let targets = || wish.needs.soft.iter().chain(&wish.needs.hard).copied();
        if let Some(failed) = targets().find(|target| self.has_failed(*target)) {
            let why = Unmet::Failed(self.named(failed));
            return Some(self.refuse(at, why));
        }
        let is_due = |target: &usize| self.made(*target).is_some();
        if let Some(due) = wish.needs.hard.iter().find(|target| !is_due(target)) {
            let why = Unmet::Circle(self.named(*due));
            return Some(self.refuse(at, why));
        }
        let is_whole = wish.needs.soft.iter().all(is_due);
        let id = match &wish.target {
            Some(Target::Id(id)) => Some(id.clone()),
            Some(Target::Made(bulk_id)) => {
                self.job.made_by.get(bulk_id).and_then(|maker| self.made(*maker)).map(str::to_owned)
            }
            None => None,
        };
        let mut stage = Stage::Whole;
        let Wish { method, resource_type, mut data, version, .. } = wish;
        if let Some(data) = &mut data {
            if !is_whole {
                let mut is_there = |bulk_id: &str| {
                    self.job.made_by.get(bulk_id).is_some_and(|maker| self.made(*maker).is_some())
                };
                let rest = references::split(data, rtype, &mut is_there);
                // Its id is told once it's there.
                self.set(at, State::Begun { id: String::new(), rest });
                stage = Stage::Begin;
            }
            self.resolve(data, method, rtype);
        }
        let request = Request { method, resource_type, id, data, version };
        Some(Task::Do { operation: at, request, stage })
    }

    /// Puts real ids in the place of those that are known by now.
    fn resolve(&self, data: &mut Value, method: Method, rtype: &ResourceType) {
        references::replace(data, method, rtype, self.options, &mut |bulk_id, form| {
            let maker = *self.job.made_by.get(bulk_id)?;
            let id = self.made(maker).filter(|id| !id.is_empty())?;
            let made = self.rtype(self.wish(maker)?)?;
            Some(match form {
                Form::Id => id.to_owned(),
                Form::Address => format!("{}{}/{id}", self.base, made.endpoint),
            })
        });
    }

    /// What was left out of an operation.
    fn finish(&mut self, at: usize) -> Option<Task> {
        let State::Begun { id, rest } = self.states.get(at)?.clone() else { return None };
        let wish = self.wish(at)?;
        let (resource_type, rtype) = (wish.resource_type.clone(), self.rtype(wish)?);
        if let Some(failed) = wish.needs.soft.iter().copied().find(|one| self.has_failed(*one)) {
            let why = Unmet::Failed(self.named(failed));
            self.undo(at, State::Failed);
            let refused = self.refuse(at, why);
            self.urgent.push_back(refused);
            self.fail_referrers(at);
            return self.urgent.pop_front();
        }
        let mut rest = rest;
        self.resolve(&mut rest, Method::Patch, rtype);
        let request = Request {
            method: Method::Patch,
            resource_type,
            id: Some(id),
            data: Some(rest),
            version: None,
        };
        Some(Task::Do { operation: at, request, stage: Stage::Finish })
    }

    /// Deletes what an operation has created.
    fn undo(&mut self, at: usize, state: State) {
        let (Some(id), Some(wish)) = (self.made(at), self.wish(at)) else { return };
        let request = Request {
            method: Method::Delete,
            resource_type: wish.resource_type.clone(),
            id: Some(id.to_owned()),
            data: None,
            version: None,
        };
        self.set(at, state);
        self.urgent.push_back(Task::Do { operation: at, request, stage: Stage::Undo });
    }

    /// What was created with a reference to something that is undone is undone as well: a circle stands or falls as one.
    fn fail_referrers(&mut self, failed: usize) {
        for at in self.creations_on(failed) {
            let why = Unmet::Failed(self.named(failed));
            self.undo(at, State::Failed);
            let refused = self.refuse(at, why);
            self.urgent.push_back(refused);
        }
    }

    /// The creations that refer to this one, directly or not.
    fn creations_on(&self, at: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut look = vec![at];
        while let Some(at) = look.pop() {
            for referrer in self.referrers.get(&at).into_iter().flatten().copied() {
                let is_creation =
                    self.wish(referrer).is_some_and(|wish| wish.method == Method::Post);
                if is_creation && self.made(referrer).is_some() && found.insert(referrer) {
                    look.push(referrer);
                }
            }
        }
        found.remove(&at);
        found
    }

    /// The job has stopped: what is only half there must not stay, nor what was created with a reference to it.
    fn drop_begun(&mut self) {
        self.steps.clear();
        let is_begun = |at: &usize| matches!(self.states.get(*at), Some(State::Begun { .. }));
        let begun: Vec<usize> = (0..self.states.len()).filter(is_begun).collect();
        for at in begun {
            let with_it = self.creations_on(at);
            self.undo(at, State::Dropped);
            with_it.into_iter().for_each(|other| self.undo(other, State::Dropped));
        }
    }
}
