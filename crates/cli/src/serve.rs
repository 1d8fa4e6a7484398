//! `rollbook serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use domain::preset::PRESETS;
use server::{App, Guard, Lists, Network, Secret, Starting, Tls, Wire};
use tokio::net::TcpListener;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Places, public_url};
use crate::files;
use crate::instance::{self, Master};
use crate::spans::{self, Spans};
use crate::terminal::{note, say};

const LISTEN: &str = "127.0.0.1:8080";
const CONNECTIONS: &str = "12000";
const RATE: &str = "10000";
const GUESSES: &str = "30";

/// Where a server listens that was not told where.
pub(crate) fn default_url() -> &'static str {
    "http://127.0.0.1:8080"
}

/// Open the data folder (or create it) and serve SCIM, administration and audit.
///
/// At the first start it prints, once, the operator key and the tenant's API key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook serve --data ./data --tenant acme
  rollbook serve --data ./data --tenant globex --preset entra
  rollbook serve --data /var/lib/rollbook --public-url https://id.example.com --trusted-proxy 127.0.0.1
  rollbook serve --listen 0.0.0.0:8443 --tls-cert server.pem --tls-key server.key
  ROLLBOOK_SCIM_KEY=acme:a-long-random-secret rollbook serve --tenant acme")]
pub(crate) struct Serve {
    /// The configuration file; without it ./rollbook.toml, if it is there
    // Read before everything else, so that its values are the defaults of the rest.
    #[arg(long, env = "ROLLBOOK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; it is created if it is not there
    #[arg(long, env = "ROLLBOOK_DATA", default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "ROLLBOOK_LISTEN", default_value = LISTEN, value_name = "ADDR")]
    listen: SocketAddr,
    /// The tenant to open if it is not there yet
    #[arg(long, env = "ROLLBOOK_TENANT", value_name = "SLUG")]
    tenant: Option<String>,
    /// The kind of identity provider that the new tenant's connector is for
    #[arg(long, env = "ROLLBOOK_PRESET", default_value = server::FIRST_CONNECTOR, value_name = "PRESET", value_parser = PossibleValuesParser::new(PRESETS))]
    preset: String,
    /// The certificate to speak TLS with, and those that vouch for it, as PEM; looked at again when it changes
    #[arg(long, env = "ROLLBOOK_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, as PEM
    #[arg(long, env = "ROLLBOOK_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How many connections there may be at once; the limit of open files may allow fewer
    #[arg(long, env = "ROLLBOOK_MAX_CONNECTIONS", default_value = CONNECTIONS, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// How many requests a second each credential may send, and each address that shows none; 0: as many as they like
    #[arg(long, env = "ROLLBOOK_RATE_LIMIT", default_value = RATE, value_name = "NUMBER")]
    rate_limit: u32,
    /// How many wrong credentials an address may show a tenant before it is slowed; 0: as many as it likes, for tests only
    #[arg(long, env = "ROLLBOOK_GUESS_LIMIT", default_value = GUESSES, value_name = "NUMBER")]
    guess_limit: u32,
    /// The URL that clients use, when a proxy stands before; without it, what they send as Host
    #[arg(long, env = "ROLLBOOK_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// A proxy whose X-Forwarded-For is believed, as 10.0.0.1 or 10.0.0.0/8; may be repeated
    #[arg(long, env = "ROLLBOOK_TRUSTED_PROXY", value_name = "ADDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,
    /// The form of the server's own log, on standard error
    #[arg(long, env = "ROLLBOOK_LOG_FORMAT", default_value = "text", value_name = "FORM")]
    log_format: LogFormat,
    /// How much the server's own log says, as info or info,server=debug
    #[arg(long, env = "ROLLBOOK_LOG", default_value = "info", value_name = "LEVELS", value_parser = levels)]
    log: String,
    /// The collector that each request is told to as a span, over OTLP; without it OTEL_EXPORTER_OTLP_ENDPOINT, if it is set
    #[arg(long, env = "ROLLBOOK_OTLP_ENDPOINT", value_name = "URL", value_parser = spans::collector)]
    otlp_endpoint: Option<String>,
    /// The operator key to use instead of a random one
    #[arg(long, env = "ROLLBOOK_OPERATOR_KEY", hide_env_values = true, hide = true)]
    operator_key: Option<String>,
    /// The tenant's API key to use instead of a random one
    #[arg(long, env = "ROLLBOOK_SCIM_KEY", hide_env_values = true, hide = true)]
    scim_key: Option<String>,
    #[command(flatten)]
    master: Master,
}

/// Levels that the log can be told.
fn levels(text: &str) -> anyhow::Result<String> {
    Targets::from_str(text).context("expected levels, as in `info` or `info,server=debug`")?;
    Ok(text.to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    /// `places` say where each value comes from.
    pub(crate) async fn run(self, places: &Places) -> anyhow::Result<()> {
        let spans = Spans::to(self.otlp_endpoint.as_deref());
        let spans = places.tell("otlp_endpoint", spans)?;
        self.trace(spans.as_ref());
        let named = self.scim_key.as_deref().and_then(|key| key.split_once(':'));
        if let (Some((named, _)), Some(slug)) = (named, &self.tenant) {
            ensure!(named == slug, "the chosen API key is for `{named}`, not for `{slug}`");
        }
        let made = std::fs::create_dir_all(&self.data)
            .with_context(|| format!("{} cannot be created", self.data.display()));
        places.tell("data", made)?;
        // Before the data is opened: what is wrong with it is told at once.
        let wire = Wire {
            tls: self.tls(places)?.map(Arc::new),
            connections: files::room_for(self.max_connections),
            ..Wire::default()
        };
        let (key, is_new) =
            places.tell(self.master.argument().unwrap_or("data"), self.master.key(&self.data))?;
        let lists = Lists::new(&key.derive("list cursors", &[]));
        let tokens = key.derive("access tokens", &[]);
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("{} cannot be listened on", self.listen));
        let listener = places.tell("listen", listener)?;
        // Whoever asks meanwhile is told how far it is.
        let starting = Arc::new(Starting::default());
        let (telling, data) = (starting.clone(), self.data.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let tell = |done, of| telling.checks(done, of);
            let log = instance::open_log_telling(&data, key, tell)?;
            instance::start_telling(log, &data, |commits| telling.reads(commits))
        });
        let opened = tokio::select! {
            opened = opening => opened.context("opening the log broke off")?,
            never = server::starting(&listener, wire.tls.as_ref(), &starting) => match never {},
        };
        let engine = places.tell("data", opened)?;
        // Not earlier: until the log was this process's, another may have taken assertions.
        let auth = server::Auth::new(&tokens, server::system_clock()())
            .context("the operating system gave no randomness")?;
        let address = listener.local_addr()?;
        let url = self.public_url.clone().unwrap_or_else(|| {
            let scheme = if wire.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{address}")
        });
        let mut app = App::new(
            engine.clone(),
            lists,
            self.public_url.clone(),
            self.trusted_proxy.clone(),
            auth,
        );
        app.guard = Arc::new(Guard::new(Some(self.rate_limit), Some(self.guess_limit)));
        if self.guess_limit == 0 {
            note("warning: whoever guesses keys is not slowed: --guess-limit 0 is for tests");
        }
        // Whoever reads where it listens may ask it to end, or to look at its certificate, right then.
        let (stop, looking) = (stop(), look_again(wire.tls.clone()));
        self.greet(&app, &url, is_new, places).await?;
        tokio::spawn(looking);
        server::serve_with(listener, app, wire, stop).await.context("the server failed")?;
        note("stopping: finishing what is under way");
        engine.stop().await;
        // It reads and writes for seconds where there is much.
        let keep = move || {
            // Beside it: the end waits for the slower of the two.
            let sending = spans.map(|spans| std::thread::spawn(move || spans.finish()));
            engine.keep_last_checkpoint(engine::limits::CHECKPOINT_LAST);
            // Spans that could not be sent are no reason to fail.
            sending.map(std::thread::JoinHandle::join);
        };
        let kept = tokio::task::spawn_blocking(keep).await;
        kept.context("the last checkpoint was not kept; the next start reads the whole log")
    }

    /// What TLS is spoken with, if it is.
    fn tls(&self, places: &Places) -> anyhow::Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let opened = Tls::open(certificate, key);
        let argument = match &opened {
            Err(server::TlsError::Key { .. }) => "tls_key",
            Err(server::TlsError::Certificate { .. }) | Ok(_) => "tls_cert",
        };
        Ok(Some(places.tell(argument, opened.map_err(Into::into))?))
    }

    fn trace(&self, spans: Option<&Spans>) {
        // Levels of parts and nothing finer: what looks into spans is asked at every step of every request.
        let filter = Targets::from_str(&self.log).unwrap_or_default();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(crate::terminal::shows_colours_on_stderr())
            // A log that cannot be written, as on a full disk, must not take with it whoever wanted to write.
            .log_internal_errors(false)
            .with_writer(std::io::stderr);
        let all = tracing_subscriber::registry();
        // Whoever exports nothing has one filter for all, the cheapest there is.
        match (self.log_format, spans) {
            (LogFormat::Text, None) => all.with(lines).with(filter).init(),
            (LogFormat::Json, None) => all.with(lines.json()).with(filter).init(),
            (form, Some(spans)) => {
                let lines = match form {
                    LogFormat::Text => lines.boxed(),
                    LogFormat::Json => lines.json().boxed(),
                };
                all.with(lines.with_filter(filter)).with(spans.layer()).init();
            }
        }
    }

    /// Makes sure that there is an operator and the tenant, and shows the keys that were issued
    /// just now. They are shown this once.
    async fn greet(
        &self,
        app: &App,
        url: &str,
        is_new: bool,
        places: &Places,
    ) -> anyhow::Result<()> {
        let chosen = |argument: &str, text: &Option<String>| {
            let secret = text.as_deref().map(|key| key.rsplit_once(':').map_or(key, |(_, s)| s));
            let secret = secret.map(Secret::chosen).transpose();
            places.tell(argument, secret.context("the chosen key cannot be used"))
        };
        let operator =
            server::open_instance(app, chosen("operator_key", &self.operator_key)?).await?;
        say(format!("rollbook serves {url}\n"));
        let mut shown = false;
        if let Some(slug) = &self.tenant {
            let chosen = chosen("scim_key", &self.scim_key)?;
            let was_chosen = chosen.is_some();
            let opening =
                server::open_tenant(app, server::startup(app), slug, &self.preset, chosen);
            let opened = match opening.await {
                Ok(opened) => Some(opened),
                // The other tenants are served all the same.
                Err(closed @ server::SetupError::Closed(_)) => {
                    note(format!("warning: {closed}"));
                    None
                }
                Err(other) => return places.tell("tenant", Err(other.into())),
            };
            say(format!("  tenant         {slug}"));
            say(format!("  SCIM base URL  {url}/scim/{slug}/v2"));
            if let Some(secret) = opened.and_then(|opened| opened.secret).filter(|_| !was_chosen) {
                say(format!("  API key        {slug}:{}", secret.expose()));
                shown = true;
            }
        }
        if let Some(secret) = operator.filter(|_| self.operator_key.is_none()) {
            say(format!("  operator key   {}", secret.expose()));
            shown = true;
        }
        if shown {
            say("\nThe keys are shown this once: keep them now.");
        }
        if is_new {
            let file = self.data.join("master.key");
            note(format!(
                "warning: the master key was made in {}; without it no personal data can be read: \
                 keep a copy elsewhere, apart from the data",
                file.display()
            ));
        }
        Ok(())
    }
}

/// Has the certificate looked at whenever someone sends SIGHUP, as those do that renew it. Without TLS it means nothing, and
/// does not end the process either, from this call on.
fn look_again(tls: Option<Arc<Tls>>) -> impl Future<Output = ()> {
    #[cfg(unix)]
    let hangups = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup())
    };
    async move {
        #[cfg(unix)]
        if let Ok(mut hangups) = hangups {
            while hangups.recv().await.is_some() {
                match &tls {
                    Some(tls) => tls.look_now(),
                    None => {
                        tracing::info!(
                            "nothing is looked at anew on SIGHUP: there is no certificate"
                        );
                    }
                }
            }
        }
    }
}

/// When someone asks the process to end. From this call on the process heeds them, also before anybody waits.
pub(crate) fn stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let asked = {
        use tokio::signal::unix::{SignalKind, signal};
        [signal(SignalKind::interrupt()), signal(SignalKind::terminate())]
    };
    async move {
        #[cfg(unix)]
        if let [Ok(mut interrupt), Ok(mut terminate)] = asked {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        drop(tokio::signal::ctrl_c().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_what_the_limits_say() {
        assert_eq!(CONNECTIONS, server::limits::CONNECTIONS.to_string());
        assert_eq!(RATE, server::limits::RATE_LIMIT.to_string());
        assert_eq!(GUESSES, server::limits::GUESSES.to_string());
    }
}
