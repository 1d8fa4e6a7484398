//! `rollbook user list` and `rollbook group list`: who is in a tenant.

use ::audit::{Census, ListedGroup, ListedUser, Sought, UserState, groups, users};
use clap::Args;
use domain::directory::Directory;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::from::{At, From};

/// Which users or groups, and of when.
#[derive(Args)]
pub(crate) struct Narrowed {
    /// Those with this in their name, in any case
    #[arg(long, value_name = "PART")]
    name: Option<String>,
    /// Those whom this connector manages; `here`: those whom none does
    #[arg(long, value_name = "CONNECTOR")]
    managed_by: Option<String>,
    /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    #[command(flatten)]
    from: From,
}

impl Narrowed {
    fn sought(&self, state: Option<UserState>) -> Sought {
        Sought { name: self.name.clone(), managed_by: self.managed_by.clone(), state }
    }
}

pub(crate) async fn list_users(which: &Narrowed, state: Option<UserState>) -> anyhow::Result<()> {
    let all: Vec<ListedUser> = list(which, &which.sought(state), "users", users).await?;
    let heading = ["USER", "NAME", "EMAIL", "STATE", "MANAGED BY", "CHANGED", "ID"];
    which.from.output.list(&all, "nobody is there", &heading, |one: &ListedUser| {
        vec![vec![
            one.user_name.clone(),
            one.display_name.clone().unwrap_or_default(),
            one.email.clone().unwrap_or_default(),
            one.state.name().to_owned(),
            one.managed_by.clone().unwrap_or_else(|| ::audit::HERE.to_owned()),
            one.modified.to_string(),
            one.id.to_string(),
        ]]
    })
}

pub(crate) async fn list_groups(which: &Narrowed) -> anyhow::Result<()> {
    let all: Vec<ListedGroup> = list(which, &which.sought(None), "groups", groups).await?;
    let heading = ["GROUP", "MEMBERS", "MANAGED BY", "CHANGED", "ID"];
    which.from.output.list(&all, "there is no group", &heading, |one: &ListedGroup| {
        vec![vec![
            one.display_name.clone(),
            one.members.to_string(),
            one.managed_by.clone().unwrap_or_else(|| ::audit::HERE.to_owned()),
            one.modified.to_string(),
            one.id.to_string(),
        ]]
    })
}

/// All of them: out of a folder, or page by page, all of one moment.
async fn list<T: DeserializeOwned, E: std::error::Error + Send + Sync + 'static>(
    which: &Narrowed,
    sought: &Sought,
    kind: &'static str,
    of: impl Fn(&Directory, &Sought, usize, usize) -> Result<Census<T>, E>,
) -> anyhow::Result<Vec<T>> {
    let (at, from) = (which.at.as_ref(), &which.from);
    let Some(remote) = from.remote()? else {
        let (_, _, then) = from.folder(at)?;
        return Ok(of(&then.directory, sought, 0, usize::MAX)?.listed);
    };
    let slug = remote.tenant(from.tenant()).await?;
    let path = ["tenants", slug.as_str(), kind];
    let mut moment = at.map(|at| at.text.clone());
    let mut all: Vec<T> = Vec::new();
    loop {
        let state = sought.state.map(|state| state.name().to_owned());
        let given = [
            ("asOf", moment.clone()),
            ("name", sought.name.clone()),
            ("managedBy", sought.managed_by.clone()),
            ("state", state),
            ("skip", Some(all.len().to_string())),
        ];
        let query: Vec<_> =
            given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let mut answer = remote.ask(Method::GET, &path, &query, None).await?;
        // The next page is of the same moment: nobody is lost between two.
        let position = answer.get("position").and_then(Value::as_u64);
        moment = moment.or(position.map(|position| position.to_string()));
        let total = answer.get("total").and_then(Value::as_u64).unwrap_or_default();
        let page = answer.get_mut(kind).map(Value::take).unwrap_or_default();
        let page: Vec<T> = serde_json::from_value(page)?;
        let is_last = page.is_empty();
        all.extend(page);
        if is_last || all.len() as u64 >= total {
            return Ok(all);
        }
    }
}
