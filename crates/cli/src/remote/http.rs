//! One request over one connection, with TLS where the URL says so.
//!
//! Apart from the simulator's client, which is for plain HTTP: a verb sends a few requests, and must tell why a
//! certificate is not trusted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::{Method, Url};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// What it may take to reach a server.
const CONNECT: Duration = Duration::from_secs(10);
/// For how long a server may be silent before it counts as gone: what stands between may drop a connection
/// and tell nobody. A stream gives signs of life more often.
const SILENCE: Duration = Duration::from_secs(120);

/// The way to servers.
pub(crate) struct Http {
    tls: Option<TlsConnector>,
}

/// What a server answers, as it comes.
pub(crate) struct Answer(Response<Incoming>);

impl Http {
    /// The way to `url`; over TLS whoever these certificates vouch for is believed, or else whoever the system believes.
    ///
    /// # Errors
    /// When there is no such certificate, or none at all.
    pub(crate) fn to(url: &str, ca: Option<&Path>) -> anyhow::Result<Http> {
        if !url.starts_with("https://") {
            return Ok(Http { tls: None });
        }
        let mut roots = RootCertStore::empty();
        match ca {
            Some(file) => {
                let wrong = || format!("the certificates of {} cannot be used", file.display());
                let all = CertificateDer::pem_file_iter(file).with_context(wrong)?;
                for certificate in all {
                    roots.add(certificate.with_context(wrong)?).with_context(wrong)?;
                }
                ensure!(!roots.is_empty(), "{}: there is none in PEM", wrong());
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                ensure!(
                    !roots.is_empty(),
                    "this system has no certificates to trust: name some with --ca FILE or ROLLBOOK_CA"
                );
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("there is no TLS")?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Http { tls: Some(Arc::new(config).into()) })
    }

    /// Sends a request; a body is JSON.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        key: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<Answer> {
        let host = url.host_str().context("the URL names no host")?;
        let port = url.port_or_known_default().context("the URL names no port")?;
        // An IPv6 address stands in brackets in a URL, and nowhere else.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let connected = timeout(CONNECT, TcpStream::connect((bare, port))).await;
        let socket = connected.context("it cannot be reached in time")??;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let at = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, at)
            .header(ACCEPT, "*/*")
            .header(AUTHORIZATION, format!("Bearer {key}"));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .context("the key holds characters that no key has")?;
        match &self.tls {
            None => exchange(socket, request).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(bare.to_owned()).context("this is no host's name")?;
                let shaken = timeout(CONNECT, tls.connect(name, socket)).await;
                match shaken.context("TLS was not agreed on in time")? {
                    Ok(socket) => exchange(socket, request).await,
                    Err(error) => bail!(untrusted(&error)),
                }
            }
        }
    }
}

/// Why TLS was not agreed on, and what to do.
fn untrusted(error: &std::io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        // A bad signature: it is not of whom it says, though they are called the same.
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => {
            "nobody who is trusted vouches for its certificate: name who does with --ca FILE or ROLLBOOK_CA".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(why)) => format!("its certificate is not good: {why}"),
        _ => format!("it does not speak TLS as this does: {error}"),
    }
}

async fn exchange(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Answer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    // What goes wrong shows at the answer.
    tokio::spawn(async move { drop(connection.await) });
    let answer = timeout(SILENCE, sender.send_request(request)).await;
    Ok(Answer(answer.context("it says nothing")??))
}

impl Answer {
    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// What comes next; none: that was all.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn chunk(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            let frame = timeout(SILENCE, self.0.body_mut().frame()).await;
            match frame.context("it says nothing more")? {
                None => return Ok(None),
                Some(frame) => {
                    // What is no data is a trailer, of which there are none.
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn bytes(mut self) -> anyhow::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}
