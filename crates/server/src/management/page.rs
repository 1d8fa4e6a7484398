//! Pages: `items_this_page` and where the next one begins.

use domain::position::Position;
use scim::Invalid;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Asked;
use crate::limits::MANAGEMENT_PAGE;
use crate::refused::Refused;

/// Where a page begins: at what was created there, or at what came next if that is gone by now. So nobody who is there all the
/// time is missed or told twice, whoever comes and goes while a script turns pages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Start {
    pub(super) created: Position,
    pub(super) id: Uuid,
}

impl Start {
    /// The one that the request names; none: the first.
    pub(super) fn asked(asked: &Asked<'_>) -> Result<Option<Start>, Refused> {
        let Some(text) = asked.parameters.get("next_page_start") else { return Ok(None) };
        let parsed = text
            .split_once('-')
            .and_then(|(at, id)| Some(Start { created: at.parse().ok()?, id: id.parse().ok()? }));
        parsed.map(Some).ok_or_else(|| {
            let detail = format!(
                "`{text}` is no `next_page_start`: give the one that the page before answered, or none"
            );
            Invalid::value(detail).into()
        })
    }

    fn text(self) -> String {
        format!("{}-{}", self.created, self.id)
    }
}

/// A page of these things, oldest first from where it begins.
pub(super) fn page<T>(
    noun: &str,
    from: impl Iterator<Item = T>,
    start: impl Fn(&T) -> Start,
    show: impl Fn(&T) -> Value,
) -> Value {
    let mut items: Vec<T> = from.take(MANAGEMENT_PAGE + 1).collect();
    let next = items.get(MANAGEMENT_PAGE).map(|next| start(next).text());
    items.truncate(MANAGEMENT_PAGE);
    let told: Vec<Value> = items.iter().map(show).collect();
    json!({ noun: told, "items_this_page": items.len(), "next_page_start": next })
}
