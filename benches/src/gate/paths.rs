//! The hot paths, each so many times inside one function that callgrind is told to count.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail, ensure};
use audit::{Question, ask};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use domain::event::{EventKind, Subject};
use domain::id::{TenantId, UserId};
use domain::position::Position;
use domain::trail::{Facet, Kinds};
use engine::{Engine, When, Writer};
use eventlog::MemoryLog;
use tokio::task::{LocalSet, yield_now};
use tower::ServiceExt;

use super::fixture::{self, SHAPE};
use crate::fill;
use crate::okta::{self, BASE, KEY, TENANT};
use crate::people::{self, NEWCOMERS, Size};
use crate::terminal::say;

/// Part of the name of the function that is counted.
pub(super) const REGION: &str = "callgrind_counts_this";
/// Reads of one resource, writes, pages, questions.
const READS: u32 = 200;
const WRITES: u32 = 128;
const PAGES: u32 = 20;
const QUESTIONS: u32 = 20;
/// Writes that wait for a turn together.
const TOGETHER: u32 = 16;
/// The position that is read as of: it is not kept, so the log is read up to it.
const PAST: u64 = 3_000;
/// Longer answers are none that a path gets.
const ANSWER_BYTES: usize = 1 << 20;

/// What is inside is counted: callgrind knows it by its name.
#[inline(never)]
fn callgrind_counts_this(act: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    black_box(act())
}

/// What can be counted, a process each.
pub(super) const ALL: [&str; 10] =
    [REPLAY, AS_OF, AUDIT, GET, FILTER, LIST, CREATE, ACTIVATE, REPLACE, MEMBERS];
const REPLAY: &str = "replay, each commit";
const AS_OF: &str = "as of a moment, each commit before it";
const AUDIT: &str = "audit, 20 changes of a user's roles";
const GET: &str = "GET by id";
const FILTER: &str = "filter userName eq";
const LIST: &str = "list, a page of 100";
const CREATE: &str = "create";
const ACTIVATE: &str = "PATCH active";
const REPLACE: &str = "PUT";
const MEMBERS: &str = "add or remove one of 10,000 members";

/// Goes through one path, over the log whose commits are in this file, and says how often.
pub(crate) fn work(commits: &Path, path: &str) -> anyhow::Result<()> {
    let mut log = Some(fixture::read(commits)?);
    let mut opened = None;
    let mut open = || {
        let log = log.take().context("the log was opened before")?;
        opened = Some(Engine::open(log, fill::clock(), |_| {})?);
        Ok(())
    };
    if path == REPLAY {
        callgrind_counts_this(&mut open)?;
        say(SHAPE.users.to_string());
        return Ok(());
    }
    open()?;
    let (engine, writer) = opened.context("nothing was opened")?;
    let tenant = engine.world().with_slug(TENANT).context("no tenant")?.0.id;
    let times = match path {
        AS_OF => past(&engine, tenant)?,
        AUDIT => roles(&engine, tenant)?,
        request => {
            let mut app = fill::app(engine)?;
            let next = AtomicU32::new(0);
            app.ids = Arc::new(move || people::request(next.fetch_add(1, Ordering::Relaxed)));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (router, set) = (server::router(app), LocalSet::new());
            Paths { router, writer: Some(writer), runtime, set }.path(request)?
        }
    };
    say(times.to_string());
    Ok(())
}

/// Reading the log up to a moment of the past.
fn past(engine: &Engine, tenant: TenantId) -> anyhow::Result<u32> {
    let position = Position::new(PAST).context("no position")?;
    callgrind_counts_this(&mut || {
        drop(black_box(engine.as_of(tenant, When::Position(position))?));
        Ok(())
    })?;
    Ok(u32::try_from(PAST)?)
}

/// The roles of a user, out of the trail.
fn roles(engine: &Engine, tenant: TenantId) -> anyhow::Result<u32> {
    let kinds: Kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
    let user = Subject::User(UserId::new(people::user(0)));
    let conditions = vec![vec![Facet::About(user, kinds)]];
    let question = Question { conditions, limit: 100, ..Question::default() };
    let answered = ask(engine, tenant, &question)?.len();
    ensure!(answered == 20, "the first user has {answered} changes of roles");
    callgrind_counts_this(&mut || {
        for _ in 0..QUESTIONS {
            drop(black_box(ask(engine, tenant, &question)?));
        }
        Ok(())
    })?;
    Ok(QUESTIONS)
}

/// What requests go through: the router, the writer's turns, one thread.
struct Paths {
    router: Router,
    writer: Option<Writer<MemoryLog>>,
    runtime: tokio::runtime::Runtime,
    set: LocalSet,
}

impl Paths {
    /// Counts so many requests of one kind; answers how many.
    fn path(&mut self, path: &str) -> anyhow::Result<u32> {
        let user = |number: u32| number * 7_919 % SHAPE.users;
        let times = match path {
            GET | FILTER => READS,
            LIST => PAGES,
            _ => WRITES,
        };
        let request = |number: u32| match path {
            GET => get(&format!("/Users/{}", people::user(user(number)))),
            FILTER => {
                let name = people::user_name(user(number)).replace('@', "%40");
                get(&format!("/Users?filter=userName%20eq%20%22{name}%22&startIndex=1&count=100"))
            }
            LIST => {
                let start = number * 7_919 % (SHAPE.users - 100) + 1;
                get(&format!("/Users?startIndex={start}&count=100"))
            }
            CREATE => send("POST", "/Users", &people::body(NEWCOMERS + number, 0)),
            // Each of them twice: to act no more, and to act again.
            ACTIVATE => {
                let id = people::user(user(number % (WRITES / 2)));
                let active = number >= WRITES / 2;
                send("PATCH", &format!("/Users/{id}"), &okta::activate(active))
            }
            REPLACE => {
                let number = SHAPE.users - 1 - number;
                let body = people::body(number, 1);
                send("PUT", &format!("/Users/{}", people::user(number)), &body)
            }
            MEMBERS => {
                let group = people::group(Size::Most.group(0));
                let who = SHAPE.users - 1 - number % (WRITES / 2);
                let member = [(people::user(who).to_string(), people::user_name(who))];
                let is_new = number < WRITES / 2;
                let body = if is_new { okta::add(&member) } else { okta::remove(&member) };
                send("PATCH", &format!("/Groups/{group}"), &body)
            }
            other => bail!("there is no path `{other}`"),
        };
        if [GET, FILTER, LIST].contains(&path) {
            // To warm up; others than those that are counted.
            self.ask(times..times + TOGETHER, &request)?;
        }
        callgrind_counts_this(&mut || self.ask(0..times, &request))?;
        Ok(times)
    }

    fn ask(
        &mut self,
        numbers: std::ops::Range<u32>,
        request: &impl Fn(u32) -> anyhow::Result<Request<Body>>,
    ) -> anyhow::Result<()> {
        let Paths { router, writer, runtime, set } = self;
        set.block_on(runtime, async {
            let numbers: Vec<u32> = numbers.collect();
            for some in numbers.chunks(TOGETHER as usize) {
                let mut under_way = Vec::new();
                for number in some {
                    let answer = answer(router.clone(), request(*number)?);
                    under_way.push(tokio::task::spawn_local(answer));
                }
                yield_now().await;
                while under_way.iter().any(|one| !one.is_finished()) {
                    let Some(same) = writer.take().and_then(|writer| writer.step(some.len()))
                    else {
                        bail!("the log is lost");
                    };
                    *writer = Some(same);
                    yield_now().await;
                }
                for one in under_way {
                    one.await??;
                }
            }
            Ok(())
        })
    }
}

async fn answer(router: Router, request: Request<Body>) -> anyhow::Result<()> {
    let answer = router.oneshot(request).await?;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), ANSWER_BYTES).await?;
    let is_well = matches!(status, StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT);
    ensure!(is_well, "{status}: {}", String::from_utf8_lossy(&body));
    black_box(body);
    Ok(())
}

fn get(path: &str) -> anyhow::Result<Request<Body>> {
    request("GET", path, Body::empty())
}

fn send(method: &str, path: &str, body: &str) -> anyhow::Result<Request<Body>> {
    request(method, path, Body::from(body.to_owned()))
}

fn request(method: &str, path: &str, body: Body) -> anyhow::Result<Request<Body>> {
    Ok(Request::builder()
        .method(method)
        .uri(format!("{BASE}{path}"))
        .header("host", "127.0.0.1:8080")
        .header("accept", "application/scim+json")
        .header("user-agent", okta::AGENT)
        .header("content-type", "application/scim+json; charset=utf-8")
        .header("authorization", format!("Bearer {KEY}"))
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))))
        .body(body)?)
}
