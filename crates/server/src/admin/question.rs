//! Audit questions in the parameters of a request: the same for answers and for feeds.

use std::sync::Arc;

use audit::{Misasked, Question};
use axum::http::StatusCode;
use domain::snapshot::Snapshot;

use super::Asked;
use crate::refused::Refused;

/// The question that a request asks: every parameter but the address's `own` is one of `audit::FILTERS` or
/// `audit::RANGE`. Names are looked up in `snapshot`. Its order and limit are left as they are by themselves.
///
/// # Errors
/// 400 for a parameter that means nothing or a value that it cannot have, each by its name; 404 for a name that nothing has or
/// ever had.
pub(super) async fn question(
    asked: &Asked<'_>,
    snapshot: &Arc<Snapshot>,
    own: &[&str],
) -> Result<Question, Refused> {
    let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
    let words = asked.parameters.pairs().filter(|(name, _)| !is_own(name));
    let words: Vec<(String, String)> =
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (engine, snapshot) = (asked.app.engine.clone(), snapshot.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let world = engine.world();
        let system = world.system().map(|system| &system.directory);
        let words = words.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        audit::question(words, &engine, &snapshot, system)
    });
    reading.await.map_err(Refused::broken_off)?.map_err(refused)
}

pub(super) fn refused(why: Misasked) -> Refused {
    match why {
        Misasked::Unknown(unknown) => Refused::new(StatusCode::NOT_FOUND, unknown.to_string()),
        Misasked::NoWord(_) | Misasked::NoProblemWord(_) | Misasked::NoValue { .. } => {
            scim::Invalid::value(why.to_string()).into()
        }
        Misasked::Unread(error) => super::audit::failed(error),
    }
}
