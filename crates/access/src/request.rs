//! What is asked, and what the question brings with it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityUid};
use domain::directory::Directory;
use domain::event::Member;
use domain::visible::PUBLIC;
use serde_json::Value;

use crate::compiled::{Action, Compiled};
use crate::entity::groups_of;
use crate::limits::{ENTITIES, REFERENCES};
use crate::parents;
use crate::person::{Person, find};
use crate::text::{Kind, id_of};

/// May this user do this to that?
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Asked {
    /// An id, or a `userName` in any case.
    pub user: String,
    /// An action's id, as in `select`, or its full name, as in `Sales::Action::"select"`.
    pub action: String,
    /// As in `Table::"sales"`.
    pub resource: String,
    /// What is known beside: Cedar's context, as JSON. Null: nothing.
    pub context: Value,
    /// Entities of the tenant's own types, in Cedar's JSON form: an array of `uid`, `attrs`, `parents`. Null: none.
    pub entities: Value,
}

/// Why a question cannot be asked: it does not fit the schema.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unasked(pub String);

/// A question in Cedar's terms.
pub(crate) struct Question<'a> {
    pub(crate) action: &'a Action,
    pub(crate) resource: EntityUid,
    pub(crate) context: Context,
    /// What it brings, users and groups that this refers to included; none: nothing.
    pub(crate) brought: Option<Entities>,
    /// Whether it may speak of groups and roles that no policy names.
    pub(crate) refers: bool,
}

impl Compiled {
    pub(crate) fn question<'a>(
        &'a self,
        directory: &Directory,
        asked: &Asked,
    ) -> Result<Question<'a>, Unasked> {
        let action = self.asked_action(&asked.action)?;
        let mut references = BTreeSet::new();
        let resource = self.resource(directory, &asked.resource, &mut references)?;
        let context = if asked.context.is_null() {
            Context::empty()
        } else {
            let given = resolved(&asked.context, directory, &mut references)?;
            Context::from_json_value(given, Some((&self.schema, &action.uid)))
                .map_err(|said| Unasked(format!("the context does not fit: {}", told(&said))))?
        };
        let given = if asked.entities.is_null() {
            None
        } else {
            Some(self.entities(&asked.entities, directory, &mut references)?)
        };
        let refers = references.iter().any(|(kind, _)| *kind != Kind::User);
        if references.len() > REFERENCES {
            let message =
                format!("what it brings refers to more than {REFERENCES} users and groups");
            return Err(Unasked(message));
        }
        let brought = match (given, references.is_empty()) {
            (None, true) => None,
            (given, _) => {
                let given = given.unwrap_or_else(Entities::empty);
                let looked_up = self.looked_up(directory, &references, refers);
                let said = |said| Unasked(format!("the entities do not fit: {}", told(&said)));
                Some(given.upsert_entities(looked_up, None).map_err(said)?)
            }
        };
        Ok(Question { action, resource, context, brought, refers })
    }

    fn asked_action(&self, name: &str) -> Result<&Action, Unasked> {
        self.action(name).ok_or_else(|| {
            let actions = self.actions();
            Unasked(if actions.is_empty() {
                format!("there is no action `{name}`: the tenant has no schema that declares one")
            } else {
                format!("there is no action `{name}`: the schema has {}", actions.join(", "))
            })
        })
    }

    fn resource(
        &self,
        directory: &Directory,
        text: &str,
        references: &mut BTreeSet<(Kind, String)>,
    ) -> Result<EntityUid, Unasked> {
        let uid = self.uid(text).ok_or_else(|| {
            Unasked(format!(
                "`{text}` is no resource: write its type and id, as in `Table::\"sales\"`"
            ))
        })?;
        match Kind::of(&uid.type_name().to_string()) {
            None => Ok(uid),
            Some(kind) => {
                let id = id_of(kind, uid.id().unescaped(), directory).map_err(Unasked)?;
                let uid = self.kinds.uid(kind, &id);
                references.insert((kind, id));
                Ok(uid)
            }
        }
    }

    /// An entity's name, as in `Table::"sales"`. What has nothing to be unescaped is not given to Cedar's parser: it would
    /// take longer than the rest of a check.
    fn uid(&self, text: &str) -> Option<EntityUid> {
        let plain = || {
            let (kind, id) = text.strip_suffix('"')?.split_once("::\"")?;
            let kind = self.entity_types.get(kind).filter(|_| !id.contains(['"', '\\']))?;
            Some(EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id)))
        };
        plain().or_else(|| text.parse().ok())
    }

    fn entities(
        &self,
        given: &Value,
        directory: &Directory,
        references: &mut BTreeSet<(Kind, String)>,
    ) -> Result<Entities, Unasked> {
        let all = given.as_array().ok_or_else(|| Unasked("`entities` is an array".to_owned()))?;
        if all.len() > ENTITIES {
            return Err(Unasked(format!("it brings more than {ENTITIES} entities")));
        }
        for entity in all {
            let uid = entity.get("uid").unwrap_or(&Value::Null);
            let uid = uid.get("__entity").unwrap_or(uid);
            let kind = uid.get("type").and_then(Value::as_str).and_then(Kind::of);
            if let Some(kind) = kind {
                return Err(Unasked(format!(
                    "it brings a {}: rollbook knows its own",
                    kind.word()
                )));
            }
        }
        parents::check(all)?;
        let given = resolved(given, directory, references)?;
        Entities::from_json_value(given, Some(&self.schema))
            .map_err(|said| Unasked(format!("the entities do not fit: {}", told(&said))))
    }

    /// The users and groups that are referred to.
    fn looked_up(
        &self,
        directory: &Directory,
        references: &BTreeSet<(Kind, String)>,
        refers: bool,
    ) -> Vec<Entity> {
        let mut all = Vec::new();
        // Groups may be in each other, entities not: of such a pair the first is in the second.
        let mut inside: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (kind, id) in references {
            match kind {
                Kind::User => {
                    let user = find(directory, id);
                    all.extend(user.map(|user| Person::of(directory, user).entity(self, refers)));
                }
                Kind::Group if id == PUBLIC => {
                    let uid = self.kinds.uid(Kind::Group, id);
                    all.push(Entity::new_no_attrs(uid, HashSet::new()));
                }
                Kind::Group => {
                    let Ok(group) = id.parse() else { continue };
                    let above = groups_of(directory, Member::Group(group)).into_iter();
                    let above: BTreeSet<String> = above
                        .map(|above| above.to_string())
                        .filter(|above| above != id)
                        .filter(|above| {
                            !inside.get(&**above).is_some_and(|there| there.contains(id))
                        })
                        .collect();
                    let parents = above.iter().map(|id| self.kinds.uid(Kind::Group, id)).collect();
                    all.push(Entity::new_no_attrs(self.kinds.uid(Kind::Group, id), parents));
                    inside.insert(id, above);
                }
                Kind::Role => {}
            }
        }
        all
    }
}

/// What a request brings, with ids where it names users and groups, wherever `{"type": …, "id": …}` stands.
fn resolved(
    given: &Value,
    directory: &Directory,
    references: &mut BTreeSet<(Kind, String)>,
) -> Result<Value, Unasked> {
    Ok(match given {
        Value::Array(items) => {
            let items = items.iter().map(|item| resolved(item, directory, references));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (2, Some(kind), Some(id)) =
                (members.len(), text("type").and_then(Kind::of), text("id"))
            {
                let id = id_of(kind, id, directory).map_err(Unasked)?;
                references.insert((kind, id.clone()));
                return Ok(serde_json::json!({ "type": kind.name(), "id": id }));
            }
            let mut all = serde_json::Map::new();
            for (name, value) in members {
                all.insert(name.clone(), resolved(value, directory, references)?);
            }
            Value::Object(all)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => given.clone(),
    })
}

/// What Cedar says, and what lies behind it.
pub(crate) fn told(said: &dyn std::error::Error) -> String {
    let mut text = said.to_string();
    let mut behind = said.source();
    while let Some(more) = behind {
        let more_text = more.to_string();
        if !text.contains(&more_text) {
            text.push_str(": ");
            text.push_str(&more_text);
        }
        behind = more.source();
    }
    text
}
