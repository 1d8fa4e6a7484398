//! One person, as the identity provider knows them.

use serde::Serialize;

/// A person's whole profile at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Okta's own id of the person, sent as `externalId`. Never changes, also not by a rename.
    pub okta_id: String,
    /// The name they sign on with: `given.family@acme.com`.
    pub user_name: String,
    /// Their first name, as they write it.
    pub given_name: String,
    /// Their last name, as they write it.
    pub family_name: String,
    /// Their one e-mail address.
    pub email: String,
    /// What they do, as in `Staff Accountant`.
    pub title: String,
    /// Where they do it, as in `Finance`.
    pub department: String,
    /// Whom they report to. The head of the company reports to nobody.
    pub manager: Option<Manager>,
    /// A number from the ranges set aside for fiction where the office's country has such.
    pub phone: String,
    /// Language and country, as in `en-GB`.
    pub locale: String,
    /// `E00001`, `E00002`, … in the order they were hired.
    pub employee_number: String,
    /// The city they work in.
    pub office: String,
    /// The roles they are assigned, by name.
    pub roles: Vec<String>,
    /// The pushed groups they belong to, by name.
    pub groups: Vec<String>,
    /// The random password Okta sends with a create.
    pub first_password: String,
}

/// Whom somebody reports to, as the profile mapping sends it: the value is an employee number,
/// which no server can resolve to an id of its own. That is what administrators really map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manager {
    /// The manager's employee number.
    pub employee_number: String,
    /// The manager's display name.
    pub name: String,
}

impl Person {
    /// Somebody with names and an address, and nothing else.
    pub(crate) fn plain(
        okta_id: &str,
        user_name: &str,
        (given_name, family_name): (&str, &str),
        first_password: &str,
    ) -> Person {
        Person {
            okta_id: okta_id.to_owned(),
            user_name: user_name.to_owned(),
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            email: user_name.to_owned(),
            title: String::new(),
            department: String::new(),
            manager: None,
            phone: String::new(),
            locale: "en-US".to_owned(),
            employee_number: String::new(),
            office: String::new(),
            roles: Vec::new(),
            groups: Vec::new(),
            first_password: first_password.to_owned(),
        }
    }

    /// First and last name.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// Whether they are assigned this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}
