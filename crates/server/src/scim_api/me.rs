//! `/Me` (RFC 7644 §3.11): the user whose key was shown, answered directly.
//!
//! A user's key opens this and nothing else, and it only reads: users are changed by who manages
//! them, an identity provider or an operator.

use axum::http::{StatusCode, request};
use domain::find::{Listed, Viewer};
use scim::{Catalogue, Projection};

use super::address::Version;
use super::{Endpoint, Parameters, conditions, is_read, negotiation};
use crate::answer::Answer;
use crate::app::App;
use crate::caller::Person;
use crate::past;
use crate::refused::Refused;

/// What they are answered.
pub(super) async fn answer(
    app: &App,
    person: &Person,
    parts: &request::Parts,
    version: &Version,
    base: &str,
) -> Result<Answer, Refused> {
    super::check_version(version)?;
    if !is_read(&parts.method) {
        return Err(Refused::no_method(Endpoint::Me.methods()));
    }
    let media = negotiation::accepted(&parts.headers)?;
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
    let user = Some(person.user);
    let snapshot = past::asked(app, person.tenant, &person.snapshot, &parameters, user).await?;
    let directory = &snapshot.directory;
    let rtype = Catalogue::user(directory.schemas.catalogue());
    let (only, except) = (parameters.get("attributes"), parameters.get("excludedAttributes"));
    let projection = Projection::parse(only, except, rtype)?;
    // Now they are there, for their key opened this.
    let user = directory.users.get(person.user).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "you were not there yet at that moment")
    })?;
    let version = user.modified.position;
    let location = format!("{base}/Users/{}", user.id);
    let mut answer = if conditions::is_known(&parts.headers, version) {
        Answer::new(StatusCode::NOT_MODIFIED, None)
    } else {
        let viewer = Viewer { directory, connector: None, base };
        let mut body = Vec::with_capacity(1024);
        scim::write_resource(&mut body, &user.view(viewer), rtype, &projection);
        Answer::new(StatusCode::OK, Some(body)).with_location(location, true)
    };
    answer.media = media;
    Ok(answer.with_version(version).at(snapshot.head.position))
}
