//! Rules: who is in a group has a role.

use axum::http::StatusCode;
use domain::command::Command;
use domain::directory::{Directory, EVERYONE};
use domain::id::{GroupId, RuleId};
use domain::snapshot::Snapshot;
use serde::Deserialize;
use serde_json::json;

use super::{Asked, done, ok};
use crate::answer::Answer;
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// An id, or a name in any case.
    group: String,
    /// A role's name.
    role: String,
}

/// `GET /admin/v1/tenants/{tenant}/rules`
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let rules = audit::rules(&snapshot.directory);
    Ok(ok(StatusCode::OK, &json!({ "rules": rules })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/rules`: from then on whoever is in the group has the role.
pub(super) async fn add(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let New { group, role } = asked.body()?;
    let group = present_group(&snapshot, &group)?;
    let rule = RuleId::new(asked.app.id());
    Ok(done(&asked.submit(tenant, Command::AddRule { rule, group, role }).await?))
}

/// `DELETE /admin/v1/tenants/{tenant}/rules/{id}`: it gives nothing any more.
pub(super) async fn remove(asked: &Asked<'_>, slug: &str, id: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let rule = id
        .parse()
        .map_err(|_| Refused::new(StatusCode::NOT_FOUND, format!("there is no rule `{id}`")))?;
    Ok(done(&asked.submit(tenant, Command::RemoveRule { rule }).await?))
}

/// The one group that `which` names and that is there now: an id, or a name in any case.
pub(super) fn present_group(snapshot: &Snapshot, which: &str) -> Result<GroupId, Refused> {
    let groups = &snapshot.directory.groups;
    let by_id = which.parse().ok().and_then(|id| groups.get(id));
    by_id.or_else(|| groups.named(which).next()).map(|group| group.id).ok_or_else(|| {
        if Directory::is_built_in(which) {
            let detail = format!(
                "the group `{which}` is built in: everybody who may act is in it, and nothing is changed or given by it. \
                 What everybody has is the role `{EVERYONE}`"
            );
            return Refused::new(StatusCode::CONFLICT, detail);
        }
        let detail =
            format!("there is no group `{which}`: give a displayName in any case, or an id");
        Refused::new(StatusCode::NOT_FOUND, detail)
    })
}
