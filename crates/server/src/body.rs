//! Bodies of requests: read within a limit, or let go by.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::limits::{DRAINED_BYTES, DRAINED_SECONDS};
use crate::refused::Refused;
use crate::wire::BodyError;

/// The whole body, counted as it comes: what `Content-Length` says is not believed.
pub(crate) async fn read(body: &mut Body, limit_bytes: usize) -> Result<Vec<u8>, Refused> {
    match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Refused::too_large(limit_bytes))
        }
        Err(error) => Err(match cause(&*error) {
            BodyError::Slow => {
                Refused::new(StatusCode::REQUEST_TIMEOUT, BodyError::Slow.to_string())
            }
            BodyError::NoRoom => {
                Refused::later(StatusCode::SERVICE_UNAVAILABLE, BodyError::NoRoom.to_string())
            }
            BodyError::BrokenOff => {
                Refused::new(StatusCode::BAD_REQUEST, BodyError::BrokenOff.to_string())
            }
        }),
    }
}

/// Why a body was not read to its end, out of what layers put around it.
fn cause(error: &(dyn Error + 'static)) -> BodyError {
    std::iter::successors(Some(error), |error| (*error).source())
        .find_map(|error| error.downcast_ref().copied())
        .unwrap_or(BodyError::BrokenOff)
}

/// Lets what is left of a refused request's body go by. Else the connection would be closed while the client still writes, and
/// it might see a broken connection instead of why it was refused. Bounded in bytes and in time; a client that waits to be
/// told to go on (`Expect`) is told to stop instead.
pub(crate) async fn drain(parts: &request::Parts, body: &mut Body) {
    if parts.headers.contains_key(header::EXPECT) {
        return;
    }
    let rest = async {
        let mut left = DRAINED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = match left.checked_sub(frame.data_ref().map_or(0, |data| data.len())) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // Too slow is as good as done: the answer goes out either way.
    let _ = tokio::time::timeout(Duration::from_secs(DRAINED_SECONDS), rest).await;
}
