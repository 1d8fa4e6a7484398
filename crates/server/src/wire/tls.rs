//! TLS: a certificate and its key out of two files, looked at again while the server runs.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::time::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::version::{TLS12, TLS13};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::expiry;
use crate::app::system_clock;
use crate::limits::{TLS_FILES_BYTES, TLS_LOOK_SECONDS, TLS_WARN_DAYS};

const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;

/// Why a certificate and a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("the certificate {} cannot be used: {why}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key's file.
    #[error("the key {} cannot be used: {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// What a server speaks TLS with: TLS 1.2 and 1.3, as RFC 7644 §7.2 asks.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<Pair>,
    /// The files that were refused last, by what was in them: told once.
    refused: Mutex<Option<[u8; 32]>>,
    /// Somebody wants the files to be looked at now.
    look: Notify,
}

/// A certificate and its key, ready to be used.
struct Pair {
    acceptor: TlsAcceptor,
    expires: Option<Timestamp>,
    /// SHA-256 of both files.
    sum: [u8; 32],
}

/// What the two files hold.
struct Files {
    certificate: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Tls {
    /// Reads a certificate, with those that vouch for it, and its key, both as PEM.
    ///
    /// # Errors
    /// Which of the two files is wrong, and how.
    pub fn open(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let files = Files::read(certificate, key)?;
        let pair = Pair::of(&files, certificate, key)?;
        let tls = Tls {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(pair),
            refused: Mutex::default(),
            look: Notify::new(),
        };
        tls.warn();
        Ok(tls)
    }

    /// Has the files looked at now, as they are every [`TLS_LOOK_SECONDS`] seconds.
    pub fn look_now(&self) {
        self.look.notify_one();
    }

    /// When the certificate ends.
    pub fn expires(&self) -> Option<Timestamp> {
        self.current.load().expires
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.load().acceptor.clone()
    }

    /// Looks at the files again and again. Who is connected already stays so, with what they agreed on.
    pub(super) async fn keep_fresh(self: &Arc<Self>) -> Infallible {
        let mut warned = Instant::now();
        loop {
            let next = Instant::now() + Duration::from_secs(TLS_LOOK_SECONDS);
            // Either way they are looked at.
            let _ = timeout_at(next, self.look.notified()).await;
            let this = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || this.reload()).await {
                tracing::error!("looking at the certificate broke off: {error}");
            }
            if warned.elapsed() >= Duration::from_secs(24 * 3_600) {
                warned = Instant::now();
                self.warn();
            }
        }
    }

    /// Takes what the files hold now, if it is something else and makes sense; else what there is stays.
    fn reload(&self) {
        let files = Files::read(&self.certificate, &self.key);
        let sum = files.as_ref().map_or([0; 32], Files::sum);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if sum == self.current.load().sum {
            *refused = None;
            return;
        }
        if *refused == Some(sum) {
            return;
        }
        match files.and_then(|files| Pair::of(&files, &self.certificate, &self.key)) {
            Ok(pair) => {
                self.current.store(Arc::new(pair));
                *refused = None;
                drop(refused);
                tracing::info!(
                    "new connections get the certificate that {} holds now",
                    self.certificate.display()
                );
                self.warn();
            }
            Err(error) => {
                *refused = Some(sum);
                tracing::error!("{error}; the certificate that was read before is used on");
            }
        }
    }

    /// Says so if the certificate ends soon.
    fn warn(&self) {
        let Some(expires) = self.expires() else { return };
        let days = expires.millis().saturating_sub(system_clock()().millis()) / DAY_MILLIS;
        let file = self.certificate.display();
        if days < 0 {
            tracing::warn!("the certificate {file} ended on {expires}: clients refuse it");
        } else if days < TLS_WARN_DAYS {
            tracing::warn!("the certificate {file} ends on {expires}, in {days} days");
        }
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Files, TlsError> {
        let read = |path: &Path| -> Result<Vec<u8>, String> {
            let length = std::fs::metadata(path).map_err(|error| cause(&error))?.len();
            if length > TLS_FILES_BYTES {
                return Err(format!("it is larger than {TLS_FILES_BYTES} bytes"));
            }
            std::fs::read(path).map_err(|error| cause(&error))
        };
        let of_certificate = |why| TlsError::Certificate { file: certificate.to_owned(), why };
        let of_key = |why| TlsError::Key { file: key.to_owned(), why };
        Ok(Files {
            certificate: read(certificate).map_err(of_certificate)?,
            key: read(key).map_err(of_key)?.into(),
        })
    }

    fn sum(&self) -> [u8; 32] {
        let mut sum = Sha256::new();
        sum.update(self.certificate.len().to_be_bytes());
        sum.update(&self.certificate);
        sum.update(self.key.as_slice());
        sum.finalize().into()
    }
}

fn cause(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "it is not there".to_owned();
    }
    error.to_string()
}

impl Pair {
    fn of(files: &Files, certificate: &Path, key: &Path) -> Result<Pair, TlsError> {
        let of_certificate =
            |why: String| TlsError::Certificate { file: certificate.to_owned(), why };
        let of_key = |why: String| TlsError::Key { file: key.to_owned(), why };
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&files.certificate)
                .collect::<Result<_, _>>()
                .map_err(|error| of_certificate(error.to_string()))?;
        let first = chain.first().ok_or_else(|| {
            of_certificate("no `-----BEGIN CERTIFICATE-----` is in it: it must be PEM".to_owned())
        })?;
        let expires = expiry::of(first);
        let secret = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| {
            of_key("no private key is in it: it must be PEM, without a passphrase".to_owned())
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let wrong = |error: rustls::Error| of_key(error.to_string());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(wrong)?;
        let refused = |error| {
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                let certificate = certificate.display();
                return of_key(format!("it is not the key of the certificate {certificate}"));
            }
            if let rustls::Error::InvalidCertificate(error) = error {
                return of_certificate(error.to_string());
            }
            wrong(error)
        };
        let mut config =
            config.with_no_client_auth().with_single_cert(chain, secret).map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(wrong)?;
        Ok(Pair { acceptor: Arc::new(config).into(), expires, sum: files.sum() })
    }
}
