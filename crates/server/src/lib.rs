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
mod health;
mod journal;
mod management;
mod metrics;
mod openapi;
mod past;
mod path;
mod proxy;
mod refused;
mod scim_api;
mod secret;
mod setup;
mod tally;
mod wish;

pub mod limits;

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth::{metadata, oauth};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::catch_panic::CatchPanicLayer;

pub use app::{App, system_clock};
pub use auth::Auth;
pub use doors::{Door, Key, doors, operators_doors};
pub use erase::{EraseError, erase};
pub use feed::Feeds;
pub use proxy::{Network, NotANetwork};
pub use scim_api::Lists;
pub use secret::{Purpose, Secret};
pub use setup::{
    FIRST_CONNECTOR, Opened, SetupError, Template, open_instance, open_tenant, open_tenant_with,
    startup,
};
pub use tally::{Tally, last_used};

/// Every address that is served, on one router.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::serve))
        .route(metadata::SERVER, get(metadata::server))
        .route(metadata::RESOURCE, get(metadata::resource))
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

/// Serves until `stop` resolves; requests under way get [`limits::DRAIN_SECONDS`] to finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (tally, engine, clock) = (app.tally.clone(), app.engine.clone(), app.clock.clone());
    let feeds = Arc::new(app.feeds.anew());
    let own_url = format!("http://{}", listener.local_addr()?).into();
    let service = router(App { feeds: feeds.clone(), own_url, ..app })
        .into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        feeds.close();
        // Nobody waits for this when the server has failed by itself.
        let _ = stopping.send(());
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop).into_future();
    // A client that never ends its request must not keep the log from being closed.
    let overdue = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(Duration::from_secs(limits::DRAIN_SECONDS)).await,
            Err(_) => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = serving => served,
        () = overdue => Ok(()),
    };
    tally.keep(&engine, clock());
    served
}
