//! TLS over real sockets, with certificates that are made here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use server::{Patience, Tls, Wire};
use tempfile::TempDir;
use testkit::app::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LONG: Duration = Duration::from_secs(60);

/// Who vouches for certificates here.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Authority {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        Authority { issuer: Issuer::new(parameters, key), certificate }
    }

    /// Writes a certificate for this name, and its key.
    fn issue(&self, name: &str, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config).into()
    }
}

struct Served {
    app: TestApp,
    authority: Authority,
    folder: TempDir,
    tls: Arc<Tls>,
    address: String,
    _stop: oneshot::Sender<()>,
}

/// A server with a certificate for `one.test`.
async fn serve(patience: Patience) -> Served {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    authority.issue("one.test", folder.path());
    let tls = Tls::open(&folder.path().join("cert.pem"), &folder.path().join("key.pem"));
    let tls = Arc::new(tls.unwrap());
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel();
    let wire = Wire { tls: Some(tls.clone()), patience, ..Wire::default() };
    let serving =
        server::serve_with(listener, app.app.clone(), wire, async { drop(stopped.await) });
    tokio::spawn(serving);
    Served { app, authority, folder, tls, address, _stop: stop }
}

impl Served {
    async fn connect(
        &self,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(&self.address).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        self.authority.client(versions).connect(name, socket).await
    }

    /// Waits until new connections get a certificate for this name.
    async fn comes_to_be(&self, name: &str) {
        let changed = async {
            while self.connect(name, &[&TLS13]).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, changed).await.expect("the certificate is read anew");
    }
}

/// The whole answer to a GET after which the server closes.
async fn get(socket: &mut TlsStream<TcpStream>, path: &str, key: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: one.test\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut told = String::new();
    socket.read_to_string(&mut told).await.unwrap();
    told
}

/// Also R-7644-7.2-01: TLS up to the server, 1.2 and 1.3, and what it says of itself is https.
#[tokio::test]
async fn i_11_tls_1_3_and_1_2_are_spoken() {
    let served = serve(Patience::default()).await;
    let key = TestApp::key("acme");
    for (version, expected) in
        [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)]
    {
        let mut socket = served.connect("one.test", &[version]).await.unwrap();
        assert_eq!(socket.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(socket.get_ref().1.alpn_protocol(), None);
        let told = get(&mut socket, "/scim/acme/v2/ServiceProviderConfig", &key).await;
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
        assert!(told.contains("content-type: application/scim+json"), "{told}");
        assert!(told.contains("\"location\":\"https://one.test/scim/acme/v2/"), "{told}");
    }
    // Who is not for this server is not let in, and who speaks no TLS is not answered.
    assert!(served.connect("two.test", &[&TLS13]).await.is_err());
    let mut plain = TcpStream::connect(&served.address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told).await;
    assert!(!String::from_utf8_lossy(&told).contains("HTTP/1.1"));
}

/// New files are used by new connections, and connections that are there go on. Seen to catch a server that reads them once.
#[tokio::test]
async fn a_new_certificate_is_used_without_dropping_anybody() {
    let served = serve(Patience::default()).await;
    let key = TestApp::key("acme");
    let mut old = served.connect("one.test", &[&TLS13]).await.unwrap();
    served.authority.issue("two.test", served.folder.path());
    served.tls.look_now();
    served.comes_to_be("two.test").await;
    assert!(served.connect("one.test", &[&TLS13]).await.is_err());
    let told = get(&mut old, "/scim/acme/v2/Users", &key).await;
    assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
    // Nobody needs to say that they changed.
    served.authority.issue("three.test", served.folder.path());
    served.comes_to_be("three.test").await;
    drop(served.app);
}

/// What is broken is not used: the old certificate stays until there is a whole new one.
#[tokio::test]
async fn a_broken_pair_changes_nothing() {
    let served = serve(Patience::default()).await;
    let (cert, key) = (served.folder.path().join("cert.pem"), served.folder.path().join("key.pem"));
    let good = (std::fs::read(&cert).unwrap(), std::fs::read(&key).unwrap());
    let other = tempfile::tempdir().unwrap();
    served.authority.issue("two.test", other.path());
    let foreign = std::fs::read(other.path().join("key.pem")).unwrap();
    for (file, wrong) in [(&cert, Vec::new()), (&key, foreign), (&cert, b"nonsense".to_vec())] {
        std::fs::write(file, wrong).unwrap();
        served.tls.look_now();
        sleep(Duration::from_millis(100)).await;
        served.connect("one.test", &[&TLS13]).await.unwrap();
    }
    std::fs::remove_file(&key).unwrap();
    served.tls.look_now();
    sleep(Duration::from_millis(100)).await;
    served.connect("one.test", &[&TLS13]).await.unwrap();
    std::fs::write(&key, good.1).unwrap();
    std::fs::write(&cert, good.0).unwrap();
    served.tls.look_now();
    served.authority.issue("two.test", served.folder.path());
    served.tls.look_now();
    served.comes_to_be("two.test").await;
}

/// Who does not shake hands is let go. Seen to catch a server that waits for ever.
#[tokio::test]
async fn who_does_not_agree_on_tls_is_let_go() {
    let patience = Patience { handshake: Duration::from_millis(300), ..Patience::default() };
    let served = serve(patience).await;
    for said in [&b""[..], b"\x16\x03\x01"] {
        let mut socket = TcpStream::connect(&served.address).await.unwrap();
        socket.write_all(said).await.unwrap();
        let mut told = Vec::new();
        timeout(LONG, socket.read_to_end(&mut told)).await.expect("it is closed").unwrap();
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let told = || Tls::open(&cert, &key).err().map(|error| error.to_string()).unwrap();
    assert!(told().contains("cert.pem cannot be used: it is not there"), "{}", told());
    authority.issue("one.test", folder.path());
    let good = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, "secret nonsense").unwrap();
    assert!(told().contains("key.pem cannot be used: no private key is in it"), "{}", told());
    assert!(!told().contains("secret"));
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(told().contains("it is not the key of the certificate"), "{}", told());
    std::fs::write(&key, good).unwrap();
    assert!(Tls::open(&cert, &key).unwrap().expires().is_some());
    std::fs::write(&cert, "").unwrap();
    assert!(told().contains("no `-----BEGIN CERTIFICATE-----` is in it"), "{}", told());
}
