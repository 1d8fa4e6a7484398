//! Public SCIM servers at the same work, in the same run: those that `.ci/bench-peers` installs from
//! their registries. Each starts empty, is given users and groups through its own door, and is then
//! asked in slices that alternate with rollbook's and with bare axum's.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::bench::{Bench, UNIT_CONNECTIONS};
use crate::figure::many;
use crate::http::Connection;
use crate::lane::Lane;
use crate::load;
use crate::okta::{self, To};
use crate::options::Options;
use crate::people::{self, Size};
use crate::population::{Shape, Store};
use crate::rollbook;
use crate::server::Server;
use crate::stats::median;
use crate::table::Table;
use crate::terminal::{Progress, heading, note, say};
use crate::work::{By, Hit, Subject, Work, id_of};

/// What they are asked.
const WORK: [Work; 6] = [
    Work::Get,
    Work::Filter(By::UserName, Hit::One),
    Work::List,
    Work::Create,
    Work::Activate,
    Work::Members(Size::Ten, 1),
];
/// How many times as long a slice of pages lasts.
const SLOW: u32 = 5;
/// Groups of ten that each is given.
const GROUPS: u32 = 10;

/// One server, ours or not.
struct Peer {
    name: &'static str,
    server: Server,
    subject: Rc<Subject>,
    _folder: Option<TempDir>,
}

/// How a peer is started.
struct Start {
    name: &'static str,
    command: Command,
    base: &'static str,
}

/// Measures rollbook and the peers that are installed in `installed`, with so many users in each.
pub(crate) async fn peers(options: &Options, installed: &Path, users: u32) -> anyhow::Result<()> {
    let binary = rollbook::binary(options.rollbook.as_deref())?;
    let store = Store::new(options.data_dir.as_deref())?;
    let _lock = store.lock()?;
    let progress = Progress::new();
    let bench = Bench::new(options, &store, binary, &progress);
    let ours = bench.start(Shape::of(users)).await?;
    let mut all = Vec::new();
    for start in starts(installed, &store)? {
        let name = start.name;
        match Peer::start(start, &store, users, &progress).await {
            Ok(peer) => all.push(peer),
            Err(why) => note(format!("{name} is left out: {why:#}")),
        }
    }
    ensure!(!all.is_empty(), "no peer could be started from {}", installed.display());
    say(heading(&format!("{} users in each, {UNIT_CONNECTIONS} connections", many(users))));
    let heading = ["work", "server", "a second", "p50 ms", "p99 ms", "CPU", "of rollbook's rate"];
    let mut table = Table::new(&heading, &[0, 1]);
    let samples_of = ours.subject.clone();
    let bare = crate::bench::bare_beside(&ours, &store).await?;
    let rounds = options.rounds();
    let mut unit = lane("bare axum", &bare.subject, &Work::Get);
    for work in &WORK {
        // Some of them take more than a second for a page.
        let length = options.slice() * if matches!(work, Work::List) { SLOW } else { 1 };
        let mut lanes = vec![lane("rollbook", &samples_of, work)];
        lanes.extend(all.iter().map(|peer| lane(peer.name, &peer.subject, work)));
        let mut failed = vec![None; lanes.len()];
        for round in 1..=rounds {
            progress.show(format!("{work}: round {round} of {rounds}"));
            let slice =
                load::slice(&bare.server, &bare.subject, &Work::Get, UNIT_CONNECTIONS, length);
            unit.slices.push(slice.await?);
            let servers = std::iter::once(&ours.server).chain(all.iter().map(|peer| &peer.server));
            for ((lane, server), failed) in lanes.iter_mut().zip(servers).zip(&mut failed) {
                let Some(subject) = lane.subject.clone() else { continue };
                if failed.is_some() {
                    continue;
                }
                match load::slice(server, &subject, work, lane.connections, length).await {
                    Ok(slice) => lane.slices.push(slice),
                    Err(why) => *failed = Some(format!("{why:#}")),
                }
            }
        }
        let rate = |lane: &Lane| median(lane.slices.iter().map(load::Slice::per_second));
        let best = lanes.first().and_then(rate);
        for (lane, failed) in lanes.iter().zip(failed) {
            let (name, work) = (lane.name.clone(), work.to_string());
            if let Some(why) = failed {
                note(format!("{name}, {work}: {}", why.chars().take(300).collect::<String>()));
                let none = || "–".to_owned();
                table.row(vec![work, name, none(), none(), none(), none(), none()]);
                continue;
            }
            let shown = lane.summary();
            let part = rate(lane).zip(best).map_or(f64::NAN, |(rate, best)| rate / best);
            table.row(vec![
                work,
                name,
                format!("{:.0}", shown.per_second),
                format!("{:.2}", shown.p50_us / 1e3),
                format!("{:.2}", shown.p99_us / 1e3),
                format!("{:.1}", lane.cpu_of(&unit)),
                format!("{part:.4}"),
            ]);
        }
    }
    progress.show("");
    say(table.lines().collect::<Vec<_>>().join("\n"));
    say(format!(
        "CPU: of the server for each answer; 1 is what bare axum spends on a GET of 1 KB, {:.0} µs",
        unit.summary().cpu_us
    ));
    Ok(())
}

fn lane(name: &str, subject: &Rc<Subject>, work: &Work) -> Lane {
    let who = crate::lane::Who::Server(0);
    Lane::new(name, who, Some(subject.clone()), work.clone(), UNIT_CONNECTIONS)
}

/// Those that are installed.
fn starts(installed: &Path, store: &Store) -> anyhow::Result<Vec<Start>> {
    let installed = installed
        .canonicalize()
        .with_context(|| format!("{} is not there; see .ci/bench-peers", installed.display()))?;
    let python = installed.join("venv/bin/scim2-server");
    let driver = installed.join("scimmy.mjs");
    let mut all = Vec::new();
    if python.is_file() {
        // It takes no port of its own choice.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(python);
        command.args(["--port", &free.to_string(), "--bearer-token", okta::KEY]);
        command.env("PYTHONUNBUFFERED", "1");
        all.push(Start { name: "scim2-server, in memory", command, base: "/v2" });
    }
    if driver.is_file() {
        for (name, how) in [("scimmy, in memory", "memory"), ("scimmy, SQLite synced", "sqlite")] {
            let mut command = Command::new("node");
            command.arg(&driver).arg(how).arg(store.scratch().join("scimmy.sqlite"));
            command.env("PEER_KEY", okta::KEY).env("NODE_ENV", "production");
            all.push(Start { name, command, base: "/scim" });
        }
    }
    Ok(all)
}

impl Peer {
    async fn start(
        start: Start,
        store: &Store,
        users: u32,
        progress: &Progress,
    ) -> anyhow::Result<Peer> {
        let Start { name, command, base } = start;
        progress.show(format!("starting {name}"));
        let folder = tempfile::tempdir_in(store.scratch())?;
        let server = Server::start(command, folder.path()).await?;
        let to = To {
            host: server.address.to_string(),
            base: base.to_owned(),
            key: Some(okta::KEY.to_owned()),
        };
        let mut connection = Connection::open(server.address).await?;
        let (mut ids, mut groups, mut request) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..users {
            if number % 100 == 0 {
                progress.show(format!("{name}: {number} of {users} users"));
            }
            request.clear();
            okta::create(&to, &mut request, number);
            ids.push(created(&mut connection, &request).await?);
        }
        for number in 0..GROUPS {
            let members: Vec<String> = people::members(Size::Ten, number, users)
                .filter_map(|member| ids.get(member as usize))
                .map(|id| format!("{{\"value\":\"{id}\"}}"))
                .collect();
            let body = format!(
                "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\
                 \"displayName\":\"{}\",\"members\":[{}]}}",
                people::group_name(number),
                members.join(",")
            );
            request.clear();
            to.send(&mut request, "POST", format_args!("/Groups"), &body);
            groups.push(created(&mut connection, &request).await?);
        }
        let subject = Subject::with_ids(to, ids, groups);
        Ok(Peer { name, server, subject, _folder: Some(folder) })
    }
}

async fn created(connection: &mut Connection, request: &[u8]) -> anyhow::Result<String> {
    let answer = connection.ask(request).await?;
    ensure!(answer.status == 201, "a create was answered {}: {}", answer.status, answer.quoted());
    id_of(answer.body)
}
