//! May they? One question, answered.

use cedar_policy::{Authorizer, Entities, Request};
use domain::directory::{Directory, User};
use domain::id::{PolicyId, UserId};

use crate::compiled::{Compiled, Effect, Rule};
use crate::person::{Person, find};
use crate::request::{Asked, Question, Unasked, told};

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// They may.
    Allow,
    /// They may not.
    Deny,
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// There is nobody of that name or id.
    NoSuchUser,
    /// They are not active.
    Inactive,
    /// An operator locked them.
    Locked,
    /// They have no role but the one that everybody has.
    NoPrivileges,
    /// No policy allows it.
    NoPolicy,
    /// A policy forbids it.
    Forbidden,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 6] = [
        Reason::NoSuchUser,
        Reason::Inactive,
        Reason::Locked,
        Reason::NoPrivileges,
        Reason::NoPolicy,
        Reason::Forbidden,
    ];

    /// As it is written: `no-policy`.
    pub fn word(self) -> &'static str {
        match self {
            Reason::NoSuchUser => "no-such-user",
            Reason::Inactive => "inactive",
            Reason::Locked => "locked",
            Reason::NoPrivileges => "no-privileges",
            Reason::NoPolicy => "no-policy",
            Reason::Forbidden => "forbidden",
        }
    }
}

/// What a question is answered with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Who was meant; none: nobody is called so.
    pub user: Option<UserId>,
    /// Why not; none: they may.
    pub reason: Option<Reason>,
    /// The policies that decided: those that allow it, or those that forbid it. By name.
    pub determining: Vec<Determining>,
    /// Policies that could not be evaluated, each with why. They count as if they were not there.
    pub errors: Vec<(String, String)>,
}

/// A policy that decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Determining {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// What it did.
    pub effect: Effect,
}

impl Answer {
    /// Yes or no.
    pub fn decision(&self) -> Decision {
        if self.reason.is_none() { Decision::Allow } else { Decision::Deny }
    }

    fn no(user: Option<&User>, reason: Reason) -> Answer {
        Answer {
            user: user.map(|user| user.id),
            reason: Some(reason),
            determining: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// Why somebody may do nothing at all, whatever policies say, if so.
pub fn barred(directory: &Directory, user: &User) -> Option<Reason> {
    if user.lock.is_some() {
        return Some(Reason::Locked);
    }
    if !user.active {
        return Some(Reason::Inactive);
    }
    directory.lacks_privileges(user).then_some(Reason::NoPrivileges)
}

/// What is evaluated came to this.
#[derive(Default)]
struct Found<'a> {
    permits: Vec<&'a Rule>,
    forbids: Vec<&'a Rule>,
    errors: Vec<(String, String)>,
}

impl Compiled {
    /// Whether somebody may do something, in the directory that the policies are of.
    ///
    /// # Errors
    /// When the question does not fit the schema: no such action, a resource of a wrong type, a context or entities of
    /// another form.
    pub fn check(&self, directory: &Directory, asked: &Asked) -> Result<Answer, Unasked> {
        let question = self.question(directory, asked)?;
        let Some(user) = find(directory, &asked.user) else {
            return Ok(Answer::no(None, Reason::NoSuchUser));
        };
        if let Some(reason) = barred(directory, user) {
            return Ok(Answer::no(Some(user), reason));
        }
        let person = Person::of(directory, user);
        let found = self.evaluate(&person, question)?;
        let (reason, decided) = match (found.permits.is_empty(), found.forbids.is_empty()) {
            (_, false) => (Some(Reason::Forbidden), found.forbids),
            (false, true) => (None, found.permits),
            (true, true) => (Some(Reason::NoPolicy), Vec::new()),
        };
        let determining = decided.into_iter().map(|rule| Determining {
            id: rule.id,
            name: rule.name.clone(),
            effect: rule.effect,
        });
        let mut errors = found.errors;
        let unread = self.unread.iter();
        errors.extend(
            unread.map(|fault| (fault.policy.clone().unwrap_or_default(), fault.message.clone())),
        );
        Ok(Answer { user: Some(user.id), reason, determining: determining.collect(), errors })
    }

    /// Asks each policy whose scope can be about the person, the action and the resource, and no other.
    ///
    /// One by one comes to what Cedar says of them all together: it allows what some permit and no forbid is satisfied
    /// by, and passes over those that cannot be evaluated.
    fn evaluate(&self, person: &Person<'_>, question: Question<'_>) -> Result<Found<'_>, Unasked> {
        let Question { action, resource, context, brought, refers } = question;
        let mut rules = action
            .rules
            .iter()
            .filter_map(|index| self.rules.get(*index))
            .filter(|rule| person.is(&rule.who) && rule.may_concern(&resource))
            .peekable();
        let entity = person.entity(self, refers);
        let request = Request::new(
            entity.uid(),
            action.uid.clone(),
            resource.clone(),
            context,
            Some(&self.schema),
        )
        .map_err(|said| Unasked(told(&said)))?;
        let mut found = Found::default();
        if rules.peek().is_none() {
            return Ok(found);
        }
        let entities = match brought {
            // What is brought under a schema has its actions already.
            Some(brought) => brought.upsert_entities([entity, action.entity.clone()], None),
            None => Entities::from_entities([entity, action.entity.clone()], None),
        };
        let entities = entities.map_err(|said| Unasked(told(&said)))?;
        let authorizer = Authorizer::new();
        for rule in rules {
            let response = authorizer.is_authorized(&request, &rule.set, &entities);
            let diagnostics = response.diagnostics();
            let errors = diagnostics.errors().map(|said| (rule.name.clone(), said.to_string()));
            found.errors.extend(errors);
            if diagnostics.reason().next().is_some() {
                match rule.effect {
                    Effect::Permit => found.permits.push(rule),
                    Effect::Forbid => found.forbids.push(rule),
                }
            }
        }
        Ok(found)
    }
}
