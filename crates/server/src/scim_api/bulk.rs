//! Bulk jobs over HTTP (RFC 7644 §3.7): each operation is what it would be alone, a request with its own commit and its own
//! entry in the refusal journal; they share the request id.

use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::http::{StatusCode, request};
use domain::view::path_part;
use scim::Value;
use scim::bulk::{self, Job, Method, Outcome, Request, Run, Stage, Task};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::address::{Endpoint, Kind};
use super::query::Parameters;
use super::resource::{self, Written};
use super::{Asked, conditions, negotiation};
use crate::answer::{Answer, etag};
use crate::app::App;
use crate::caller::{Caller, Visit};
use crate::journal::{self, Line};
use crate::limits::{BULK_ANSWER_BYTES, BULK_JOBS};
use crate::refused::Refused;

/// A job outlives its client, so jobs are bounded in number: who opens and drops requests piles up nothing.
static JOBS: Semaphore = Semaphore::const_new(BULK_JOBS);

/// Carries out a job. Once begun it goes on to its end, also when the client has gone away: of what needs two steps, such as
/// groups that are members of each other, no half stays.
pub(super) async fn bulk(asked: &Asked<'_>, body: &[u8]) -> Result<Answer, Refused> {
    let Ok(place) = JOBS.try_acquire() else {
        let detail = format!("{BULK_JOBS} bulk jobs are running already: try again in a moment");
        return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    let catalogue = asked.caller.snapshot.directory.schemas.catalogue();
    let job = Job::parse(Value::parse(body)?, catalogue, asked.caller.options())?;
    let work = Work {
        app: asked.app.clone(),
        visit: asked.visit.clone(),
        caller: asked.caller.clone(),
        parts: asked.parts.clone(),
        base: asked.base.clone(),
        shows: negotiation::prefers_representation(&asked.parts.headers),
        is_large: body.len() > Endpoint::List(Kind::User).body_limit_bytes(),
    };
    let work = async move {
        let outcomes = work.all(job).await;
        drop(place);
        outcomes
    };
    let work = work.instrument(tracing::Span::current());
    let outcomes = tokio::spawn(work).await.map_err(Refused::broken_off)?;
    let mut body = Vec::new();
    bulk::write_answer(&mut body, &outcomes);
    Ok(Answer::new(StatusCode::OK, Some(body)))
}

/// What the operations of a job have in common.
struct Work {
    app: App,
    visit: Visit,
    caller: Caller,
    parts: request::Parts,
    base: String,
    /// Whether the answer shows what was written.
    shows: bool,
    /// Whether an operation may be larger than it might be alone.
    is_large: bool,
}

/// What came of a request that was granted.
struct Done {
    id: String,
    status: StatusCode,
    version: Option<String>,
    body: Option<Vec<u8>>,
    /// Whether what was to be created was there already, and was linked.
    linked: bool,
}

impl Work {
    /// What came of each operation that was processed, in the order of the request.
    async fn all(self, job: Job) -> Vec<Outcome> {
        let catalogue = self.caller.snapshot.directory.schemas.catalogue();
        let mut run = Run::new(job, catalogue, self.caller.options(), &self.base);
        let mut outcomes: Vec<Outcome> = run.operations().iter().map(begun).collect();
        let mut room = BULK_ANSWER_BYTES;
        // What this job only took over, it does not delete when it gives up.
        let mut linked = BTreeSet::new();
        while let Some(task) = run.next() {
            match task {
                Task::Refuse { operation, why } => {
                    let line = self.line(&run, operation);
                    let location = self.location(&run, operation);
                    self.refuse(&line, outcomes.get_mut(operation), location, &why.into());
                }
                Task::Do { operation, request, stage: Stage::Undo }
                    if request.id.as_ref().is_some_and(|id| linked.contains(id)) =>
                {
                    run.tell(operation, Stage::Undo, request.id);
                }
                Task::Do { operation, request, stage } => {
                    let line = self.line(&run, operation);
                    let method = request.method;
                    let done = self.one(&line, request, stage, room).await;
                    run.tell(operation, stage, done.as_ref().ok().map(|done| done.id.clone()));
                    linked.extend(
                        done.as_ref().ok().filter(|done| done.linked).map(|done| done.id.clone()),
                    );
                    let location = self.location(&run, operation);
                    let outcome = outcomes.get_mut(operation);
                    match (done, stage) {
                        (Ok(_), Stage::Undo | Stage::Begin) => {}
                        (Err(why), Stage::Undo) => self.stays(&line, &why),
                        (Ok(done), Stage::Whole | Stage::Finish) => {
                            room = room.saturating_sub(done.body.as_ref().map_or(0, Vec::len));
                            granted(outcome, location, done, method, stage);
                        }
                        (Err(why), Stage::Whole | Stage::Begin | Stage::Finish) => {
                            self.refuse(&line, outcome, location, &why);
                        }
                    }
                }
            }
        }
        let outcomes = outcomes.into_iter().enumerate();
        outcomes.filter(|(at, _)| run.is_processed(*at)).map(|(_, outcome)| outcome).collect()
    }

    /// One request, as if it had come alone. To undo what was begun needs no key that is still good:
    /// a key that ends under way must leave no half behind.
    async fn one(
        &self,
        line: &OwnLine,
        request: Request,
        stage: Stage,
        room: usize,
    ) -> Result<Done, Refused> {
        let caller = match stage {
            Stage::Undo => self.caller.at_present(&self.app)?,
            Stage::Whole | Stage::Begin | Stage::Finish => self.caller.again(&self.app)?,
        };
        let asked = Asked {
            app: &self.app,
            visit: &self.visit,
            parts: &self.parts,
            line: line.shown(),
            caller: &caller,
            parameters: Parameters::default(),
            base: self.base.clone(),
            catalogue: caller.catalogue(),
            quirks: Mutex::default(),
        };
        let kind = Kind::named(&request.resource_type);
        let kind = kind.ok_or_else(|| Refused::no_method("GET, HEAD"))?;
        // What the same request began may be undone whatever it needs.
        if stage != Stage::Undo {
            caller.needs(kind.write())?;
        }
        let data = request.data.unwrap_or_default();
        let limit_bytes = Endpoint::List(kind).body_limit_bytes();
        if self.is_large && data.to_json().len() > limit_bytes {
            return Err(Refused::too_large(limit_bytes));
        }
        let written = match stage {
            Stage::Undo => resource::withdraw(&asked, kind, &request.id.unwrap_or_default()).await,
            Stage::Whole | Stage::Begin | Stage::Finish => {
                let Request { method, id, version, .. } = request;
                write(&asked, kind, method, id, &data, version).await
            }
        };
        asked.count();
        let written = written?;
        let body = if self.shows { written.body(&asked) } else { None };
        Ok(Done {
            id: written.id(),
            status: written.status,
            version: written.version(&asked).map(etag),
            body: body.filter(|body| body.len() <= room),
            linked: written.is_linked(),
        })
    }

    fn refuse(
        &self,
        line: &OwnLine,
        outcome: Option<&mut Outcome>,
        location: Option<String>,
        why: &Refused,
    ) {
        let (tenant, actor) = (self.caller.tenant, Some(self.caller.actor()));
        journal::refused(&self.app, tenant, actor, &self.visit, line.shown(), why);
        if let Some(outcome) = outcome {
            outcome.status = why.status.as_u16();
            outcome.response = Some(why.body());
            outcome.version = None;
            let is_post = outcome.method.as_deref() == Some(Method::Post.as_str());
            outcome.location = location.filter(|_| !is_post);
        }
    }

    /// What could not be finished could not be removed either: an operator must know.
    fn stays(&self, line: &OwnLine, why: &Refused) {
        tracing::error!(status = why.status.as_u16(), "a half-done bulk operation was not undone");
        let (tenant, actor) = (self.caller.tenant, Some(self.caller.actor()));
        journal::refused(&self.app, tenant, actor, &self.visit, line.shown(), why);
    }

    /// The address of the resource that an operation is about, as far as it is known.
    fn location(&self, run: &Run<'_>, operation: usize) -> Option<String> {
        let wish = run.operations().get(operation)?.wish.as_ref().ok()?;
        let kind = Kind::named(&wish.resource_type)?;
        // An id that nothing has may be any text; an address is one all the same.
        let id = path_part(run.id(operation)?);
        Some(format!("{}/{}/{id}", self.base, kind.plural()))
    }

    /// The line that an operation would have alone.
    fn line(&self, run: &Run<'_>, operation: usize) -> OwnLine {
        let path = self.parts.uri.path();
        let asked = run.operations().get(operation);
        let method = asked.and_then(|asked| asked.method.clone()).unwrap_or_default();
        let wish = asked.and_then(|asked| asked.wish.as_ref().ok());
        let Some(kind) = wish.and_then(|wish| Kind::named(&wish.resource_type)) else {
            return OwnLine { method, path: path.to_owned() };
        };
        let base = path.trim_end_matches('/').trim_end_matches("Bulk").trim_end_matches('/');
        let id = run.id(operation).filter(|_| method != Method::Post.as_str());
        let id = id.map(|id| format!("/{id}")).unwrap_or_default();
        OwnLine { method, path: format!("{base}/{}{id}", kind.plural()) }
    }
}

/// A [`Line`] of our own.
struct OwnLine {
    method: String,
    path: String,
}

impl OwnLine {
    fn shown(&self) -> Line<'_> {
        Line { method: &self.method, path: &self.path }
    }
}

/// What is known of an operation before it is tried.
fn begun(operation: &bulk::Operation) -> Outcome {
    Outcome {
        method: operation.method.clone(),
        bulk_id: operation.bulk_id.clone(),
        ..Outcome::default()
    }
}

fn granted(
    outcome: Option<&mut Outcome>,
    location: Option<String>,
    done: Done,
    method: Method,
    stage: Stage,
) {
    let Some(outcome) = outcome else { return };
    outcome.location = location;
    outcome.version = done.version;
    outcome.response = done.body;
    let is_creation = method == Method::Post || stage == Stage::Finish;
    outcome.status = if is_creation { StatusCode::CREATED } else { done.status }.as_u16();
}

async fn write(
    asked: &Asked<'_>,
    kind: Kind,
    method: Method,
    id: Option<String>,
    data: &Value,
    version: Option<String>,
) -> Result<Written, Refused> {
    let id = id.unwrap_or_default();
    let expected = version.as_deref().map(conditions::expected_of).unwrap_or_default();
    match method {
        Method::Post => resource::create(asked, kind, data).await,
        Method::Put => resource::replace(asked, kind, &id, data, expected).await,
        Method::Patch => resource::patch(asked, kind, &id, data, expected).await,
        Method::Delete => resource::delete(asked, kind, &id, expected).await,
    }
}
