//! Users, groups and roles over HTTP, written once for all.

use audit::{About, ProblemKind};
use axum::http::StatusCode;
use domain::command::{Change, Command, Expected};
use domain::event::{Member, PatchAnswer};
use domain::find::{Listed, Viewer};
use domain::id::{ConnectorId, GroupId, RoleId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::view::path_part;
use engine::Receipt;
use scim::{Patch, Projection, ResourceType, Value};

use super::address::Kind;
use super::{Asked, conditions, negotiation, reach};
use crate::answer::Answer;
use crate::journal::{self, Left};
use crate::refused::Refused;

/// The methods of what clients do not write.
const READ_ONLY: &str = "GET, HEAD";

/// Which resource a request is about.
#[derive(Clone, Copy)]
enum Target {
    User(UserId),
    Group(GroupId),
    /// Only read.
    Role(RoleId),
}

impl Target {
    fn new(asked: &Asked<'_>, kind: Kind) -> Result<Target, Refused> {
        match kind {
            Kind::User => Ok(Target::User(UserId::new(asked.app.id()))),
            Kind::Group => Ok(Target::Group(GroupId::new(asked.app.id()))),
            Kind::Role | Kind::Entitlement => Err(Refused::no_method(READ_ONLY)),
        }
    }

    /// The resource with this id, if it is there: unknown, deleted, another type's and another
    /// tenant's ids are alike (R-7644-3.4.1-02).
    fn find(
        asked: &Asked<'_>,
        snapshot: &Snapshot,
        kind: Kind,
        id: &str,
    ) -> Result<Target, Refused> {
        let missing = || {
            let detail = format!("there is no {} `{id}`", kind.name().to_lowercase());
            Refused::new(StatusCode::NOT_FOUND, detail)
        };
        let viewer = viewer(asked, snapshot);
        match kind {
            Kind::User => id.parse().ok().filter(|id| viewer.user(*id).is_some()).map(Target::User),
            Kind::Group => {
                id.parse().ok().filter(|id| viewer.group(*id).is_some()).map(Target::Group)
            }
            Kind::Role => {
                let mut roles = snapshot.directory.roles.iter();
                roles.find(|role| role.view(viewer).id() == id).map(|role| Target::Role(role.id))
            }
            Kind::Entitlement => None,
        }
        .ok_or_else(missing)
    }

    /// As the refusal journal knows it.
    fn about(self) -> About {
        let (user, group, role) = match self {
            Target::User(id) => (Some(id), None, None),
            Target::Group(id) => (None, Some(id), None),
            Target::Role(id) => (None, None, Some(id)),
        };
        About { user, group, role, ..About::default() }
    }

    /// The version that it has for this connector: also if its lists name it no longer since it wrote.
    fn version(self, connector: ConnectorId, snapshot: &Snapshot) -> Option<Position> {
        let (directory, own) = (&snapshot.directory, Some(connector));
        let stamp = match self {
            Target::User(id) => directory.user_known(own, id).map(|user| user.modified),
            Target::Group(id) => {
                let group = directory.group_known(own, id);
                group.map(|group| directory.group_modified(own, group))
            }
            Target::Role(id) => directory.roles.get(id).map(|role| role.modified),
        };
        stamp.map(|stamp| stamp.position)
    }

    /// The resource with this id, at a version that the client expects: checked before the body is
    /// understood (R-7644-3.12-04). Whoever decides checks it again, for by then it may have changed.
    fn expected(
        asked: &Asked<'_>,
        kind: Kind,
        id: &str,
        expected: &Expected,
    ) -> Result<Target, Refused> {
        let target = Target::find(asked, &asked.caller.snapshot, kind, id)?;
        if let Some(version) = target.version(asked.caller.connector, &asked.caller.snapshot) {
            expected.check(version)?;
        }
        Ok(target)
    }

    fn command(self, change: Change) -> Result<Command, Refused> {
        match self {
            Target::User(id) => Ok(Command::User(id, change)),
            Target::Group(id) => Ok(Command::Group(id, change)),
            Target::Role(_) => Err(Refused::no_method(READ_ONLY)),
        }
    }

    /// The resource in JSON, with its location and version.
    fn render(
        self,
        asked: &Asked<'_>,
        snapshot: &Snapshot,
        projection: &Projection,
    ) -> Option<Rendered> {
        let viewer = viewer(asked, snapshot);
        let (directory, own) = (&snapshot.directory, viewer.connector);
        let mut body = Vec::with_capacity(1024);
        let (version, path) = match self {
            Target::User(id) => {
                let user = directory.user_known(own, id)?;
                let view = user.view(viewer);
                scim::write_resource(
                    &mut body,
                    &view,
                    resource_type(asked, Kind::User),
                    projection,
                );
                (user.modified.position, format!("Users/{id}"))
            }
            Target::Group(id) => {
                let group = directory.group_known(own, id)?;
                let view = group.view(viewer);
                scim::write_resource(
                    &mut body,
                    &view,
                    resource_type(asked, Kind::Group),
                    projection,
                );
                (directory.group_modified(own, group).position, format!("Groups/{id}"))
            }
            Target::Role(id) => {
                let role = snapshot.directory.roles.get(id)?;
                let view = role.view(viewer);
                let rtype = resource_type(asked, Kind::Role);
                scim::write_resource(&mut body, &view, rtype, projection);
                (role.modified.position, format!("Roles/{}", path_part(&view.id())))
            }
        };
        Some(Rendered { body, version, location: format!("{}/{path}", asked.base) })
    }
}

struct Rendered {
    body: Vec<u8>,
    version: Position,
    location: String,
}

/// What became of a write that was granted.
pub(super) struct Written {
    target: Target,
    receipt: Receipt,
    /// What the answer to it says; without content, nothing of the resource is shown.
    pub(super) status: StatusCode,
    projection: Projection,
}

impl Written {
    /// The resource's id.
    pub(super) fn id(&self) -> String {
        match self.target {
            Target::User(id) => id.to_string(),
            Target::Group(id) => id.to_string(),
            Target::Role(id) => id.to_string(),
        }
    }

    /// Whether it was there before a request that was to create it, and was linked.
    pub(super) fn is_linked(&self) -> bool {
        self.receipt.about.is_some()
    }

    /// The resource in JSON, if the answer to this write shows it.
    pub(super) fn body(&self, asked: &Asked<'_>) -> Option<Vec<u8>> {
        self.shown(asked).map(|rendered| rendered.body)
    }

    /// The version that it has now; none if it is gone.
    pub(super) fn version(&self, asked: &Asked<'_>) -> Option<Position> {
        self.target.version(asked.caller.connector, &self.receipt.snapshot)
    }

    fn shown(&self, asked: &Asked<'_>) -> Option<Rendered> {
        if self.status == StatusCode::NO_CONTENT {
            return None;
        }
        self.target.render(asked, &self.receipt.snapshot, &self.projection)
    }

    /// The answer to a request that asked for this.
    pub(super) fn answer(&self, asked: &Asked<'_>) -> Answer {
        let answer = match self.shown(asked) {
            None => Answer::new(self.status, None),
            Some(Rendered { body, location, .. }) => {
                let is_there = self.status != StatusCode::CREATED;
                Answer::new(self.status, Some(body)).with_location(location, is_there)
            }
        };
        let answer = answer.of(&self.receipt);
        match self.version(asked) {
            Some(version) => answer.with_version(version),
            None => answer,
        }
    }
}

/// A type as the connector sees it at the state that is asked for. A type that it does not see was refused before.
pub(super) fn resource_type<'a>(asked: &'a Asked<'_>, kind: Kind) -> &'a ResourceType {
    match asked.catalogue.resource_type(kind.name()) {
        Some(rtype) => rtype,
        None => ResourceType::user(),
    }
}

fn viewer<'a>(asked: &'a Asked<'_>, snapshot: &'a Snapshot) -> Viewer<'a> {
    Viewer {
        directory: &snapshot.directory,
        connector: Some(asked.caller.connector),
        base: &asked.base,
    }
}

/// What an answer to anything but a list shows.
fn projection(asked: &Asked<'_>, kind: Kind) -> Result<Projection, Refused> {
    let (only, except) =
        (asked.parameters.get("attributes"), asked.parameters.get("excludedAttributes"));
    Ok(Projection::parse(only, except, resource_type(asked, kind))?)
}

pub(super) fn get(asked: &Asked<'_>, kind: Kind, id: &str) -> Result<Answer, Refused> {
    let projection = projection(asked, kind)?;
    let snapshot = &asked.caller.snapshot;
    let target = Target::find(asked, snapshot, kind, id)?;
    let rendered = target.render(asked, snapshot, &projection).ok_or_else(Refused::no_address)?;
    let known = conditions::is_known(&asked.parts.headers, rendered.version)
        && !asked.caller.shows_erased(id, &rendered.body);
    let answer = if known {
        Answer::new(StatusCode::NOT_MODIFIED, None)
    } else {
        Answer::new(StatusCode::OK, Some(rendered.body)).with_location(rendered.location, true)
    };
    Ok(answer.with_version(rendered.version).at(snapshot.head.position))
}

/// Makes a resource. Why not, is noted with the name that it was to have.
pub(super) async fn create(
    asked: &Asked<'_>,
    kind: Kind,
    body: &Value,
) -> Result<Written, Refused> {
    made(asked, kind, body).await.map_err(|why| why.about(journal::named(kind, body)))
}

async fn made(asked: &Asked<'_>, kind: Kind, body: &Value) -> Result<Written, Refused> {
    let options = asked.caller.options();
    let projection = projection(asked, kind)?;
    let admitted = scim::admit(body, resource_type(asked, kind), options)?;
    asked.note(&admitted.ignored, &admitted.quirks);
    let projection = projection.answering(resource_type(asked, kind), |path| admitted.says(path));
    let (target, status) = (Target::new(asked, kind)?, StatusCode::CREATED);
    let receipt = submit(asked, target, Change::Create(admitted), status).await?;
    // Who was there already keeps their id.
    let target = match receipt.about {
        Some(Member::User(id)) => Target::User(id),
        Some(Member::Group(id)) => Target::Group(id),
        None => target,
    };
    Ok(Written { target, receipt, status, projection })
}

/// Puts a resource in place of the one that is there.
pub(super) async fn replace(
    asked: &Asked<'_>,
    kind: Kind,
    id: &str,
    body: &Value,
    expected: Expected,
) -> Result<Written, Refused> {
    let target = Target::expected(asked, kind, id, &expected)?;
    let projection = projection(asked, kind)?;
    let with = scim::admit(body, resource_type(asked, kind), asked.caller.options())?;
    asked.note(&with.ignored, &with.quirks);
    let projection = projection.answering(resource_type(asked, kind), |path| with.says(path));
    let status = StatusCode::OK;
    let receipt = submit(asked, target, Change::Replace { with, expected }, status).await?;
    Ok(Written { target, receipt, status, projection })
}

/// Changes a resource in parts.
pub(super) async fn patch(
    asked: &Asked<'_>,
    kind: Kind,
    id: &str,
    body: &Value,
    expected: Expected,
) -> Result<Written, Refused> {
    let target = Target::expected(asked, kind, id, &expected)?;
    let projection = projection(asked, kind)?;
    let patch = Patch::parse(body, resource_type(asked, kind), asked.caller.options())?;
    asked.note(&patch.ignored, &patch.quirks);
    let projection = projection.answering(resource_type(asked, kind), |path| patch.says(path));
    // A group's members may be many, so its answer has no body unless it or its attributes are
    // asked for (R-7644-3.5.2-13); a user's always has one.
    let settings = asked.caller.settings();
    let whole = kind == Kind::User
        || settings.is_some_and(|settings| settings.patch_answer == PatchAnswer::Resource)
        || negotiation::prefers_representation(&asked.parts.headers)
        || asked.parameters.get("attributes").is_some()
        || asked.parameters.get("excludedAttributes").is_some();
    let status = if whole { StatusCode::OK } else { StatusCode::NO_CONTENT };
    let receipt = submit(asked, target, Change::Patch { patch, expected }, status).await?;
    Ok(Written { target, receipt, status, projection })
}

/// Takes a resource away.
pub(super) async fn delete(
    asked: &Asked<'_>,
    kind: Kind,
    id: &str,
    expected: Expected,
) -> Result<Written, Refused> {
    let target = Target::find(asked, &asked.caller.snapshot, kind, id)?;
    let (status, projection) = (StatusCode::NO_CONTENT, Projection::default());
    let receipt = submit(asked, target, Change::Delete { expected }, status).await?;
    Ok(Written { target, receipt, status, projection })
}

/// Takes back what could not be finished, whatever the connector may do by now.
pub(super) async fn withdraw(asked: &Asked<'_>, kind: Kind, id: &str) -> Result<Written, Refused> {
    let target = Target::find(asked, &asked.caller.snapshot, kind, id)?;
    let (status, projection) = (StatusCode::NO_CONTENT, Projection::default());
    let receipt = submit(asked, target, Change::Withdraw, status).await?;
    Ok(Written { target, receipt, status, projection })
}

/// Asks the engine, and notes what it left out.
async fn submit(
    asked: &Asked<'_>,
    target: Target,
    change: Change,
    status: StatusCode,
) -> Result<Receipt, Refused> {
    let (caller, visit) = (asked.caller, asked.visit);
    let origin = visit.origin(caller.actor());
    let extent = reach::Extent::of(&change, caller.settings());
    let receipt = asked.app.engine.submit(caller.tenant, origin, target.command(change)?).await?;
    asked.note(&[], &receipt.quirks);
    let actor = caller.actor();
    journal::look_after(asked.app, caller.tenant, actor, visit, asked.line, &receipt);
    let mut left_out: Vec<String> = (!receipt.notices.is_empty())
        .then(|| journal::summary(&receipt.notices))
        .into_iter()
        .collect();
    if let Target::User(user) = target {
        left_out.extend(reach::reach(asked, user, extent, &receipt).await);
    }
    if !left_out.is_empty() {
        let left = Left {
            kind: ProblemKind::Partial,
            status: status.as_u16(),
            detail: left_out.join("; "),
            about: target.about(),
        };
        journal::left(asked.app, caller.tenant, caller.actor(), visit, asked.line, left);
    }
    Ok(receipt)
}
