//! Whether the server is alive, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// `GET /readyz`: the process can read and write.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    if app.engine.is_writing() {
        Json(json!({ "status": "ready" })).into_response()
    } else {
        let status = "reads only: the log takes no more writes; see the server's log";
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": status }))).into_response()
    }
}
