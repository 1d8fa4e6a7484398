//! Who and what there is: as a script leaves it, and as a server shows it. Both read alike, so
//! that they can be compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::body::ENTERPRISE;
use crate::list;
use crate::person::Person;
use crate::script::{Colleague, Happening, Script};
use crate::wire::{ClientError, Manner, Wire};

/// Users by their `externalId`, groups by their name with the `externalId`s of their members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The users.
    pub users: BTreeMap<String, Account>,
    /// The groups.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// What a user has: attributes by name. What is empty is absent, as SCIM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whether they may sign on.
    pub active: bool,
    /// The attributes that carry one text.
    pub texts: BTreeMap<&'static str, String>,
    /// The names of their roles.
    pub roles: BTreeSet<String>,
}

impl State {
    /// What a script leaves behind, told by nothing but the script.
    pub fn after(script: &Script) -> State {
        let mut state = State::default();
        for step in &script.steps {
            state.apply(&step.what);
        }
        state
    }

    /// What the server at this address shows to this key, read page by page.
    pub async fn read(base_url: &str, key: &str, page_size: usize) -> Result<State, ClientError> {
        let wire = Wire::new(base_url, &format!("Bearer {key}")).with_manner(Manner::Scim);
        let users = list::all(&wire, "/Users", page_size).await?;
        let groups = list::all(&wire, "/Groups", page_size).await?;
        Ok(State::shown(&users, &groups))
    }

    /// What differs, one line for each; nothing if the two are the same.
    pub fn differences(&self, shown: &State) -> Vec<String> {
        let mut lines = differing("user", &self.users, &shown.users);
        lines.extend(differing("group", &self.groups, &shown.groups));
        lines
    }

    fn apply(&mut self, what: &Happening) {
        match what {
            Happening::Connected | Happening::Imported => {}
            Happening::Joins(person)
            | Happening::Granted { person, .. }
            | Happening::RoleRevoked { person, .. }
            | Happening::Returns(person)
            | Happening::Reorganised(person)
            | Happening::Rehired(person)
            | Happening::Renamed { person, .. } => self.put(person),
            Happening::Moves { person, groups_left, groups_joined, .. } => {
                self.put(person);
                for group in groups_left {
                    self.group(group).remove(&person.okta_id);
                }
                for group in groups_joined {
                    self.group(group).insert(person.okta_id.clone());
                }
            }
            Happening::Leaves(person) | Happening::Unassigned(person) => {
                if let Some(account) = self.users.get_mut(&person.okta_id) {
                    account.active = false;
                }
            }
            Happening::Deleted(person) => {
                self.users.remove(&person.okta_id);
                for members in self.groups.values_mut() {
                    members.remove(&person.okta_id);
                }
            }
            Happening::GroupPushed { group, members }
            | Happening::GroupRefreshed { group, members } => {
                self.groups.insert(group.clone(), members.iter().map(id_of).collect());
            }
            Happening::MembersChanged { group, added, removed } => {
                let members = self.group(group);
                members.extend(added.iter().map(id_of));
                for colleague in removed {
                    members.remove(&colleague.okta_id);
                }
            }
            Happening::GroupRenamed { from, to } => {
                let members = self.groups.remove(from).unwrap_or_default();
                self.groups.insert(to.clone(), members);
            }
            Happening::GroupDeleted { group } => {
                self.groups.remove(group);
            }
        }
    }

    fn put(&mut self, person: &Person) {
        self.users.insert(person.okta_id.clone(), Account::of(person));
    }

    fn group(&mut self, name: &str) -> &mut BTreeSet<String> {
        self.groups.entry(name.to_owned()).or_default()
    }

    fn shown(users: &[Value], groups: &[Value]) -> State {
        let external: BTreeMap<&str, &str> =
            users.iter().map(|user| (text(user, "/id"), text(user, "/externalId"))).collect();
        let numbers: BTreeMap<&str, &str> = users
            .iter()
            .map(|user| (text(user, "/id"), text(user, &enterprise("employeeNumber"))))
            .collect();
        let users = users
            .iter()
            .map(|user| (text(user, "/externalId").to_owned(), Account::shown(user, &numbers)))
            .collect();
        let groups = groups
            .iter()
            .map(|group| {
                let members = array(group, "/members").iter().map(|member| {
                    let id = text(member, "/value");
                    external.get(id).copied().unwrap_or(id).to_owned()
                });
                (text(group, "/displayName").to_owned(), members.collect())
            })
            .collect();
        State { users, groups }
    }
}

impl Account {
    /// What a client sends of somebody who works here.
    fn of(person: &Person) -> Account {
        let manager = person.manager.as_ref();
        let manager = manager.map(|manager| manager.employee_number.clone()).unwrap_or_default();
        let texts = [
            ("userName", person.user_name.clone()),
            ("displayName", person.display_name()),
            ("givenName", person.given_name.clone()),
            ("familyName", person.family_name.clone()),
            ("email", person.email.clone()),
            ("title", person.title.clone()),
            ("phone", person.phone.clone()),
            ("locale", person.locale.clone()),
            ("employeeNumber", person.employee_number.clone()),
            ("department", person.department.clone()),
            ("manager", manager),
        ];
        Account {
            active: true,
            texts: texts.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
            roles: person.roles.iter().cloned().collect(),
        }
    }

    /// What a server shows of a user. A manager is told by their employee number, whether the
    /// client refers to them by it or by the server's id; `0` is a template's word for nobody.
    fn shown(user: &Value, numbers: &BTreeMap<&str, &str>) -> Account {
        let manager = text(user, &enterprise("manager/value"));
        let manager = match numbers.get(manager) {
            Some(number) => number,
            None if manager == "0" => "",
            None => manager,
        };
        let texts = [
            ("userName", text(user, "/userName").to_owned()),
            ("displayName", text(user, "/displayName").to_owned()),
            ("givenName", text(user, "/name/givenName").to_owned()),
            ("familyName", text(user, "/name/familyName").to_owned()),
            ("email", only(user, "/emails")),
            ("title", text(user, "/title").to_owned()),
            ("phone", only(user, "/phoneNumbers")),
            ("locale", text(user, "/locale").to_owned()),
            ("employeeNumber", text(user, &enterprise("employeeNumber")).to_owned()),
            ("department", text(user, &enterprise("department")).to_owned()),
            ("manager", manager.to_owned()),
        ];
        Account {
            active: user.get("active") == Some(&Value::Bool(true)),
            texts: texts.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
            roles: array(user, "/roles")
                .iter()
                .map(|role| text(role, "/value").to_owned())
                .collect(),
        }
    }
}

fn id_of(colleague: &Colleague) -> String {
    colleague.okta_id.clone()
}

fn text<'a>(resource: &'a Value, pointer: &str) -> &'a str {
    resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn array<'a>(resource: &'a Value, pointer: &str) -> &'a [Value] {
    resource.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The values of all elements: these clients send one, and a second is a fault.
fn only(user: &Value, pointer: &str) -> String {
    let values: Vec<&str> = array(user, pointer).iter().map(|held| text(held, "/value")).collect();
    values.join(" and ")
}

fn enterprise(attribute: &str) -> String {
    format!("/{ENTERPRISE}/{attribute}")
}

fn differing<V: PartialEq + std::fmt::Debug>(
    kind: &str,
    told: &BTreeMap<String, V>,
    shown: &BTreeMap<String, V>,
) -> Vec<String> {
    let names: BTreeSet<&String> = told.keys().chain(shown.keys()).collect();
    names
        .into_iter()
        .filter(|name| told.get(*name) != shown.get(*name))
        .map(|name| {
            format!("{kind} `{name}`: told {:?}, shown {:?}", told.get(name), shown.get(name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::company::Company;

    #[test]
    fn a_server_that_shows_what_was_told_does_not_differ_and_one_that_lost_a_member_does() {
        let company = Company::new(5, 2);
        let [one, two] = company.people() else { panic!("two people") };
        let user = |id: &str, person: &Person| {
            let mut user = crate::body::new_user(person);
            user["id"] = json!(id);
            user
        };
        let users = [user("1", one), user("2", two)];
        let mut told = State::default();
        for person in [one, two] {
            told.put(person);
        }
        told.group("Sales").extend([one.okta_id.clone(), two.okta_id.clone()]);
        let group = |members: Value| json!({"displayName": "Sales", "members": members});
        let whole = State::shown(&users, &[group(json!([{"value": "2"}, {"value": "1"}]))]);
        assert_eq!(told.differences(&whole), Vec::<String>::new());
        let lost = State::shown(&users, &[group(json!([{"value": "2"}]))]);
        assert_eq!(told.differences(&lost).len(), 1);
    }
}
