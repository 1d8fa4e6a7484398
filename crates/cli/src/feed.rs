//! `rollbook feed`

mod place;
mod stream;

use std::io::Write;
use std::path::PathBuf;

use ::audit::{Entry, HEADING, Question, ask, csv_line, rows};
use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::id::TenantId;
use domain::position::{Hash, Position};
use reqwest::Method;
use serde::Deserialize;

use crate::audit::Filters;
use crate::audit::show::{actor, sentence};
use crate::from::From;
use crate::instance;
use crate::output::Format;
use crate::remote::Remote;
use crate::terminal::{is_terminal, note};

use place::Place;

/// Commits that are asked for at once.
const PAGE: usize = 1_000;

/// Tell a tenant's commits from a position on, and go on telling them as they come.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook feed                                         everything, one JSON document a line in a pipe
  rollbook feed --after 700 --count 20
  rollbook feed --follow --event UserDeactivated,UserDeleted
  rollbook feed --follow --state ./feed.json | my-job   goes on where it was after a restart

With --state each commit is told at least once: one whose telling was cut off is told again, with the
same position. --follow ends with Ctrl-C, with status 0. Status 1 when the server's log is not the one
that was followed: the message says what to do.")]
pub(crate) struct Feed {
    /// Commits after this position; without it, all
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// Go on telling commits as they come
    #[arg(long, conflicts_with = "data")]
    follow: bool,
    /// A file that says how far this has come: read at the start if it is there, and kept up to date
    #[arg(long, value_name = "FILE", conflicts_with = "after")]
    state: Option<PathBuf>,
    #[command(flatten)]
    filters: Box<Filters>,
    /// How many commits at most; without it, all that there are
    #[arg(long, value_name = "COMMITS")]
    count: Option<usize>,
    #[command(flatten)]
    from: From,
}

#[derive(Deserialize)]
struct Page {
    commits: Vec<Entry>,
    next: Next,
    head: Head,
}

#[derive(Deserialize)]
struct Next {
    after: u64,
}

#[derive(Deserialize)]
struct Head {
    position: Option<Position>,
}

/// Whether there is anybody who wants more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    More,
    NoMore,
}

/// Where the telling goes, and how far it has come.
struct Teller {
    place: Place,
    left: usize,
    format: Format,
}

impl Feed {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.from.remote()? {
            Some(remote) => {
                let slug = remote.tenant(self.from.tenant()).await?;
                let mut teller = self.teller(&slug)?;
                if self.follow {
                    let narrowed = self.filters.words();
                    return tokio::select! {
                        told = stream::follow(&remote, &slug, &narrowed, &mut teller) => told,
                        // Who follows ends it so: nothing has failed.
                        _ = tokio::signal::ctrl_c() => Ok(()),
                    };
                }
                self.pages(&remote, &slug, &mut teller).await
            }
            None => {
                ensure!(!self.follow, "only a running server can be followed: give --server");
                self.local()
            }
        }
    }

    /// Who is told, from where on.
    fn teller(&self, slug: &str) -> anyhow::Result<Teller> {
        let place = Place::open(self.state.clone(), slug, self.after.unwrap_or(0))?;
        let format = match self.from.output.format() {
            Some(Format::Json) => Format::Ndjson,
            Some(format) => format,
            None if is_terminal() => Format::Table,
            None => Format::Ndjson,
        };
        let teller = Teller { place, left: self.count.unwrap_or(usize::MAX), format };
        if format == Format::Csv {
            teller.line(csv_line(&HEADING).trim_end());
        }
        Ok(teller)
    }

    async fn pages(&self, remote: &Remote, slug: &str, teller: &mut Teller) -> anyhow::Result<()> {
        while teller.left > 0 {
            let mut query = self.filters.words();
            query.extend(teller.place.query());
            query.push(("count", teller.left.min(PAGE).to_string()));
            let page = remote.ask(Method::GET, &["tenants", slug, "feed"], &query, None).await?;
            let page: Page = serde_json::from_value(page).context("this is no page of a feed")?;
            let end = page.head.position.map_or(0, Position::get);
            for entry in &page.commits {
                if teller.tell(entry)? == Wanted::NoMore {
                    return Ok(());
                }
            }
            teller.place.passed(page.next.after)?;
            if page.next.after >= end {
                break;
            }
        }
        Ok(())
    }

    /// The same out of a data folder.
    fn local(&self) -> anyhow::Result<()> {
        let engine = self.from.open()?;
        let world = engine.world();
        let system = world.system();
        let (id, slug, snapshot) = match (self.from.tenant(), system) {
            (Some("_system"), Some(system)) => (TenantId::SYSTEM, "_system", system),
            (slug, _) => {
                let (tenant, snapshot) = instance::tenant(&world, slug)?;
                (tenant.id, tenant.slug.as_str(), snapshot)
            }
        };
        let mut teller = self.teller(slug)?;
        let (last, after) = (snapshot.head.position.map_or(0, Position::get), teller.place.after());
        if after > last {
            bail!(
                "position {after} is not reached: this log ends at {last}; it is another's, or was \
                 restored from an older copy: begin anew without --after and --state"
            );
        }
        let here = Position::new(after).map(|position| engine.commit(id, position)).transpose()?;
        teller.place.compare(here.flatten().map_or(Hash::ZERO, |recorded| recorded.hash))?;
        let narrowed = self.filters.words();
        let words = narrowed.iter().map(|(name, value)| (*name, value.as_str()));
        let system = system.map(|system| &system.directory);
        let question = ::audit::question(words, &engine, snapshot, system)?;
        let mut at = after;
        while at < last && teller.left > 0 {
            let (Some(from), Some(to)) = (Position::new(at + 1), Position::new(at + PAGE as u64))
            else {
                break;
            };
            let limit = teller.left;
            for entry in ask(&engine, id, &Question { from, to, limit, ..question.clone() })? {
                if teller.tell(&entry)? == Wanted::NoMore {
                    return Ok(());
                }
            }
            at = to.get().min(last);
            teller.place.passed(at)?;
        }
        Ok(())
    }
}

impl Teller {
    /// Tells a commit, and keeps that it was told.
    fn tell(&mut self, entry: &Entry) -> anyhow::Result<Wanted> {
        let told = match self.format {
            Format::Json | Format::Ndjson => self.line(&serde_json::to_string(entry)?),
            Format::Table => self.line(&row(entry)),
            Format::Csv => rows(entry)
                .iter()
                .map(|row| self.line(csv_line(row).trim_end()))
                .find(|told| *told == Wanted::NoMore)
                .unwrap_or(Wanted::More),
        };
        if told == Wanted::NoMore {
            return Ok(Wanted::NoMore);
        }
        self.place.told(entry.position.get(), entry.hash)?;
        self.left -= 1;
        Ok(if self.left == 0 { Wanted::NoMore } else { Wanted::More })
    }

    fn line(&self, text: &str) -> Wanted {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Ok(()) => Wanted::More,
            // The reader has gone away, as `head` does.
            Err(_) => Wanted::NoMore,
        }
    }
}

/// A commit on one line, for people.
fn row(entry: &Entry) -> String {
    let events: Vec<String> = entry.events.iter().map(sentence).collect();
    let (position, at) = (entry.position, entry.at);
    format!("{position:>8}  {at}  {}  by {}", events.join("; "), actor(entry))
}

/// Says that the server is away, once.
fn waits(why: &str) {
    note(format!("{why}: trying again until it answers; Ctrl-C ends"));
}
