//! What happens in a company: a deterministic list of moments, and the one worth asking about.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::aftermath;
use crate::company::Company;
use crate::month;
use crate::person::Person;

/// What happens, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// The moments. No two share a time, and none is earlier than the one before it.
    pub steps: Vec<Step>,
    pub(crate) story: Story,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When it happens.
    pub at: DateTime<Utc>,
    /// What happens.
    pub what: Happening,
}

/// Something an identity provider tells the server about. A person here is who they are
/// *afterwards*: Okta sends the whole profile, not the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Happening {
    /// An administrator sets the connection up and tests its credentials.
    Connected,
    /// Somebody is assigned to the application.
    Joins(Box<Person>),
    /// Somebody changes department and title, and the groups that go with them.
    Moves {
        /// Who they are now.
        person: Box<Person>,
        /// The department they leave.
        from: String,
        /// The groups they leave.
        groups_left: Vec<String>,
        /// The groups they join.
        groups_joined: Vec<String>,
    },
    /// Somebody is assigned a role.
    Granted {
        /// Who they are now, with the role.
        person: Box<Person>,
        /// The role.
        role: String,
    },
    /// A role is taken from somebody.
    RoleRevoked {
        /// Who they are now, without the role.
        person: Box<Person>,
        /// The role.
        role: String,
    },
    /// A group is pushed: created or linked, then filled in batches.
    GroupPushed {
        /// Its name.
        group: String,
        /// Everybody in it.
        members: Vec<Colleague>,
    },
    /// People join and leave a pushed group.
    MembersChanged {
        /// Its name.
        group: String,
        /// Who joins.
        added: Vec<Colleague>,
        /// Who leaves.
        removed: Vec<Colleague>,
    },
    /// "Push now": all members of a group are sent again.
    GroupRefreshed {
        /// Its name.
        group: String,
        /// Everybody in it.
        members: Vec<Colleague>,
    },
    /// A pushed group gets another name.
    GroupRenamed {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A pushed group is unlinked and deleted in the target.
    GroupDeleted {
        /// Its name.
        group: String,
    },
    /// Somebody leaves the company and is deactivated.
    Leaves(Box<Person>),
    /// Somebody who left is unassigned: Okta deactivates them once more.
    Unassigned(Box<Person>),
    /// Somebody who left is hired again.
    Returns(Box<Person>),
    /// Somebody marries: their name, user name and address change.
    Renamed {
        /// Who they are now.
        person: Box<Person>,
        /// Their old user name.
        was: String,
    },
    /// Somebody reports to somebody else, or to nobody, or can be reached.
    Reorganised(Box<Person>),
    /// Somebody who left is deleted, thirty days later or at once.
    Deleted(Box<Person>),
    /// Somebody who was deleted is hired again: a new account of the same name.
    Rehired(Box<Person>),
    /// Okta reads all users and groups, page by page.
    Imported,
}

/// Somebody in a group: who, and what they are called at that moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Colleague {
    /// Okta's id of the person.
    pub okta_id: String,
    /// Their user name at the moment.
    pub user_name: String,
}

/// What an auditor would ask about this month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Story {
    /// Whom it is about.
    pub user_name: String,
    /// The role they held for a while.
    pub role: String,
    /// When they got it.
    pub granted_at: DateTime<Utc>,
    /// When it was taken back.
    pub revoked_at: DateTime<Utc>,
    /// What to ask.
    pub question: String,
}

impl Script {
    /// A month in this company: the initial import of everybody and their groups at `start`, then
    /// 30 days of hires, moves, role changes, group pushes, leavers, returns and a marriage. In
    /// one Sunday night there is something worth a question: see [`Script::story`].
    pub fn month(company: &Company, start: DateTime<Utc>) -> Script {
        month::write(company, start)
    }

    /// The same month and what comes after it: somebody is given other managers, who left is
    /// deleted, and one of them comes back to a new account. For clients that delete.
    pub fn cycle(company: &Company, start: DateTime<Utc>) -> Script {
        aftermath::told(Script::month(company, start))
    }

    /// What is worth a question, and about whom.
    pub fn story(&self) -> &Story {
        &self.story
    }
}

impl Happening {
    /// Whom it is about, if it is about one person.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Happening::Joins(person)
            | Happening::Moves { person, .. }
            | Happening::Granted { person, .. }
            | Happening::RoleRevoked { person, .. }
            | Happening::Leaves(person)
            | Happening::Unassigned(person)
            | Happening::Returns(person)
            | Happening::Reorganised(person)
            | Happening::Deleted(person)
            | Happening::Rehired(person)
            | Happening::Renamed { person, .. } => Some(person),
            Happening::Connected
            | Happening::GroupPushed { .. }
            | Happening::MembersChanged { .. }
            | Happening::GroupRefreshed { .. }
            | Happening::GroupRenamed { .. }
            | Happening::GroupDeleted { .. }
            | Happening::Imported => None,
        }
    }
}

/// One sentence for somebody who watches.
impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Connected => write!(f, "Okta tests its credentials"),
            Happening::Joins(person) => {
                write!(f, "{} joins {}", person.display_name(), person.department)
            }
            Happening::Moves { person, from, .. } => {
                write!(f, "{} moves from {from} to {}", person.display_name(), person.department)
            }
            Happening::Granted { person, role } => {
                write!(f, "{} is granted {role}", person.display_name())
            }
            Happening::RoleRevoked { person, role } => {
                write!(f, "{role} is taken from {}", person.display_name())
            }
            Happening::GroupPushed { group, members } => {
                write!(f, "group `{group}` is pushed with {} members", members.len())
            }
            Happening::MembersChanged { group, added, removed } => {
                write!(f, "group `{group}` changes by +{} -{}", added.len(), removed.len())
            }
            Happening::GroupRefreshed { group, members } => {
                write!(f, "group `{group}` is pushed again with {} members", members.len())
            }
            Happening::GroupRenamed { from, to } => {
                write!(f, "group `{from}` is renamed to `{to}`")
            }
            Happening::GroupDeleted { group } => write!(f, "group `{group}` is deleted"),
            Happening::Leaves(person) => write!(f, "{} leaves", person.display_name()),
            Happening::Unassigned(person) => write!(f, "{} is unassigned", person.display_name()),
            Happening::Returns(person) => write!(f, "{} returns", person.display_name()),
            Happening::Renamed { person, was } => {
                write!(
                    f,
                    "{} changes their name: `{was}` is `{}`",
                    person.display_name(),
                    person.user_name
                )
            }
            Happening::Reorganised(person) => match &person.manager {
                Some(manager) => {
                    write!(f, "{} reports to {}", person.display_name(), manager.name)
                }
                None => write!(f, "{} reports to nobody", person.display_name()),
            },
            Happening::Deleted(person) => write!(f, "{} is deleted", person.display_name()),
            Happening::Rehired(person) => {
                write!(f, "{} is hired again, with a new account", person.display_name())
            }
            Happening::Imported => write!(f, "Okta imports all users and groups"),
        }
    }
}

impl From<&Person> for Colleague {
    fn from(person: &Person) -> Colleague {
        Colleague { okta_id: person.okta_id.clone(), user_name: person.user_name.clone() }
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test looks at a few kinds of many")]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{Datelike, TimeDelta, TimeZone, Timelike, Weekday};

    use super::*;

    fn start() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).unwrap()
    }

    fn month(seed: u64, people: usize) -> Script {
        Script::month(&Company::new(seed, people), start())
    }

    /// FNV-1a of the JSON: a change of any word list, draw or order shows here.
    fn digest(script: &Script) -> String {
        let json = serde_json::to_vec(script).unwrap();
        let hash = json.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{} bytes {hash:016x}", json.len())
    }

    #[test]
    fn the_same_seed_is_the_same_month_for_ever() {
        // Recorded fixtures are made with these: whoever changes them records anew.
        assert_eq!(digest(&month(42, 60)), "68200 bytes 6eb119f4a9d4dff5");
        assert_eq!(digest(&month(42, 500)), "465131 bytes b0eb970708204dd2");
        assert_eq!(month(9, 40), month(9, 40));
        assert_ne!(digest(&month(9, 40)), digest(&month(10, 40)));
    }

    #[test]
    fn time_only_goes_forward_and_a_month_is_a_month() {
        for people in [1, 2, 30, 500, 5_000] {
            let script = month(4, people);
            assert_eq!(script.steps[0].at, start());
            assert!(script.steps.windows(2).all(|pair| pair[0].at < pair[1].at));
            let last = script.steps.last().unwrap().at;
            assert!(last < start() + TimeDelta::days(31), "{last}");
        }
    }

    #[test]
    fn everything_happens_in_a_month() {
        let script = month(42, 60);
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for step in &script.steps {
            let json = serde_json::to_value(&step.what).unwrap();
            let kind = match json {
                serde_json::Value::String(name) => name,
                object => object.as_object().unwrap().keys().next().unwrap().clone(),
            };
            *kinds.entry(kind).or_default() += 1;
        }
        assert_eq!(kinds.len(), 15, "{kinds:?}");
    }

    #[test]
    fn the_story_is_one_sunday_night() {
        for seed in 0..20 {
            let script = month(seed, 60);
            let story = script.story();
            assert_eq!(story.granted_at.weekday(), Weekday::Sun);
            assert_eq!(story.granted_at.hour(), 2);
            assert!(story.granted_at.minute() < 8);
            assert_eq!(story.revoked_at - story.granted_at, TimeDelta::minutes(26));
            assert!(story.question.contains(&story.user_name));
            let at = |moment| script.steps.iter().find(|step| step.at == moment).unwrap();
            let granted = at(story.granted_at);
            let Happening::Granted { person, role } = &granted.what else { panic!("{granted:?}") };
            assert_eq!((person.user_name.as_str(), role.as_str()), (&*story.user_name, "Admin"));
            assert!(person.has_role("Admin"));
            let revoked = at(story.revoked_at);
            let Happening::RoleRevoked { person, .. } = &revoked.what else {
                panic!("{revoked:?}")
            };
            assert_eq!(person.user_name, story.user_name);
            assert!(!person.has_role("Admin"));
        }
    }

    #[test]
    fn nobody_acts_before_joining_or_after_leaving() {
        let script = month(8, 400);
        let mut active: BTreeMap<&str, bool> = BTreeMap::new();
        for step in &script.steps {
            let Some(person) = step.what.person() else { continue };
            let before = active.get(person.okta_id.as_str()).copied();
            let (wanted, after) = match &step.what {
                Happening::Joins(_) => (None, true),
                Happening::Returns(_) => (Some(false), true),
                Happening::Unassigned(_) => (Some(false), false),
                Happening::Leaves(_) => (Some(true), false),
                _ => (Some(true), true),
            };
            assert_eq!(before, wanted, "{}", step.what);
            active.insert(&person.okta_id, after);
        }
    }

    #[test]
    fn no_group_is_used_before_its_push_or_after_its_end() {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for step in month(8, 400).steps {
            match step.what {
                Happening::GroupPushed { group, members } => {
                    assert_eq!(groups.insert(group, members.len()), None);
                }
                Happening::MembersChanged { group, added, removed } => {
                    let size = groups.get_mut(&group).unwrap();
                    *size = *size + added.len() - removed.len();
                }
                Happening::Moves { groups_left, groups_joined, .. } => {
                    for group in groups_left {
                        *groups.get_mut(&group).unwrap() -= 1;
                    }
                    for group in groups_joined {
                        *groups.get_mut(&group).unwrap() += 1;
                    }
                }
                Happening::GroupRefreshed { group, members } => {
                    assert_eq!(groups[&group], members.len());
                }
                Happening::GroupRenamed { from, to } => {
                    let size = groups.remove(&from).unwrap();
                    assert_eq!(groups.insert(to, size), None);
                }
                Happening::GroupDeleted { group } => {
                    assert!(groups.remove(&group).is_some());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_month_may_start_on_any_day_at_any_hour() {
        let company = Company::new(3, 80);
        for day in 1..=28 {
            let start = Utc.with_ymd_and_hms(2028, 2, day, 23, 30, 0).unwrap();
            let script = Script::month(&company, start);
            assert_eq!(script.story().granted_at.weekday(), Weekday::Sun);
            assert!(script.steps.windows(2).all(|pair| pair[0].at < pair[1].at));
        }
    }
}
