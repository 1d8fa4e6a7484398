//! `rollbook audit`

mod filters;
pub(crate) mod show;

use ::audit::{Entry, HEADING, Order, Question, ask, csv_line, question, rows};
use clap::{Args, Subcommand};
use domain::event::EventKind;
use engine::When;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::from::From;
use crate::instance;
use crate::output::{Format, Output};
use crate::remote::Remote;
use crate::terminal::{note, print, say};

pub(crate) use filters::Filters;
use filters::is;
pub(crate) use show::show_roles;

/// Commits that a table or a JSON document shows when nobody says how many.
const COUNT: usize = 100;
/// Commits that are fetched at once.
const PAGE: usize = 1_000;

/// Ask the log who changed what, when, and through which door.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook audit roles jane@acme.com
  rollbook audit access jane@acme.com --format csv > jane.csv
  rollbook audit group Engineering --newest
  rollbook audit connector okta --from 2026-03-01 --to 2026-03-31
  rollbook audit commits --user jane@acme.com --event UserDeactivated,UserActivated
  rollbook audit commits --attribute title --address 10.0.0.0/8 --newest --count 20

Names are those that a thing has or ever had, or ids. An answer may be empty. What never
existed is an error, with exit status 1.")]
pub(crate) struct Audit {
    #[command(subcommand)]
    verb: AuditVerb,
}

#[derive(Subcommand)]
enum AuditVerb {
    /// Who changed a user's roles
    Roles {
        /// The user: a userName in any case, also of one who is gone, or an id
        user: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// Everything that bears on what a user may do: whether they are there and active, roles, groups, keys
    ///
    /// Groups are those that they were ever in, directly or through another group: when those came into other groups
    /// or left them, got or lost a rule, or were deleted.
    Access {
        /// The user: a userName in any case, also of one who is gone, or an id
        user: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// What happened to a group: members, names, attributes
    Group {
        /// The group: a displayName in any case, as it is now or ever was, or an id
        group: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// What someone did
    Actor {
        /// A connector or an operator by name or id, or `system`; `connector:NAME` and `operator:NAME` tell two of one name apart
        who: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// What a connector did, and what was done to it and to its keys
    Connector {
        /// Its name or id
        name: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// What was done with a key, and its life: when it was issued and revoked, and by whom
    Credential {
        /// Its id, or its hint: the first characters of its secret, as `rollbook credential list` shows them
        id: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
    /// Which commits there are, and what is in them
    #[command(after_help = "\
Different options narrow the answer: one event must meet them all. An option may be given
several times: then any of its values will do.

Examples:
  rollbook audit commits --role Admin --connector okta --from 2026-03-01
  rollbook audit commits --group Sales --user jane@acme.com
  rollbook audit commits --subject connector:okta --event ConnectorChanged
  rollbook audit commits --request 0199a1c4-7a30-7cc1-b7a5-2f6f4c0f3b0e
  rollbook audit commits --format ndjson > everything.ndjson")]
    Commits {
        #[command(flatten)]
        filters: Box<Filters>,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        from: From,
    },
}

/// Which part of the log is asked, and how much of it is told.
#[derive(Args)]
struct Range {
    /// Only from this position or time on
    #[arg(long = "from", value_name = "WHEN", value_parser = when)]
    first: Option<String>,
    /// Only up to this position or time; a day is meant as a whole (in UTC)
    #[arg(long = "to", value_name = "WHEN", value_parser = when)]
    last: Option<String>,
    /// The latest first
    #[arg(long)]
    newest: bool,
    /// How many commits at most [default: 100 in a table or as JSON, all in other forms]
    #[arg(long)]
    count: Option<usize>,
}

fn when(text: &str) -> Result<String, <When as std::str::FromStr>::Err> {
    is::<When>(text)
}

/// What is asked, in words as `::audit::question` takes them.
struct Wish {
    words: Vec<(&'static str, String)>,
    order: Order,
    /// How many commits at most.
    count: usize,
}

#[derive(Deserialize)]
struct Page {
    commits: Vec<Entry>,
    next: Option<Value>,
}

/// What was answered, and whether there is more than that.
struct Answer {
    entries: Vec<Entry>,
    more: bool,
}

impl Range {
    /// The wish with these words; `all` is for answers that nobody wants cut off.
    fn wish(self, mut words: Vec<(&'static str, String)>, output: Output, all: bool) -> Wish {
        words.extend(self.first.map(|first| ("from", first)));
        words.extend(self.last.map(|last| ("to", last)));
        let order = if self.newest { Order::NewestFirst } else { Order::OldestFirst };
        let is_whole = all || is_in_lines(output);
        let count = self.count.unwrap_or(if is_whole { usize::MAX } else { COUNT });
        Wish { words, order, count }
    }
}

/// Whether the answer is printed line by line, so that it may be as long as it likes.
fn is_in_lines(output: Output) -> bool {
    matches!(output.format(), Some(Format::Ndjson | Format::Csv))
}

impl Audit {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            AuditVerb::Roles { user, range, from } => {
                let wish = range.wish(roles_of(&user), from.output, true);
                let nothing = format!("{user} never had a role");
                from.show(wish, &nothing, |entries| show_roles(from.output, entries)).await
            }
            AuditVerb::Access { user, range, from } => {
                let wish = range.wish(vec![("access", user)], from.output, true);
                from.show(wish, "nothing bears on that", |entries| {
                    show::access(from.output, entries);
                })
                .await
            }
            AuditVerb::Group { group, range, from } => {
                let wish = range.wish(vec![("group", group)], from.output, false);
                from.show(wish, NOTHING, |entries| show::commits(from.output, entries)).await
            }
            AuditVerb::Actor { who, range, from } => {
                let wish = range.wish(vec![("actor", who)], from.output, false);
                from.show(wish, NOTHING, |entries| show::commits(from.output, entries)).await
            }
            AuditVerb::Connector { name, range, from } => {
                let words = vec![("involving", format!("connector:{name}"))];
                let wish = range.wish(words, from.output, false);
                from.show(wish, NOTHING, |entries| {
                    show::both_sides(from.output, entries, |entry| {
                        entry.actor.kind == "connector" && show::is_called(&entry.actor, &name)
                    });
                })
                .await
            }
            AuditVerb::Credential { id, range, from } => {
                let words = vec![("involving", format!("credential:{id}"))];
                let wish = range.wish(words, from.output, false);
                from.show(wish, NOTHING, |entries| {
                    show::both_sides(from.output, entries, |entry| {
                        entry.credential.as_ref().is_some_and(|key| show::is_called(key, &id))
                    });
                })
                .await
            }
            AuditVerb::Commits { filters, range, from } => {
                let wish = range.wish(filters.words(), from.output, false);
                from.show(wish, NOTHING, |entries| show::commits(from.output, entries)).await
            }
        }
    }
}

const NOTHING: &str = "no commit matches";

fn roles_of(user: &str) -> Vec<(&'static str, String)> {
    let events = [EventKind::RoleAssigned, EventKind::RoleRevoked].map(EventKind::name);
    vec![("user", user.to_owned()), ("event", events.join(","))]
}

impl From {
    /// Every change of a user's roles, as it happened.
    pub(crate) async fn role_changes(&self, user: &str) -> anyhow::Result<Vec<Entry>> {
        let wish = Wish { words: roles_of(user), order: Order::OldestFirst, count: usize::MAX };
        Ok(self.answer(wish).await?.entries)
    }

    /// Prints an answer: as it comes where it is told line by line, else once it is whole.
    async fn show(
        &self,
        wish: Wish,
        nothing: &str,
        table: impl FnOnce(&[Entry]),
    ) -> anyhow::Result<()> {
        if is_in_lines(self.output) {
            if self.output.format() == Some(Format::Csv) {
                print(csv_line(HEADING));
            }
            return self.each_page(wish, |entries| self.lines(&entries)).await.map(drop);
        }
        let Answer { entries, more } = self.answer(wish).await?;
        let shown = entries.len();
        if !self.output.programs(&entries, &HEADING, rows)? {
            if entries.is_empty() {
                note(nothing);
            } else {
                table(&entries);
            }
        }
        if more {
            note(format!("there is more than these {shown}: --count shows as many as you like"));
        }
        Ok(())
    }

    fn lines(&self, entries: &[Entry]) -> anyhow::Result<()> {
        for entry in entries {
            if self.output.format() == Some(Format::Csv) {
                rows(entry).iter().for_each(|row| print(csv_line(row)));
            } else {
                say(serde_json::to_string(entry)?);
            }
        }
        Ok(())
    }

    async fn answer(&self, wish: Wish) -> anyhow::Result<Answer> {
        let mut all = Vec::new();
        let more = self
            .each_page(wish, |entries| {
                all.extend(entries);
                Ok(())
            })
            .await?;
        Ok(Answer { entries: all, more })
    }

    /// Gives out the answer in pages; whether there is more than was wished for.
    async fn each_page(
        &self,
        wish: Wish,
        page: impl FnMut(Vec<Entry>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        match self.remote()? {
            Some(remote) => self.remote_pages(&remote, wish, page).await,
            None => self.local_pages(&wish, page),
        }
    }

    fn local_pages(
        &self,
        wish: &Wish,
        mut page: impl FnMut(Vec<Entry>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let engine = self.open()?;
        let world = engine.world();
        let (tenant, snapshot) = instance::log(&world, self.tenant())?;
        let system = world.system().map(|system| &system.directory);
        let words = wish.words.iter().map(|(word, value)| (*word, value.as_str()));
        let question = question(words, &engine, snapshot, system)?;
        let mut next = Some(Question { order: wish.order, ..question });
        let mut left = wish.count;
        while let Some(question) = next {
            // One more than is wished for says whether there is more.
            let limit = left.saturating_add(1).min(PAGE);
            let mut entries = ask(&engine, tenant, &Question { limit, ..question.clone() })?;
            let is_last = entries.len() < limit;
            let more = entries.len() > left;
            entries.truncate(left);
            left -= entries.len();
            next = entries.last().and_then(|last| question.after(last.position));
            page(entries)?;
            if more || is_last {
                return Ok(more);
            }
        }
        Ok(false)
    }

    async fn remote_pages(
        &self,
        remote: &Remote,
        wish: Wish,
        mut page: impl FnMut(Vec<Entry>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let slug = remote.tenant(self.tenant()).await?;
        let path = ["tenants", slug.as_str(), "audit", "commits"];
        let mut query = wish.words;
        let order = match wish.order {
            Order::OldestFirst => "oldest",
            Order::NewestFirst => "newest",
        };
        query.push(("order", order.to_owned()));
        let (mut left, mut rest) = (wish.count, Vec::new());
        loop {
            let count = ("count", left.min(PAGE).to_string());
            let asked = [&query[..], &rest[..], &[count]].concat();
            let answer = remote.ask(Method::GET, &path, &asked, None).await?;
            let Page { commits, next } = serde_json::from_value(answer)?;
            left -= commits.len();
            page(commits)?;
            let Some(next) = next else { return Ok(false) };
            if left == 0 {
                return Ok(true);
            }
            // Of several `from` the latest counts, of several `to` the earliest.
            rest = ["from", "to"]
                .into_iter()
                .filter_map(|end| Some((end, next.get(end)?.to_string())))
                .collect();
        }
    }
}
