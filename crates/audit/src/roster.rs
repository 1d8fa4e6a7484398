//! The list of users that goes from hand to hand: who signs on, what they are called, which roles they have.

use domain::directory::{Directory, User};
use serde::{Deserialize, Serialize};

/// What the cells of [`RosterLine::cells`] are, in their order (behaviour C-17).
pub const ROSTER: [&str; 5] = ["login", "firstName", "lastName", "email", "roles"];

/// A user on the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RosterLine {
    /// The `userName`.
    pub login: String,
    /// `name.givenName`, or nothing.
    pub first_name: String,
    /// `name.familyName`, or nothing.
    pub last_name: String,
    /// The primary mail address, else the first, else a `userName` that looks like one.
    pub email: String,
    /// The roles in effect, each once, as in `acme:Analyst`, in the order in which the tenant defined them.
    pub roles: Vec<String>,
}

impl RosterLine {
    fn of(user: &User, directory: &Directory) -> RosterLine {
        let slug = directory.tenant.as_ref().map_or("", |tenant| &tenant.slug);
        let roles = user.each_role().filter_map(|role| directory.roles.get(role));
        let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
        RosterLine {
            login: user.user_name.to_string(),
            first_name: own(user.name_part("givenName")),
            last_name: own(user.name_part("familyName")),
            email: own(user.email()),
            roles: roles.map(|role| format!("{slug}:{}", role.name)).collect(),
        }
    }

    /// The line as cells of CSV: roles in one, divided by `;`.
    pub fn cells(&self) -> Vec<String> {
        let RosterLine { login, first_name, last_name, email, roles } = self;
        let roles = roles.join(";");
        vec![login.clone(), first_name.clone(), last_name.clone(), email.clone(), roles]
    }
}

/// Every user of a tenant, oldest first.
pub fn roster(directory: &Directory) -> Vec<RosterLine> {
    directory.users.iter().map(|user| RosterLine::of(user, directory)).collect()
}
