//! Whether the server is alive, and whether it can do its work.

use std::sync::Arc;

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

/// `GET /readyz`: the process can read and write; otherwise why it cannot.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.engine.trouble() {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(why) => {
            let status = format!("nothing can be written: {why}");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": status }))).into_response()
        }
    }
}
