//! The real binary's sockets: TLS, signals, few files, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, Issuer, KeyPair};
use tempfile::TempDir;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};

/// What a stop may take, whatever clients do.
const STOP: Duration = Duration::from_secs(5);

/// Writes `ca.pem`, and `server.pem` and `server.key` for this machine.
pub(crate) fn certify(folder: &Path) {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // Called as what it vouches for, it would seem to be that.
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "an authority of our own");
    let key = KeyPair::generate().unwrap();
    let authority = parameters.self_signed(&key).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::new(parameters, key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

fn serve(folder: &TempDir, flags: &[&str]) -> Served {
    Served::start_with(&folder.path().join("data"), flags)
}

fn signal(served: &Served, signal: &str) {
    let id = served.child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

fn log(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("data.log")).unwrap()
}

/// Waits until the server's log says this.
fn says(folder: &TempDir, what: &str) {
    for _ in 0..600 {
        if log(folder).contains(what) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the log never says `{what}`: {}", log(folder));
}

/// I-11: `rollbook serve` with a certificate, and verbs that trust who vouches for it. Also R-7644-7.2-01.
#[test]
fn i_11_a_server_with_a_certificate_and_verbs_that_trust_it() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let served = serve(&folder, &["--tls-cert", "server.pem", "--tls-key", "server.key"]);
    assert!(served.url.starts_with("https://127.0.0.1:"), "{}", served.url);
    let ca = folder.path().join("ca.pem").display().to_string();
    let asked = ["tenant", "list", "--server", &served.url, "--operator-key", OPERATOR_KEY];
    let (status, out, err) = run(&asked, &[("ROLLBOOK_CA", &ca)]);
    assert!(status == 0 && out.contains("acme"), "{out}{err}");
    let (status, _, err) = run(&[&asked[..], &["--ca", &ca]].concat(), &[]);
    assert_eq!(status, 0, "{err}");
    // Whom nobody vouches for is not told the key.
    let other = tempfile::tempdir().unwrap();
    certify(other.path());
    let other = other.path().join("ca.pem").display().to_string();
    let (status, _, err) = run(&asked, &[("ROLLBOOK_CA", &other)]);
    assert_eq!(status, 1);
    assert!(err.contains("name who does with --ca FILE or ROLLBOOK_CA"), "{err}");
    let (status, _, err) = run(&asked, &[("ROLLBOOK_CA", "nowhere.pem")]);
    assert!(status == 1 && err.contains("the certificates of nowhere.pem cannot be used"), "{err}");
    // A new certificate on SIGHUP; a broken one is told and changes nothing.
    std::fs::write(folder.path().join("server.pem"), "nonsense").unwrap();
    signal(&served, "-HUP");
    says(&folder, "the certificate that was read before is used on");
    assert_eq!(run(&asked, &[("ROLLBOOK_CA", &ca)]).0, 0);
    certify(folder.path());
    signal(&served, "-HUP");
    says(&folder, "new connections get the certificate");
    assert_eq!(run(&asked, &[("ROLLBOOK_CA", &ca)]).0, 0);
    served.stop();
    let key = std::fs::read_to_string(folder.path().join("server.key")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!log(&folder).contains(secret));
}

/// What is wrong is told with the place that it comes from, before anything is opened.
#[test]
fn a_certificate_that_is_none_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let data = folder.path().join("data").display().to_string();
    let config = folder.path().join("rollbook.toml");
    std::fs::write(&config, "tls-cert = \"server.pem\"\ntls-key = \"server.pem\"\n").unwrap();
    let config = config.display().to_string();
    let (status, _, err) = run(&["serve", "--data", &data, "--config", &config], &[]);
    assert_eq!(status, 1);
    assert!(err.contains("rollbook.toml:2:11: `tls-key`"), "{err}");
    assert!(err.contains("no private key is in it"), "{err}");
    let (status, _, err) = run(&["serve", "--data", &data], &[("ROLLBOOK_TLS_CERT", "server.pem")]);
    assert!(status == 2 && err.contains("--tls-key"), "{err}");
    assert!(!Path::new(&data).join("log").exists());
}

/// Whoever is connected, SIGTERM ends the server in five seconds, and it ends well. Seen to catch a server that waits for a
/// client that sends its body slowly.
#[test]
fn it_stops_in_time_whoever_is_connected() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(&folder, &[]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let connect = |bytes: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.write_all(bytes.as_bytes()).unwrap();
        socket
    };
    let idle = connect("");
    let half = connect("GET /healthz HT");
    let slow = connect(&format!(
        "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SCIM_KEY}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: 100\r\n\r\n{{"
    ));
    let mut reader = connect(&format!(
        "GET /admin/v1/tenants/acme/feed?format=sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR_KEY}\r\n\r\n"
    ));
    let mut told = [0; 64];
    assert!(reader.read(&mut told).unwrap() > 0);
    // Without TLS there is nothing to look at, and it goes on.
    signal(&served, "-HUP");
    says(&folder, "nothing is looked at anew on SIGHUP");
    signal(&served, "-TERM");
    let begun = Instant::now();
    assert!(served.child.wait().unwrap().success());
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    drop((idle, half, slow, reader));
}

/// With few files the server still answers, does not run hot, and lets clients in again once there is room.
#[test]
fn out_of_files_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Command::new("sh");
    let binary = rollbook(&[]).get_program().to_owned();
    command.arg("-c").arg("ulimit -n 200; exec \"$0\" \"$@\"").arg(binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--tenant", "acme", "--data"]).arg(&data);
    command.env("ROLLBOOK_SCIM_KEY", SCIM_KEY).env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
    let served = Served::spawn(command, &data);
    let address = served.url.trim_start_matches("http://").to_owned();
    let answer = |socket: &mut TcpStream| {
        let mut told = [0; 4_096];
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = socket.read(&mut told).unwrap_or(0);
        String::from_utf8_lossy(&told[..length]).into_owned()
    };
    let alive = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(&address).unwrap();
    let crowd: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", served.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(2));
    // Ticks of 10 ms: 200 would be a core that does nothing else.
    assert!(ticks() - before < 100, "{}", ticks() - before);
    first.write_all(alive).unwrap();
    assert!(answer(&mut first).starts_with("HTTP/1.1 200 "));
    drop(crowd);
    let again = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.write_all(alive).is_ok() && answer(&mut socket).starts_with("HTTP/1.1 200 ")
    });
    assert!(again, "{}", log(&folder));
    assert!(log(&folder).contains("raise it (ulimit -n, LimitNOFILE)"));
    served.stop();
}

/// `--guess-limit 0` is for testers: nobody is slowed then, and the server says so. Seen to catch a switch that is not heeded.
#[test]
fn the_slowing_of_guesses_can_be_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |served: &Served| {
        let address = served.url.trim_start_matches("http://");
        let mut statuses = Vec::new();
        for _ in 0..40 {
            let mut socket = TcpStream::connect(address).unwrap();
            let request = "GET /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Authorization: Bearer acme:rbk_wrong\r\n\r\n";
            socket.write_all(request.as_bytes()).unwrap();
            let mut told = String::new();
            socket.read_to_string(&mut told).unwrap();
            statuses.push(told.get(9..12).unwrap().to_owned());
        }
        statuses
    };
    let served = serve(&folder, &["--guess-limit", "0"]);
    assert_eq!(refused(&served), ["401"; 40]);
    served.stop();
    let warning = "warning: whoever guesses keys is not slowed: --guess-limit 0 is for tests";
    assert_eq!(log(&folder).matches(warning).count(), 1);
    let served = serve(&folder, &["--guess-limit", "2"]);
    assert_eq!(refused(&served)[..4], ["401", "401", "429", "429"]);
    served.stop();
    assert_eq!(log(&folder).matches(warning).count(), 1);
}

/// In JSON each line is an object; a request has one line with what it asked for, its status and how long it took, and all of
/// its lines carry the id that its answer has.
#[test]
fn each_line_of_a_request_carries_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(&folder, &["--log-format", "json"]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let ask = |method: &str, path: &str, key: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut told = String::new();
        socket.read_to_string(&mut told).unwrap();
        let id = told.lines().find_map(|line| line.strip_prefix("rollbook-request: "));
        id.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let asked = [
        (ask("GET", "/scim/acme/v2/Users", SCIM_KEY), "GET", "scim_users", 200, 1),
        // Its refusal has a line, too.
        (ask("DELETE", "/scim/acme/v2/Users/x", SCIM_KEY), "DELETE", "scim_user", 404, 2),
        (ask("GET", "/scim/acme/v2/Groups", "acme:rbk_wrong"), "GET", "scim_groups", 401, 2),
        (ask("BREW", "/healthz", "x"), "other", "operations", 405, 1),
    ];
    served.stop();
    let log = log(&folder);
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for (id, method, route, status, least) in asked {
        let own: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == *id).collect();
        assert!(own.len() >= least, "{own:?}");
        let answered: Vec<_> =
            own.iter().filter(|line| line["fields"]["message"] == "answered").collect();
        let [one] = answered.as_slice() else { panic!("{own:?}") };
        let fields = &one["fields"];
        assert_eq!((&fields["method"], &fields["route"]), (&method.into(), &route.into()));
        assert_eq!(fields["status"], status);
        assert!(fields["microseconds"].as_u64().unwrap() > 0, "{one}");
    }
    let refused = lines.iter().filter(|line| line["fields"]["message"] == "refused a request");
    assert!(refused.clone().count() >= 2);
    assert!(refused.clone().all(|line| line["span"]["id"].is_string()));
}

/// Ten thousand connections that say nothing: `make idle`. It needs as many files, here and in the server.
#[test]
#[ignore = "needs 10,100 open files: make idle"]
fn ten_thousand_idle_connections_are_held() {
    const CONNECTIONS: u64 = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let served = serve(&folder, &["--log", "info"]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let resident = || {
        let status = format!("/proc/{}/status", served.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let alive = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut told = [0; 4_096];
    let before = resident();
    let mut crowd = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.write_all(alive).unwrap();
        assert!(socket.read(&mut told).unwrap() > 0);
        crowd.push(socket);
    }
    let held = resident();
    std::thread::sleep(Duration::from_secs(20));
    let after = resident();
    for socket in crowd.iter_mut().step_by(100) {
        socket.write_all(alive).unwrap();
        assert!(socket.read(&mut told).unwrap() > 0);
    }
    eprintln!(
        "{CONNECTIONS} idle connections: {before} KiB before, {held} KiB with them ({:.1} KiB each), {after} KiB after 20 s",
        (held - before) as f64 / CONNECTIONS as f64
    );
    assert!((held - before) / CONNECTIONS < 40);
    assert!(after < held + held / 20);
}
