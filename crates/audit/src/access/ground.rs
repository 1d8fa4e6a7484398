//! Why a policy is about somebody: back to the commits.

use ::access::text::Kind;
use ::access::{Answer, Applicable, Asked, Decision, Effect, Principal, Reason, Through, named};
use domain::directory::{EVERYONE, User};
use domain::event::{Event, EventKind, Subject};
use domain::id::{GroupId, PolicyId, UserId};
use domain::visible::PUBLIC;
use scim::UserNameKey;

use super::answer::{Broken, Can, Checked, Decided, Ground, Grounds, Listed, Who};
use super::{AccessError, head};
use crate::ask::AskError;
use crate::entry::{Entry, Named};
use crate::explain::{Log, held, ways};

/// Reads the commits behind answers of one moment.
pub(super) struct Grounding<'a> {
    pub(super) log: Log<'a>,
}

impl<'a> Grounding<'a> {
    pub(super) fn new(log: Log<'a>) -> Self {
        Grounding { log }
    }

    /// An answer in words, with what lies behind it if that is wanted.
    pub(super) fn checked(
        &mut self,
        asked: &Asked,
        answer: Answer,
        explain: bool,
    ) -> Result<Checked, AccessError> {
        let decision = match answer.decision() {
            Decision::Allow => Decided::Allow,
            Decision::Deny => Decided::Deny,
        };
        let mut policies = Vec::new();
        for policy in &answer.determining {
            let user = answer.user.filter(|_| explain);
            policies.push(self.grounds(policy.id, &policy.name, policy.effect, user)?);
        }
        let since = match (answer.user, answer.reason) {
            (Some(user), Some(reason)) if explain => self.stopped(user, reason)?,
            (_, _) => None,
        };
        let errors = answer.errors.into_iter();
        Ok(Checked {
            user: self.who(answer.user, &asked.user),
            action: asked.action.clone(),
            resource: asked.resource.clone(),
            decision,
            reason: answer.reason.map(|reason| reason.word().to_owned()),
            policies,
            since,
            errors: errors.map(|(policy, error)| Broken { policy, error }).collect(),
        })
    }

    /// Policies that can apply, with what lies behind them.
    pub(super) fn listed(
        &mut self,
        who: &str,
        all: Vec<Applicable>,
    ) -> Result<Listed, AccessError> {
        let user = self.find(who).ok_or_else(|| AccessError::NoUser(who.to_owned()))?;
        let (id, reason) = (user.id, ::access::barred(self.log.directory(), user));
        let mut policies = Vec::new();
        for can in all {
            let mut grounds = self.grounds(can.id, &can.name, can.effect, None)?;
            grounds.written = self.written(can.id)?;
            grounds.through = self.through(id, can.through)?.into_iter().collect();
            let (actions, conditional) = (can.actions, can.is_conditional);
            policies.push(Can { grounds, actions, conditional });
        }
        let reason = reason.map(|reason| reason.word().to_owned());
        Ok(Listed { head: head(self.log.moment)?, user: self.who(Some(id), who), reason, policies })
    }

    fn find(&self, who: &str) -> Option<&'a User> {
        let users = &self.log.directory().users;
        let by_id = who.parse().ok().and_then(|id| users.get(id));
        by_id.or_else(|| users.named(&UserNameKey::of(who).ok()?))
    }

    pub(super) fn who(&self, user: Option<UserId>, asked: &str) -> Who {
        let there = user.and_then(|id| self.log.directory().users.get(id));
        Who {
            id: user.map(|id| id.to_string()),
            name: there.map_or_else(|| asked.to_owned(), |user| user.user_name.to_string()),
        }
    }

    fn grounds(
        &mut self,
        policy: PolicyId,
        name: &str,
        effect: Effect,
        user: Option<UserId>,
    ) -> Result<Grounds, AccessError> {
        let effect = match effect {
            Effect::Permit => "permit",
            Effect::Forbid => "forbid",
        };
        let mut grounds = Grounds {
            policy: Named::new("policy", policy, Some(name.to_owned())),
            effect: effect.to_owned(),
            written: None,
            through: Vec::new(),
        };
        let Some(user) = user else { return Ok(grounds) };
        grounds.written = self.written(policy)?;
        let directory = self.log.directory();
        let text = directory.policies.get(policy).map(|policy| policy.text.as_str());
        for principal in named(text.unwrap_or_default(), directory) {
            let through = match principal {
                Principal::User(id) if id == user => Some(Through::User(id)),
                Principal::Group(id) => Some(Through::Group(id)),
                Principal::Role(id) => {
                    directory.roles.get(id).map(|role| Through::Role(role.name.clone()))
                }
                Principal::Public => Some(Through::Public),
                Principal::User(_) | Principal::Nobody(..) => None,
            };
            if let Some(through) = through {
                grounds.through.extend(self.through(user, through)?);
            }
        }
        Ok(grounds)
    }

    /// The commit that wrote a policy as it is.
    fn written(&mut self, policy: PolicyId) -> Result<Option<Entry>, AskError> {
        let Some(there) = self.log.directory().policies.get(policy) else { return Ok(None) };
        let about = Subject::Policy(policy);
        let counts = |event: &Event| event.is_about(about);
        self.log.entry(there.modified.position, counts).map(Some)
    }

    /// What puts a user there; none: nothing does.
    fn through(&mut self, user: UserId, through: Through) -> Result<Option<Ground>, AskError> {
        match through {
            Through::Everybody => Ok(None),
            // Nobody was ever put into it.
            Through::Public => {
                let (kind, name) = (Kind::Group.word().to_owned(), Some(PUBLIC.to_owned()));
                let what = Named { kind, id: None, name };
                Ok(Some(Ground { what, ways: Vec::new(), role: None }))
            }
            Through::User(id) => {
                let what = self.log.user(id)?;
                Ok(Some(Ground { what, ways: Vec::new(), role: None }))
            }
            Through::Group(id) => self.in_group(user, id),
            Through::Role(name) => {
                let Some(id) = self.log.directory().roles.named(&name).map(|role| role.id) else {
                    return Ok(None);
                };
                let what = Named::new(Kind::Role.word(), id, Some(name.clone()));
                let role = held(&mut self.log, user, |role| role == id)?.into_iter().next();
                // What everybody has is given by nobody.
                let has = role.is_some() || name == EVERYONE;
                Ok(has.then_some(Ground { what, ways: Vec::new(), role }))
            }
        }
    }

    fn in_group(&mut self, user: UserId, group: GroupId) -> Result<Option<Ground>, AskError> {
        let ways = ways(&mut self.log, user, group)?;
        if ways.is_empty() {
            return Ok(None);
        }
        Ok(Some(Ground { what: self.log.group(group)?, ways, role: None }))
    }

    /// The commit that took away the right to act.
    fn stopped(&mut self, user: UserId, reason: Reason) -> Result<Option<Entry>, AskError> {
        let about = Subject::User(user);
        match reason {
            Reason::Inactive => match self.log.last(about, EventKind::UserDeactivated)? {
                // Whoever was created inactive was never deactivated.
                None => self.log.last(about, EventKind::UserCreated),
                found => Ok(found),
            },
            Reason::Locked => self.log.last(about, EventKind::UserLocked),
            // None: they never had a role.
            Reason::NoPrivileges => self.log.last(about, EventKind::RoleRevoked),
            Reason::NoSuchUser | Reason::NoPolicy | Reason::Forbidden => Ok(None),
        }
    }
}
