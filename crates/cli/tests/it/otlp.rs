//! Requests as spans, sent to a collector that listens on a real socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook};

/// Takes what is exported, one request after another, and hands its path and body on.
fn collect(listener: TcpListener, told: Sender<(String, Value)>) {
    for socket in listener.incoming() {
        let (mut socket, told) = (socket.unwrap(), told.clone());
        std::thread::spawn(move || while one(&mut socket, &told).is_some() {});
    }
}

fn one(socket: &mut TcpStream, told: &Sender<(String, Value)>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8(bytes[..head].to_vec()).unwrap().to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a body of a length").parse().unwrap();
            if bytes.len() >= head + 4 + length {
                let path = text.split(' ').nth(1).unwrap().to_owned();
                assert!(text.contains("content-type: application/json"), "{text}");
                let body = serde_json::from_slice(&bytes[head + 4..head + 4 + length]).unwrap();
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                socket.write_all(answer.as_bytes()).unwrap();
                return told.send((path, body)).ok();
            }
        }
        match socket.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
        }
    }
}

/// The attributes of a span or a resource, as one text each.
fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let all = of["attributes"].as_array()?;
    let value = &all.iter().find(|one| one["key"] == key)?["value"];
    value.as_object()?.values().next()
}

fn ask(served: &Served, path: &str, key: &str) -> String {
    let mut socket = TcpStream::connect(served.url.trim_start_matches("http://")).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut told = String::new();
    socket.read_to_string(&mut told).unwrap();
    let id = told.lines().find_map(|line| line.strip_prefix("rollbook-request: "));
    id.unwrap_or_else(|| panic!("{told}")).to_owned()
}

fn started(data: &std::path::Path, collector: &str, by: &str) -> Served {
    let mut command = rollbook(&["serve", "--tenant", "acme", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data).env("ROLLBOOK_SCIM_KEY", SCIM_KEY);
    command.env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    command.env(by, collector);
    Served::spawn(command, data)
}

/// Every span that comes before the channel is closed or nothing comes any more.
fn spans(told: &Receiver<(String, Value)>, wanted: usize) -> Vec<Value> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let (path, body) = told.recv_timeout(Duration::from_secs(60)).expect("more spans");
        assert_eq!(path, "/v1/traces");
        for resource in body["resourceSpans"].as_array().unwrap() {
            assert_eq!(attribute(&resource["resource"], "service.name").unwrap(), "rollbook");
            for scope in resource["scopeSpans"].as_array().unwrap() {
                all.extend(scope["spans"].as_array().unwrap().iter().cloned());
            }
        }
    }
    all
}

/// Each request is one span, with what it asked for, its status and the id that its answer has; nothing personal is in it. Both
/// variables name the collector, and what is left at the end is sent.
#[test]
fn each_request_is_a_span() {
    for by in ["ROLLBOOK_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || collect(listener, tell));
        let served = started(&folder.path().join("data"), &url, by);
        let good =
            ask(&served, "/scim/acme/v2/Users?filter=userName%20eq%20%22canary%22", SCIM_KEY);
        let bad = ask(&served, "/scim/acme/v2/Users/canary", "acme:rbk_canary");
        served.stop();
        let spans = spans(&told, 2);
        assert_eq!(spans.len(), 2, "{spans:?}");
        for (id, route, status) in [(good, "scim_users", 200), (bad, "scim_user", 401)] {
            let is_it = |span: &&Value| attribute(span, "rollbook.request").unwrap() == &*id;
            let span = spans.iter().find(is_it).expect("a span of the request");
            assert_eq!(attribute(span, "http.route").unwrap(), route);
            assert_eq!(attribute(span, "http.request.method").unwrap(), "GET");
            let code = attribute(span, "http.response.status_code").unwrap();
            assert_eq!(code.to_string().trim_matches('"'), status.to_string());
            let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
            assert!(time("startTimeUnixNano") < time("endTimeUnixNano"));
            assert!(!span.to_string().contains("canary"), "{span}");
        }
    }
}

/// A collector that takes connections and never answers holds neither requests up nor the end.
#[test]
fn a_dead_collector_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut served = started(&folder.path().join("data"), &url, "ROLLBOOK_OTLP_ENDPOINT");
    for _ in 0..20 {
        ask(&served, "/scim/acme/v2/Users", SCIM_KEY);
    }
    let id = served.child.id().to_string();
    let begun = Instant::now();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(served.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(listener);
}
