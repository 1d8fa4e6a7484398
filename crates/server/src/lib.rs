//! HTTP: the SCIM endpoints, administration, audit and operations. The only crate that knows
//! status codes.
//!
//! Handlers hold no rules: what comes in is parsed at the edge into values that cannot be wrong,
//! the decision is the engine's, and every read is a function of one immutable snapshot.

mod admin;
mod answer;
mod app;
mod auth;
mod body;
mod caller;
mod doors;
mod erase;
mod feed;
mod guard;
mod health;
mod journal;
mod management;
mod metrics;
mod openapi;
mod past;
mod path;
mod proxy;
mod refused;
mod requests;
mod scim_api;
mod secret;
mod setup;
mod tally;
mod wire;
mod wish;

pub mod limits;

use std::sync::Arc;

use auth::{metadata, oauth};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;

pub use app::{App, system_clock};
pub use auth::Auth;
pub use caller::EXPORTED;
pub use doors::{Door, Key, doors, operators_doors};
pub use erase::{EraseError, erase};
pub use feed::Feeds;
pub use guard::Guard;
pub use journal::Noted;
pub use proxy::{Network, NotANetwork};
pub use requests::Requests;
pub use scim_api::Lists;
pub use secret::{Purpose, Secret};
pub use setup::{
    FIRST_CONNECTOR, Opened, SetupError, Template, open_instance, open_tenant, open_tenant_with,
    startup,
};
pub use tally::{Tally, last_used};
pub use wire::{Patience, Starting, Tls, TlsError, Wire, serve, serve_with, starting};

/// Every address that is served, on one router.
pub fn router(app: App) -> Router {
    // One pointer for each request to hold, not one for each of its parts.
    let app = Arc::new(app);
    // What asks for no credential, and has an answer that takes some making.
    let open = Router::new()
        .route("/openapi.json", get(openapi::serve))
        .route(metadata::SERVER, get(metadata::server))
        .route(metadata::RESOURCE, get(metadata::resource))
        .route_layer(from_fn_with_state(app.clone(), caller::stranger));
    Router::new()
        .merge(open)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route(metadata::TOKEN, any(oauth::token))
        .route("/scim/{*rest}", any(scim_api::handle))
        .route("/admin/{*rest}", any(admin::handle))
        .route("/api/{*rest}", any(management::handle))
        .fallback(refused::no_such_address)
        .method_not_allowed_fallback(refused::no_such_method)
        .layer(CatchPanicLayer::custom(refused::panicked))
        .layer(from_fn_with_state(app.clone(), caller::identified))
        .with_state(app)
}
