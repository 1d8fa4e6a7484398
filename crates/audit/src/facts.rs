//! A thing of a directory as facts by key: what two moments are compared by.
//!
//! Each struct of the directory is taken apart field by field, so that a field that is added there does not compile until it
//! is a fact here, or is left out on purpose.

use std::collections::BTreeMap;

use domain::directory::{
    Connector, Credential, CustomSchema, Directory, ExternalId, Group, Lock, Operator, Policy,
    PolicySchema, Role, Rule, Standing, Tenant, User,
};
use domain::event::{Member, Subject};
use domain::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, PolicyId, RoleId, RuleId, TenantId, UserId,
};
use scim::Packed;
use serde_json::{Value, json};

use crate::ask::AskError;
use crate::entry::Named;
use crate::show::made;

/// What can be there at one moment and not, or otherwise, at another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Item {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A role.
    Role(RoleId),
    /// A rule that gives a role to whoever is in a group; it is there while it is in effect.
    Rule(RuleId),
    /// A policy.
    Policy(PolicyId),
    /// What the policies can speak about.
    PolicySchema,
    /// A connector.
    Connector(ConnectorId),
    /// A credential.
    Credential(CredentialId),
    /// A schema that the tenant added, by its URN.
    Schema(String),
    /// A tenant, in the instance's own log.
    Tenant(TenantId),
    /// An operator, in the instance's own log.
    Operator(OperatorId),
}

impl Item {
    /// What the trail calls it; a schema is in no trail, a rule in those of its group and its role.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Item::User(id) => Some(Subject::User(*id)),
            Item::Group(id) => Some(Subject::Group(*id)),
            Item::Role(id) => Some(Subject::Role(*id)),
            Item::Policy(id) => Some(Subject::Policy(*id)),
            Item::Connector(id) => Some(Subject::Connector(*id)),
            Item::Credential(id) => Some(Subject::Credential(*id)),
            Item::Rule(_) | Item::Schema(_) | Item::PolicySchema => None,
            Item::Tenant(id) => Some(Subject::Tenant(*id)),
            Item::Operator(id) => Some(Subject::Operator(*id)),
        }
    }

    /// What it is, as in `user`, and its name in a directory.
    pub fn named(&self, directory: &Directory) -> Named {
        let named = |kind, id: &dyn ToString, name: Option<&String>| {
            Named::new(kind, id.to_string(), name.cloned())
        };
        match self {
            Item::User(id) => made::member_name(directory, Member::User(*id)),
            Item::Group(id) => made::member_name(directory, Member::Group(*id)),
            Item::Role(id) => named("role", id, directory.roles.get(*id).map(|role| &role.name)),
            Item::Rule(id) => Named::rule(*id, directory),
            Item::Policy(id) => {
                named("policy", id, directory.policies.get(*id).map(|policy| &policy.name))
            }
            Item::PolicySchema => named("schema", &"policies", Some(&"policies".to_owned())),
            Item::Connector(id) => Named::connector(*id, directory),
            Item::Credential(id) => {
                let found = directory.credentials.get(*id);
                named("credential", id, found.map(|credential| &credential.hint))
            }
            Item::Schema(urn) => named("schema", urn, Some(urn)),
            Item::Tenant(id) => {
                named("tenant", id, directory.tenants.get(*id).map(|tenant| &tenant.slug))
            }
            Item::Operator(id) => {
                named("operator", id, directory.operators.get(*id).map(|operator| &operator.name))
            }
        }
    }
}

/// What a fact is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// An attribute by its path, or another property by its name.
    Attribute(String),
    /// What a connector calls it; none: an operator.
    ExternalId(Option<ConnectorId>),
    /// That a user has a role; the value: through which sources.
    Role(RoleId),
    /// That a group has a member; the value: through which sources.
    Member(Member),
    /// The same, seen from the member.
    InGroup(GroupId),
    /// That a role is had by a user; the value: through which sources.
    Holder(UserId),
}

/// What is so of a thing.
pub type Facts = BTreeMap<Key, Value>;

/// The facts of a thing, but for those that grow with the tenant: a group's members and a role's holders, which
/// [`member`] and [`holder`] tell one by one. None: it is not there.
///
/// # Errors
/// When a value cannot be put into JSON.
pub fn facts(directory: &Directory, item: &Item) -> Result<Option<Facts>, AskError> {
    let mut facts = Facts::new();
    match item {
        Item::User(id) => match directory.users.get(*id) {
            Some(found) => user(directory, found, &mut facts)?,
            None => return Ok(None),
        },
        Item::Group(id) => match directory.groups.get(*id) {
            Some(found) => group(directory, found, &mut facts)?,
            None => return Ok(None),
        },
        Item::Role(id) => match directory.roles.get(*id) {
            Some(Role { id: _, name, description, retired, created: _, modified: _ }) => {
                set(&mut facts, "name", json!(name));
                set(&mut facts, "description", json!(description));
                set(&mut facts, "retired", json!(retired));
            }
            None => return Ok(None),
        },
        Item::Rule(id) => match directory.rules.get(*id) {
            Some(Rule { id: _, group, role, added: _, removed: None }) => {
                // By ids: a group may be renamed, and the rule is the same.
                set(&mut facts, "group", json!(group));
                set(&mut facts, "role", json!(role));
            }
            Some(Rule { removed: Some(_), .. }) | None => return Ok(None),
        },
        Item::Policy(id) => match directory.policies.get(*id) {
            Some(Policy { id: _, name, text, created: _, modified: _ }) => {
                set(&mut facts, "name", json!(name));
                set(&mut facts, "text", json!(text));
            }
            None => return Ok(None),
        },
        Item::PolicySchema => match &directory.policy_schema {
            Some(PolicySchema { text, changed: _ }) => set(&mut facts, "text", json!(text)),
            None => return Ok(None),
        },
        Item::Connector(id) => match directory.connectors.present(*id) {
            Some(Connector { id: _, name, settings, mapped: _, created: _, removed: _ }) => {
                set(&mut facts, "name", json!(name));
                if let Value::Object(settings) = crate::sorted_json(settings)? {
                    for (name, value) in settings {
                        set(&mut facts, &format!("settings.{name}"), value);
                    }
                }
            }
            None => return Ok(None),
        },
        Item::Credential(id) => match directory.credentials.get(*id) {
            // Its hash never changes, and stays inside.
            Some(Credential {
                id: _,
                holder,
                hash: _,
                hint,
                issued: _,
                expires,
                revoked,
                proof,
                scopes,
                replaces,
            }) => {
                let holder = made::holder_name(directory, *holder);
                // A holder may be renamed; the key is theirs all the same.
                set(&mut facts, "holder", json!({ "kind": holder.kind, "id": holder.id }));
                set(&mut facts, "hint", json!(hint));
                set(&mut facts, "expires", json!(expires));
                set(&mut facts, "revoked", json!(revoked.map(|stamp| stamp.at)));
                // Said only where it differs from what every credential once was.
                if let Some(proof) = proof {
                    set(&mut facts, "kind", json!(proof.kind()));
                }
                if let Some(scopes) = scopes {
                    set(&mut facts, "scopes", json!(scopes));
                }
                if let Some(replaces) = replaces {
                    set(&mut facts, "replaces", json!(replaces));
                }
            }
            None => return Ok(None),
        },
        Item::Schema(urn) => match directory.schemas.custom().find(|schema| schema.urn == *urn) {
            Some(CustomSchema { urn: _, resource_type, required, document, added: _ }) => {
                set(&mut facts, "resourceType", json!(resource_type));
                set(&mut facts, "required", json!(required));
                set(&mut facts, "document", json!(document));
            }
            None => return Ok(None),
        },
        Item::Tenant(id) => {
            let own = directory.tenant.as_ref().filter(|tenant| tenant.id == *id);
            match own.or_else(|| directory.tenants.get(*id)) {
                Some(Tenant { id: _, slug, opened: _ }) => set(&mut facts, "slug", json!(slug)),
                None => return Ok(None),
            }
            if own.is_some() {
                standing(&directory.standing, &mut facts);
            }
        }
        Item::Operator(id) => match directory.operators.get(*id) {
            Some(Operator { id: _, name, added: _, role, removed: None }) => {
                set(&mut facts, "name", json!(name));
                set(&mut facts, "role", json!(role));
            }
            Some(Operator { removed: Some(_), .. }) | None => return Ok(None),
        },
    }
    Ok(Some(facts))
}

/// Through which sources a group has a member; none: it has not.
pub fn member(directory: &Directory, group: GroupId, member: Member) -> Option<Value> {
    let sources = directory.groups.get(group)?.sources(member);
    let through: Vec<Named> = sources.map(|source| Named::source(source, directory)).collect();
    (!through.is_empty()).then(|| sorted(json!(through)))
}

/// Through which sources a user has a role; none: they have not.
pub fn holder(directory: &Directory, user: UserId, role: RoleId) -> Option<Value> {
    let through = made::through(directory, &directory.users.get(user)?.roles, role);
    (!through.is_empty()).then(|| sorted(json!(through)))
}

/// Whether two values say the same: the order of a list's elements does not count (RFC 7643 §2.4), nor does what a rule is
/// called, which follows the name of its group.
pub fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let (Some(Value::Array(one)), Some(Value::Array(other))) = (one, other) else {
        return one == other;
    };
    let text = |item: &Value| {
        let mut item = item.clone();
        if let Some(fields) = item.as_object_mut()
            && fields.get("kind").and_then(Value::as_str) == Some("rule")
        {
            fields.remove("name");
        }
        item.to_string()
    };
    let sorted = |list: &[Value]| {
        let mut texts: Vec<String> = list.iter().map(text).collect();
        texts.sort_unstable();
        texts
    };
    one == other || sorted(one) == sorted(other)
}

fn user(directory: &Directory, user: &User, facts: &mut Facts) -> Result<(), AskError> {
    let User {
        id: _,
        user_name,
        active,
        active_unassigned,
        lock,
        managed_by,
        released: _,
        external_ids,
        roles,
        // What a connector wrote before its mapping is no fact of the person, but of what that connector reads.
        written: _,
        attributes,
        created: _,
        modified: _,
    } = user;
    set(facts, "userName", json!(user_name));
    set(facts, "active", json!(active));
    if *active_unassigned {
        set(facts, "activeUnassigned", json!(true));
    }
    if let Some(Lock { since, reason }) = lock.as_deref() {
        set(facts, "locked", json!({ "since": since.at, "reason": reason }));
    }
    managed(directory, *managed_by, facts);
    called(external_ids, facts);
    for assignment in roles {
        let through = made::through(directory, roles, assignment.role);
        facts.insert(Key::Role(assignment.role), sorted(json!(through)));
    }
    flat(attributes, facts)
}

fn group(directory: &Directory, group: &Group, facts: &mut Facts) -> Result<(), AskError> {
    set(facts, "displayName", json!(group.display_name));
    managed(directory, group.managed_by, facts);
    called(&group.external_ids, facts);
    flat(&group.attributes, facts)
}

/// What was never said of a tenant is no fact of it.
fn standing(standing: &Standing, facts: &mut Facts) {
    let Standing { state, title, alert_addresses, alerts } = standing;
    set(facts, "state", json!(state.name()));
    if let Some((_, reason)) = state.cause() {
        set(facts, "reason", json!(reason));
    }
    if !title.is_empty() {
        set(facts, "title", json!(title));
    }
    if !alert_addresses.is_empty() {
        set(facts, "alertAddresses", json!(alert_addresses));
        set(facts, "alerts", json!(alerts));
    }
}

/// The members of what is set are in order: facts are compared and printed, whoever made them.
fn set(facts: &mut Facts, name: &str, value: Value) {
    facts.insert(Key::Attribute(name.to_owned()), sorted(value));
}

fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

fn managed(directory: &Directory, by: Option<ConnectorId>, facts: &mut Facts) {
    if let Some(id) = by {
        set(facts, "managedBy", json!(Named::connector(id, directory)));
    }
}

fn called(ids: &[ExternalId], facts: &mut Facts) {
    for ExternalId { connector, value } in ids {
        facts.insert(Key::ExternalId(*connector), json!(value));
    }
}

/// Attributes by their paths, as events name them: complex ones by sub-attribute, what is in an extension behind its URN.
fn flat(attributes: &Packed, facts: &mut Facts) -> Result<(), AskError> {
    for (name, value) in made::object(attributes)? {
        let Value::Object(inside) = value else {
            set(facts, &name, value);
            continue;
        };
        let is_urn = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let separator = if is_urn { ':' } else { '.' };
        for (sub, value) in inside {
            set(facts, &format!("{name}{separator}{sub}"), value);
        }
    }
    Ok(())
}
