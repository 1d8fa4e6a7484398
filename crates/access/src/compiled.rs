//! A tenant's policies as of a moment, read once: every check is answered from them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Entity, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint,
    ResourceConstraint, Schema,
};
use domain::directory::Schemas;
use domain::id::{GroupId, PolicyId, UserId};
use domain::visible::PUBLIC;
use scim::Attribute;

use crate::fault::Fault;
use crate::text::{self, Kind};
use crate::types::{self, Kinds, Types};
use crate::validate::parse;

/// A policy as the log has it: ids where people write names.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What a policy does when it applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It allows, …
    Permit,
    /// … or it denies, whatever others allow.
    Forbid,
}

/// Policies and schema of a tenant at one moment, ready to be asked.
#[derive(Debug)]
pub struct Compiled {
    pub(crate) schema: Schema,
    pub(crate) kinds: Kinds,
    pub(crate) rules: Vec<Rule>,
    /// Policies that cannot be read; they allow and forbid nothing.
    pub(crate) unread: Vec<Fault>,
    actions: Vec<Action>,
    /// Actions by their full names, and by their ids alone where only one has it.
    by_name: HashMap<String, usize>,
    pub(crate) entity_types: HashMap<String, EntityTypeName>,
    /// The attributes of users that some policy may look at, with the extension that each is in.
    pub(crate) attributes: Vec<(Option<Box<str>>, Arc<Attribute>)>,
    /// The groups and roles that some policy names.
    pub(crate) groups: BTreeMap<GroupId, EntityUid>,
    pub(crate) roles: BTreeMap<String, EntityUid>,
    /// The group that is built in, if some policy names it.
    pub(crate) public: Option<EntityUid>,
}

/// A policy and what its scope says.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: PolicyId,
    pub(crate) name: String,
    pub(crate) effect: Effect,
    pub(crate) who: Who,
    pub(crate) what: What,
    pub(crate) is_conditional: bool,
    pub(crate) policy: Policy,
    /// The policy alone: what else is in a set is evaluated for every request.
    pub(crate) set: PolicySet,
}

/// Whom a policy's scope is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Everybody,
    /// Everybody, too: whoever is in the group that is built in.
    Public,
    User(UserId),
    Group(GroupId),
    Role(String),
    /// Somebody who never asks.
    Nobody,
}

/// Which resources a policy's scope is about, as far as it can be told without their parents.
#[derive(Debug)]
pub(crate) enum What {
    Maybe,
    Only(EntityUid),
    OfType(EntityTypeName),
}

/// An action of the schema.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) uid: EntityUid,
    /// With every group of actions that it is in.
    pub(crate) entity: Entity,
    /// The policies whose scope is about it.
    pub(crate) rules: Vec<usize>,
}

impl Compiled {
    /// Reads a tenant's policies. One that cannot be read any more is left out, and said so in every answer: a schema
    /// that changed since makes no policy apply that did not.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn of<'a>(
        schemas: &Schemas,
        declared: &str,
        policies: impl IntoIterator<Item = Written<'a>>,
    ) -> Result<Compiled, Vec<Fault>> {
        let schema = Types::of(schemas, declared)?.into_schema();
        let kinds = Kinds::of(&schema)?;
        let (mut rules, mut unread) = (Vec::new(), Vec::new());
        let mut words: HashSet<&str> = HashSet::new();
        let mut mentions = Vec::new();
        let mut is_escaped = false;
        for Written { id, name, text } in policies {
            match parse(name, text) {
                Ok(policy) => rules.push(Rule::of(id, name, policy)),
                Err(faults) => unread.extend(faults),
            }
            words.extend(text::words(text));
            is_escaped |= text.contains('\\');
            mentions.extend(text::mentions(text));
        }
        rules.sort_by(|one, other| one.name.cmp(&other.name));
        let attributes = types::attributes(schemas)
            .into_iter()
            .filter(|seen| is_escaped || words.contains(&*seen.attribute.name))
            .map(|seen| (seen.extension.map(Box::from), seen.attribute.clone()))
            .collect();
        let (mut groups, mut roles, mut public) = (BTreeMap::new(), BTreeMap::new(), None);
        for mention in mentions {
            let uid = || kinds.uid(mention.kind, &mention.id);
            match (mention.kind, mention.id.parse::<GroupId>()) {
                (Kind::Group, Ok(id)) => drop(groups.insert(id, uid())),
                (Kind::Group, Err(_)) if mention.id == PUBLIC => public = Some(uid()),
                (Kind::Role, _) => drop(roles.insert(mention.id.clone(), uid())),
                (Kind::User | Kind::Group, _) => {}
            }
        }
        let actions = actions(&schema, &rules);
        let by_name = names(&actions);
        let entity_types =
            schema.entity_types().map(|name| (name.to_string(), name.clone())).collect();
        Ok(Compiled {
            schema,
            kinds,
            rules,
            unread,
            actions,
            by_name,
            entity_types,
            attributes,
            groups,
            roles,
            public,
        })
    }

    /// The action with this name: in full, as in `Sales::Action::"select"`, or its id where only one action has it.
    pub(crate) fn action(&self, name: &str) -> Option<&Action> {
        self.by_name.get(name).and_then(|index| self.actions.get(*index))
    }

    /// The names of the actions that users may ask for, in order.
    pub fn actions(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .actions
            .iter()
            .filter(|action| self.applies(&action.uid))
            .map(|action| self.name(action))
            .collect();
        names.sort();
        names
    }

    /// The actions that a policy's scope is about, by name.
    pub(crate) fn actions_of(&self, index: usize, rule: &Rule) -> Vec<String> {
        let mut names: Vec<String> = self
            .actions
            .iter()
            .filter(|action| action.rules.contains(&index) && self.fits(&action.uid, rule))
            .map(|action| self.name(action))
            .collect();
        names.sort();
        names
    }

    /// Whether an action is asked of resources that a policy's scope can be about.
    fn fits(&self, action: &EntityUid, rule: &Rule) -> bool {
        let mut kinds = self.resource_kinds(action);
        kinds.any(|kind| match &rule.what {
            What::Maybe => true,
            What::Only(uid) => uid.type_name() == kind,
            What::OfType(only) => only == kind,
        })
    }

    fn applies(&self, action: &EntityUid) -> bool {
        self.resource_kinds(action).next().is_some()
    }

    /// The types of resources that users ask an action for; none, where it is nothing that users ask for.
    fn resource_kinds(&self, action: &EntityUid) -> impl Iterator<Item = &EntityTypeName> {
        let mut who = self.schema.principals_for_action(action).into_iter().flatten();
        let is_asked = who.any(|kind| self.kinds.is_user(kind));
        self.schema.resources_for_action(action).filter(|_| is_asked).into_iter().flatten()
    }

    fn name(&self, action: &Action) -> String {
        let short = action.uid.id().unescaped();
        if self.by_name.contains_key(short) { short.to_owned() } else { action.uid.to_string() }
    }

    /// The resources that some policy names, each with the actions that it can be asked for, and for each type of
    /// resources that an action has one that no policy names, called `*`.
    pub fn resources(&self) -> Vec<(String, Vec<String>)> {
        let literals: BTreeSet<EntityUid> =
            self.rules.iter().flat_map(|rule| rule.policy.entity_literals()).collect();
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for action in &self.actions {
            let name = self.name(action);
            for kind in self.resource_kinds(&action.uid) {
                let other = types::other(kind);
                let known = literals.iter().filter(|uid| uid.type_name() == kind);
                for uid in known.map(ToString::to_string).chain([other]) {
                    let actions = all.entry(uid).or_default();
                    if actions.last() != Some(&name) {
                        actions.push(name.clone());
                    }
                }
            }
        }
        all.into_iter().collect()
    }
}

impl Rule {
    fn of(id: PolicyId, name: &str, policy: Policy) -> Rule {
        let who = match policy.principal_constraint() {
            PrincipalConstraint::Any => Who::Everybody,
            PrincipalConstraint::Is(kind) if kind.to_string() == "User" => Who::Everybody,
            PrincipalConstraint::IsIn(kind, uid) if kind.to_string() == "User" => Who::of(&uid),
            PrincipalConstraint::Is(_) | PrincipalConstraint::IsIn(..) => Who::Nobody,
            PrincipalConstraint::In(uid) => Who::of(&uid),
            // Nobody who asks is a group or a role.
            PrincipalConstraint::Eq(uid) => match Who::of(&uid) {
                Who::User(id) => Who::User(id),
                Who::Everybody | Who::Public | Who::Group(_) | Who::Role(_) | Who::Nobody => {
                    Who::Nobody
                }
            },
        };
        let what = match policy.resource_constraint() {
            ResourceConstraint::Any | ResourceConstraint::In(_) => What::Maybe,
            ResourceConstraint::Eq(uid) => What::Only(uid),
            ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => What::OfType(kind),
        };
        let effect = match policy.effect() {
            cedar_policy::Effect::Permit => Effect::Permit,
            cedar_policy::Effect::Forbid => Effect::Forbid,
        };
        let is_conditional = policy.has_non_scope_constraint();
        // A set of one takes any policy.
        let set = PolicySet::from_policies([policy.clone()]).unwrap_or_default();
        Rule { id, name: name.to_owned(), effect, who, what, is_conditional, policy, set }
    }

    /// Whether its scope can be about this resource.
    pub(crate) fn may_concern(&self, resource: &EntityUid) -> bool {
        match &self.what {
            What::Maybe => true,
            What::Only(uid) => uid == resource,
            What::OfType(kind) => kind == resource.type_name(),
        }
    }
}

impl Who {
    fn of(uid: &EntityUid) -> Who {
        let id = uid.id().unescaped();
        match Kind::of(&uid.type_name().to_string()) {
            Some(Kind::User) => id.parse().map_or(Who::Nobody, Who::User),
            Some(Kind::Group) if id == PUBLIC => Who::Public,
            Some(Kind::Group) => id.parse().map_or(Who::Nobody, Who::Group),
            Some(Kind::Role) => Who::Role(id.to_owned()),
            None => Who::Nobody,
        }
    }
}

/// The schema's actions, each with the policies whose scope is about it.
fn actions(schema: &Schema, rules: &[Rule]) -> Vec<Action> {
    let hierarchy = schema.action_entities().unwrap_or_else(|_| cedar_policy::Entities::empty());
    let mut actions: Vec<Action> = Vec::new();
    for uid in schema.actions() {
        let above: HashSet<EntityUid> =
            hierarchy.ancestors(uid).into_iter().flatten().cloned().collect();
        let concerns = |rule: &Rule| match rule.policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(only) => only == *uid,
            ActionConstraint::In(these) => {
                these.iter().any(|one| one == uid || above.contains(one))
            }
        };
        let rules = rules.iter().enumerate().filter(|(_, rule)| concerns(rule));
        let rules = rules.map(|(index, _)| index).collect();
        let entity = Entity::new_no_attrs(uid.clone(), above);
        actions.push(Action { uid: uid.clone(), entity, rules });
    }
    actions.sort_by(|one, other| one.uid.cmp(&other.uid));
    actions
}

fn names(actions: &[Action]) -> HashMap<String, usize> {
    let mut by_name = HashMap::new();
    let mut several: HashSet<&str> = HashSet::new();
    for (index, action) in actions.iter().enumerate() {
        let short = action.uid.id().unescaped();
        if by_name.insert(short.to_owned(), index).is_some() {
            several.insert(short);
        }
    }
    for short in several {
        by_name.remove(short);
    }
    for (index, action) in actions.iter().enumerate() {
        by_name.insert(action.uid.to_string(), index);
    }
    by_name
}
