//! The rules of a tenant: who is in a group has a role.
//!
//! What a rule gives stands with the users, as assignments with the rule as their source, so that the log says of each
//! role when it came and through what. Rules that were removed are kept, for whoever asks about the past.

use std::collections::BTreeSet;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Groups, Moment, Stamp, Users};
use crate::commit::Unfit;
use crate::id::{GroupId, RoleId, RuleId, UserId};
use crate::origin::Source;

/// A rule as of one position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Never reused, never changed.
    pub id: RuleId,
    /// Who is in this group, directly or through groups inside it, …
    pub group: GroupId,
    /// … has this role.
    pub role: RoleId,
    /// When it was added.
    pub added: Stamp,
    /// When it was removed; none: it is in effect.
    pub removed: Option<Stamp>,
}

/// The rules of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rules {
    by_id: OrdMap<RuleId, Rule>,
    // INVARIANT (groups): (g, r) is here exactly when r is in effect and about g.
    by_group: OrdSet<(GroupId, RuleId)>,
}

impl Rules {
    /// The rule with this id, in effect or removed.
    pub fn get(&self, id: RuleId) -> Option<&Rule> {
        self.by_id.get(&id)
    }

    /// The rules in effect, by group.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.by_group.iter().filter_map(|(_, id)| self.by_id.get(id))
    }

    /// All rules that there ever were, by id.
    pub fn ever(&self) -> impl Iterator<Item = &Rule> {
        self.by_id.values()
    }

    /// The rules in effect about `group`.
    pub fn of(&self, group: GroupId) -> impl Iterator<Item = &Rule> + '_ {
        let range = (group, RuleId::LEAST)..=(group, RuleId::MOST);
        self.by_group.range(range).filter_map(|(_, id)| self.by_id.get(id))
    }

    /// How many are in effect.
    pub fn len(&self) -> usize {
        self.by_group.len()
    }

    /// Whether none is in effect.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there never was one.
    pub(super) fn never_were(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn add(
        &mut self,
        id: RuleId,
        group: GroupId,
        role: RoleId,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let rule = Rule { id, group, role, added: moment.stamp, removed: None };
        if self.by_id.insert(id, rule).is_some() {
            return Err(moment.unfit(format!("rule {id} exists already")));
        }
        self.by_group.insert((group, id));
        Ok(())
    }

    pub(super) fn remove(&mut self, id: RuleId, moment: Moment<'_>) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no rule {id}")));
        };
        there.removed = Some(moment.stamp);
        self.by_group.remove(&(there.group, id));
        Ok(())
    }

    /// That exactly those have a role through a rule who are in its group.
    pub(super) fn agrees(&self, users: &Users, groups: &Groups) -> Result<(), String> {
        if Rules::rebuild(self.by_id.clone()) != *self {
            return Err("the index of rules by groups disagrees with them".to_owned());
        }
        let mut due: BTreeSet<(RuleId, RoleId, UserId)> = BTreeSet::new();
        for rule in self.iter() {
            if groups.get(rule.group).is_none() {
                return Err(format!(
                    "rule {} is about group {}, which is not there",
                    rule.id, rule.group
                ));
            }
            due.extend(
                groups
                    .users_below(rule.group, usize::MAX)
                    .into_iter()
                    .map(|u| (rule.id, rule.role, u)),
            );
        }
        for user in users.iter() {
            for assignment in &user.roles {
                if let Source::Rule(rule) = assignment.source
                    && !due.remove(&(rule, assignment.role, user.id))
                {
                    return Err(format!(
                        "user {} has a role through rule {rule} and should not",
                        user.id
                    ));
                }
            }
        }
        match due.first() {
            None => Ok(()),
            Some((rule, _, user)) => Err(format!("rule {rule} does not give user {user} its role")),
        }
    }

    fn rebuild(by_id: OrdMap<RuleId, Rule>) -> Rules {
        let in_effect = by_id.values().filter(|rule| rule.removed.is_none());
        let by_group = in_effect.map(|rule| (rule.group, rule.id)).collect();
        Rules { by_id, by_group }
    }
}

impl Serialize for Rules {
    /// Only the rules: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.values())
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = Vec::<Rule>::deserialize(deserializer)?;
        Ok(Rules::rebuild(rules.into_iter().map(|rule| (rule.id, rule)).collect()))
    }
}
