//! A list as a client reads it: by pages, with its numbers as JSON integers.

use serde_json::Value;

use crate::body;
use crate::wire::{Answer, ClientError, Wire};

/// All resources below this path, page by page, until `totalResults` are there.
pub(crate) async fn all(
    wire: &Wire,
    path: &str,
    page_size: usize,
) -> Result<Vec<Value>, ClientError> {
    let page_size = page_size.max(1);
    let mut all = Vec::new();
    loop {
        let answer = page(wire, path, all.len() + 1, page_size).await?.expect_status(&[200])?;
        let page = resources(&answer)?;
        all.extend_from_slice(page);
        if page.is_empty() || all.len() >= number(&answer, "totalResults")? {
            return Ok(all);
        }
    }
}

/// One page, whatever its status.
pub(crate) async fn page(
    wire: &Wire,
    path: &str,
    start_index: usize,
    count: usize,
) -> Result<Answer, ClientError> {
    wire.get(&format!("{path}?startIndex={start_index}&count={count}")).await
}

/// The one hit of a look-up, with its `id`; none if there is none.
pub(crate) fn hit(answer: &Answer) -> Result<Option<Value>, ClientError> {
    let hit = resources(answer)?.first().cloned();
    match &hit {
        Some(hit) if hit.get("id").and_then(Value::as_str).is_none() => {
            Err(answer.lacks("an `id` in the hit"))
        }
        Some(_) | None => Ok(hit),
    }
}

/// The id of what [`hit`] found: a hit without one does not get this far.
pub(crate) fn id_of(hit: &Value) -> String {
    hit.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The hits of a list; none if the list leaves out `Resources`, as an empty one may.
pub(crate) fn resources(answer: &Answer) -> Result<&[Value], ClientError> {
    if !names_schema(&answer.body, body::LIST) {
        return Err(answer.lacks("the ListResponse schema"));
    }
    number(answer, "totalResults")?;
    match answer.body.get("Resources") {
        Some(Value::Array(hits)) => Ok(hits),
        None => Ok(&[]),
        Some(_) => Err(answer.lacks("an array of `Resources`")),
    }
}

/// A number of a list, which clients read as a JSON integer.
pub(crate) fn number(answer: &Answer, name: &str) -> Result<usize, ClientError> {
    let number = answer.body.get(name).and_then(Value::as_u64);
    number
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| answer.lacks("the numbers of a list as integers"))
}

/// Whether the body says it is of this schema.
pub(crate) fn names_schema(body: &Value, schema: &str) -> bool {
    let schemas = body.get("schemas").and_then(Value::as_array);
    schemas.is_some_and(|schemas| schemas.iter().any(|listed| listed == schema))
}
