//! Whether the server is alive, and whether it can do its work.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::Checked;
use serde::Serialize;

use crate::app::App;

/// What is answered.
#[derive(Serialize)]
struct Health {
    status: String,
    /// What is under way, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
}

/// How far something is.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Progress {
    pub(crate) step: &'static str,
    pub(crate) done: u64,
    /// None: it is not known.
    pub(crate) of: Option<u64>,
    pub(crate) unit: &'static str,
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    is_alive()
}

/// What it answers, whatever else goes on.
pub(crate) fn is_alive() -> Response {
    told(StatusCode::OK, "alive".to_owned(), None)
}

/// `GET /readyz`: the process can read and write, and what goes on behind that; otherwise why it cannot.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    of(&app.engine.checked(), app.engine.trouble())
}

fn of(checked: &Checked, trouble: Option<String>) -> Response {
    let progress = match *checked {
        Checked::UpTo(done, of) => {
            let step = "checking the log before the checkpoint";
            Some(Progress { step, done, of: Some(of), unit: "frames" })
        }
        Checked::Whole | Checked::Damaged(_) => None,
    };
    match trouble {
        None => told(StatusCode::OK, "ready".to_owned(), progress),
        Some(why) => {
            let status = format!("nothing can be written: {why}");
            told(StatusCode::SERVICE_UNAVAILABLE, status, progress)
        }
    }
}

/// An answer in this form.
pub(crate) fn told(code: StatusCode, status: String, progress: Option<Progress>) -> Response {
    (code, Json(Health { status, progress })).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    async fn body(answer: Response) -> (u16, Value) {
        let code = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (code, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn what_goes_on_behind_is_told_whether_it_is_ready_or_not() {
        assert_eq!(body(of(&Checked::Whole, None)).await, (200, json!({ "status": "ready" })));
        let step = "checking the log before the checkpoint";
        let progress = json!({ "step": step, "done": 26, "of": 210, "unit": "frames" });
        let under_way = json!({ "status": "ready", "progress": progress });
        assert_eq!(body(of(&Checked::UpTo(26, 210), None)).await, (200, under_way));
        let short = Some("the disk is full".to_owned());
        let status = "nothing can be written: the disk is full";
        let under_way = json!({ "status": status, "progress": progress });
        assert_eq!(body(of(&Checked::UpTo(26, 210), short)).await, (503, under_way));
        let damage = Some("the log is damaged".to_owned());
        let damaged = Checked::Damaged("frame 7".to_owned());
        let told = json!({ "status": "nothing can be written: the log is damaged" });
        assert_eq!(body(of(&damaged, damage)).await, (503, told));
    }
}
