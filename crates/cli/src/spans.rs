//! Requests as spans, for a collector that speaks OTLP.

use std::time::Duration;

use anyhow::{Context, bail};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The variable that all that speaks OTLP heeds.
const USUAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(2);
/// What it gets for the last one.
const END: Duration = Duration::from_secs(1);

/// Sends spans until it is finished, from a thread of its own.
pub(crate) struct Spans(SdkTracerProvider);

impl Spans {
    /// To the collector that was named, or that everything here sends to; none: there is none.
    ///
    /// # Errors
    /// When it is no URL that can be sent to.
    pub(crate) fn to(named: Option<&str>) -> anyhow::Result<Option<Spans>> {
        let usual = std::env::var(USUAL).ok().filter(|url| !url.is_empty());
        let url = match (named, &usual) {
            (Some(named), _) => named.to_owned(),
            (None, Some(usual)) => collector(usual).context(USUAL)?,
            (None, None) => return Ok(None),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{url}/v1/traces"))
            .with_timeout(PATIENCE)
            .build()
            .context("spans cannot be sent")?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("rollbook").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        Ok(Some(Spans(provider.with_resource(resource).build())))
    }

    /// What hands the requests' spans over, and nothing else.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("rollbook"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(filter_fn(|what| what.target() == server::EXPORTED))
    }

    /// Sends what is left, if the collector takes it in a moment; blocks.
    pub(crate) fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(END) {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }
}

/// The URL of a collector, without a slash at its end.
pub(crate) fn collector(text: &str) -> anyhow::Result<String> {
    let url = text.trim_end_matches('/');
    match url.strip_prefix("http://") {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(url.to_owned()),
        Some(_) | None => bail!(
            "expected the http URL of a collector, as in http://127.0.0.1:4318; let one on this machine pass them on over TLS"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_reached_by_http() {
        assert_eq!(collector("http://127.0.0.1:4318/").unwrap(), "http://127.0.0.1:4318");
        for wrong in ["127.0.0.1:4318", "https://x.example.com", "http://", "http://a b"] {
            assert!(collector(wrong).is_err(), "{wrong}");
        }
    }
}
