//! A tenant while a turn changes it: one snapshot that goes from commit to commit, and who of those
//! that asked waits to be shown it.
//!
//! A snapshot of its own for each commit would copy the same parts of every index again and again.
//! So the commits of a turn change one snapshot in place, and it is frozen only when somebody must see
//! it as it is: at the end of the turn, around a command that may change how everything is shown, and
//! before a commit touches what an earlier request of the turn is about. Then a client sees in the
//! answer to its write nothing of what others wrote to the same resource after it.

use std::collections::HashSet;
use std::sync::Arc;

use domain::command::{Command, Decision};
use domain::commit::{Commit, Unfit};
use domain::event::Subject;
use domain::position::Hash;
use domain::snapshot::Snapshot;

/// A tenant while a turn changes it.
pub(crate) struct Tip {
    now: Snapshot,
    /// As it was when it was frozen last.
    frozen: Arc<Snapshot>,
    /// What has happened since: what leads from `frozen` to `now`.
    since: Vec<(Commit, Hash)>,
    /// Which of the turn's answers will show the tenant as it is when it is frozen next.
    waiting: Vec<usize>,
    /// What they are about.
    shown: HashSet<Subject>,
}

/// Answers that may show a tenant as it is now, by their number in the turn.
pub(crate) type Frozen = (Vec<usize>, Arc<Snapshot>);

impl Tip {
    pub(crate) fn of(snapshot: Arc<Snapshot>) -> Tip {
        Tip {
            now: (*snapshot).clone(),
            frozen: snapshot,
            since: Vec::new(),
            waiting: Vec::new(),
            shown: HashSet::new(),
        }
    }

    pub(crate) fn now(&self) -> &Snapshot {
        &self.now
    }

    /// As it was when it was frozen last: what a waiting answer holds until it gets what it waits for.
    pub(crate) fn frozen(&self) -> &Arc<Snapshot> {
        &self.frozen
    }

    /// Whether a decision touches what an answer is about that waits.
    pub(crate) fn would_disturb(&self, decision: &Decision) -> bool {
        let mut disturbs = false;
        for event in decision.events.iter().filter(|_| !self.shown.is_empty()) {
            event.each_subject(|subject| disturbs |= self.shown.contains(&subject));
        }
        disturbs
    }

    /// Makes a commit part of the tenant.
    ///
    /// # Errors
    /// When it contradicts the directory; [`Tip::restore`] it then.
    pub(crate) fn advance(&mut self, commit: Commit, hash: Hash) -> Result<(), Unfit> {
        self.now.advance(&commit, hash)?;
        self.since.push((commit, hash));
        Ok(())
    }

    /// Brings the tenant back to where the last commit that fits had brought it, after one that did
    /// not, or that panicked half-way.
    ///
    /// # Errors
    /// When a commit does not fit where it did before; nothing is known of the tenant then.
    pub(crate) fn restore(&mut self) -> Result<(), Unfit> {
        self.now = (*self.frozen).clone();
        self.since.iter().try_for_each(|(commit, hash)| self.now.advance(commit, *hash))
    }

    /// Takes the last commit back.
    ///
    /// # Errors
    /// See [`Tip::restore`].
    pub(crate) fn take_back(&mut self) -> Result<(), Unfit> {
        self.since.pop();
        self.restore()
    }

    /// The answer with this number waits to be shown the tenant; it is about these.
    pub(crate) fn wait(&mut self, answer: usize, about: impl IntoIterator<Item = Subject>) {
        self.waiting.push(answer);
        self.shown.extend(about);
    }

    /// The tenant as it is now, for those that wait for it.
    pub(crate) fn freeze(&mut self) -> Frozen {
        if !self.since.is_empty() {
            self.frozen = Arc::new(self.now.clone());
            self.since.clear();
        }
        self.shown.clear();
        (std::mem::take(&mut self.waiting), self.frozen.clone())
    }

    /// The tenant as it is at the end of the turn.
    pub(crate) fn finish(self) -> Frozen {
        let Tip { now, frozen, since, waiting, .. } = self;
        (waiting, if since.is_empty() { frozen } else { Arc::new(now) })
    }
}

/// Whom a command is about whose answer may show the tenant with more changed than the command did. None: it is shown
/// the tenant right after it, for what it changes may be seen in any resource.
pub(crate) fn about(command: &Command) -> Option<Subject> {
    match command {
        Command::User(id, _) | Command::JustInTime(id, _) => Some(Subject::User(*id)),
        Command::Group(id, _) => Some(Subject::Group(*id)),
        Command::EraseUser { .. }
        | Command::Release(_)
        | Command::ReleaseAll { .. }
        | Command::LockUser { .. }
        | Command::UnlockUser { .. }
        | Command::AssignRole { .. }
        | Command::RevokeRole { .. }
        | Command::DefineRole { .. }
        | Command::RetireRole { .. }
        | Command::AddRule { .. }
        | Command::RemoveRule { .. }
        | Command::OpenTenant { .. }
        | Command::SuspendTenant { .. }
        | Command::ResumeTenant
        | Command::CloseTenant { .. }
        | Command::DescribeTenant { .. }
        | Command::AddOperator { .. }
        | Command::ChangeOperator { .. }
        | Command::RemoveOperator { .. }
        | Command::AddConnector { .. }
        | Command::ChangeConnector { .. }
        | Command::RemoveConnector { .. }
        | Command::AddSchema { .. }
        | Command::WritePolicy { .. }
        | Command::DeletePolicy { .. }
        | Command::WritePolicySchema { .. }
        | Command::IssueCredential { .. }
        | Command::AddCredential(_)
        | Command::RotateCredential { .. }
        | Command::ReplaceKeys { .. }
        | Command::RevokeCredential { .. } => None,
    }
}

/// The users and groups that a decision is about.
pub(crate) fn touched(own: Subject, decision: &Decision) -> HashSet<Subject> {
    let mut touched: HashSet<_> = decision.about.map(Subject::from).into_iter().collect();
    touched.insert(own);
    for event in &decision.events {
        event.each_subject(|subject| {
            // A role that is given to somebody is shown as it was.
            if matches!(subject, Subject::User(_) | Subject::Group(_)) {
                touched.insert(subject);
            }
        });
    }
    touched
}
