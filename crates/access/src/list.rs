//! Which policies can apply to somebody, before anything is asked.

use domain::directory::Directory;
use domain::id::{GroupId, PolicyId, UserId};

use crate::compiled::{Compiled, Effect, Rule, Who};
use crate::person::{Person, find};

/// A policy whose scope is about somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applicable {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// What it does when it applies.
    pub effect: Effect,
    /// Through what it is about them.
    pub through: Through,
    /// Whether it applies only under conditions, beside its scope.
    pub is_conditional: bool,
    /// The actions that its scope is about, by name.
    pub actions: Vec<String>,
}

/// What makes a policy be about somebody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Through {
    /// It is about everybody.
    Everybody,
    /// It names them.
    User(UserId),
    /// They are in this group, themselves or through others.
    Group(GroupId),
    /// They have the role of this name.
    Role(String),
    /// It is about the group that is built in.
    Public,
}

impl Through {
    fn of(who: &Who) -> Option<Through> {
        match who {
            Who::Everybody => Some(Through::Everybody),
            Who::Public => Some(Through::Public),
            Who::User(id) => Some(Through::User(*id)),
            Who::Group(id) => Some(Through::Group(*id)),
            Who::Role(name) => Some(Through::Role(name.clone())),
            Who::Nobody => None,
        }
    }
}

impl Compiled {
    /// The policies whose scope is about a user, by name. Whether somebody may do anything at all is not asked here: for
    /// who is inactive these are the policies that would apply again.
    ///
    /// None: nobody is called so.
    pub fn applicable(&self, directory: &Directory, who: &str) -> Option<Vec<Applicable>> {
        let mut person = Person::of(directory, find(directory, who)?);
        person.roles.extend(directory.roles.everyone().map(|role| role.name.clone()));
        let about = self.rules.iter().enumerate().filter(|(_, rule)| person.is(&rule.who));
        Some(about.filter_map(|(index, rule)| self.applicable_rule(index, rule)).collect())
    }

    /// What a policy's scope says, by its name.
    pub fn scope(&self, name: &str) -> Option<Applicable> {
        let found = self.rules.iter().enumerate().find(|(_, rule)| rule.name == name);
        found.and_then(|(index, rule)| self.applicable_rule(index, rule))
    }

    fn applicable_rule(&self, index: usize, rule: &Rule) -> Option<Applicable> {
        Some(Applicable {
            id: rule.id,
            name: rule.name.clone(),
            effect: rule.effect,
            through: Through::of(&rule.who)?,
            is_conditional: rule.is_conditional,
            actions: self.actions_of(index, rule),
        })
    }
}
