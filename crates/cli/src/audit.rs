//! `rollbook audit` and `rollbook problems`

use ::audit::{Entry, HEADING, Order, Problem, Question, Told, ask, find_maker, find_user, rows};
use clap::{Args, Subcommand};
use domain::event::{EventKind, Subject};
use domain::trail::Kinds;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::from::From;
use crate::instance;
use crate::output::Output;
use crate::remote::Remote;
use crate::terminal::{Tone, note, say, toned};

/// Ask the log who changed what, when, and through which door.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook audit roles jane@acme.com
  rollbook audit roles jane@acme.com --data ./data --json
  rollbook audit commits --subject jane@acme.com --event UserDeactivated,UserActivated
  rollbook audit commits --actor owner --newest --count 20

An answer may be empty. A user who never existed is an error, with exit status 1.")]
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
        from: From,
    },
    /// Which commits there are, and what is in them
    Commits {
        /// Only commits about this user
        #[arg(long, value_name = "USER")]
        subject: Option<String>,
        /// Only commits by this connector or operator
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Only events of these types, as in RoleAssigned,RoleRevoked
        #[arg(long, value_name = "TYPES", value_delimiter = ',')]
        event: Vec<EventKind>,
        /// The latest first
        #[arg(long)]
        newest: bool,
        /// How many commits at most
        #[arg(long, default_value_t = 100)]
        count: usize,
        #[command(flatten)]
        from: From,
    },
}

/// Show what was refused or carried out in part, newest first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook problems
  rollbook problems --data ./data --json
  rollbook problems --tenant _system     requests without valid credentials")]
pub(crate) struct Problems {
    /// How many at most
    #[arg(long, default_value_t = 100)]
    count: usize,
    #[command(flatten)]
    from: From,
}

/// What is asked, in the words of the command line.
struct Wish {
    subject: Option<String>,
    actor: Option<String>,
    kinds: Vec<EventKind>,
    order: Order,
    count: usize,
}

#[derive(Deserialize)]
struct Page {
    commits: Vec<Entry>,
    next: Option<Value>,
}

impl Audit {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            AuditVerb::Roles { user, from } => {
                let entries = from.role_changes(&user).await?;
                if from.output.programs(&entries, &HEADING, rows)? {
                    return Ok(());
                }
                if entries.is_empty() {
                    note(format!("{user} never had a role of their own"));
                } else {
                    show_roles(from.output, &entries);
                }
            }
            AuditVerb::Commits { subject, actor, event, newest, count, from } => {
                let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
                let entries =
                    from.answer(Wish { subject, actor, kinds: event, order, count }).await?;
                if from.output.programs(&entries, &HEADING, rows)? {
                    return Ok(());
                }
                if entries.is_empty() {
                    note("no commit matches");
                } else {
                    show_commits(from.output, &entries);
                }
            }
        }
        Ok(())
    }
}

impl From {
    /// Every change of a user's roles, as it happened.
    pub(crate) async fn role_changes(&self, user: &str) -> anyhow::Result<Vec<Entry>> {
        let wish = Wish {
            subject: Some(user.to_owned()),
            actor: None,
            kinds: vec![EventKind::RoleAssigned, EventKind::RoleRevoked],
            order: Order::OldestFirst,
            count: usize::MAX,
        };
        self.answer(wish).await
    }

    async fn answer(&self, wish: Wish) -> anyhow::Result<Vec<Entry>> {
        match self.remote()? {
            Some(remote) => self.remote_answer(&remote, wish).await,
            None => self.local_answer(wish),
        }
    }

    fn local_answer(&self, wish: Wish) -> anyhow::Result<Vec<Entry>> {
        let engine = self.open()?;
        let world = engine.world();
        let (tenant, snapshot) = instance::tenant(&world, self.tenant.as_deref())?;
        let subjects = match &wish.subject {
            Some(who) => find_user(snapshot, who)?.into_iter().map(Subject::User).collect(),
            None => Vec::new(),
        };
        let system = world.system().map(|system| &system.directory);
        let maker = match &wish.actor {
            Some(who) => Some(find_maker(&snapshot.directory, system, who)?),
            None => None,
        };
        let kinds =
            if wish.kinds.is_empty() { Kinds::ALL } else { wish.kinds.into_iter().collect() };
        let question = Question {
            subjects,
            maker,
            kinds,
            order: wish.order,
            limit: wish.count,
            ..Question::default()
        };
        Ok(ask(&engine, tenant.id, &question)?)
    }

    async fn remote_answer(&self, remote: &Remote, wish: Wish) -> anyhow::Result<Vec<Entry>> {
        let slug = remote.tenant(self.tenant.as_deref()).await?;
        let path = ["tenants", slug.as_str(), "audit", "commits"];
        let mut query = Vec::new();
        if let Some(who) = wish.subject {
            query.push(("subject", who));
        }
        if let Some(who) = wish.actor {
            query.push(("actor", who));
        }
        if !wish.kinds.is_empty() {
            let names: Vec<&str> = wish.kinds.iter().map(|kind| kind.name()).collect();
            query.push(("event", names.join(",")));
        }
        let order = match wish.order {
            Order::OldestFirst => "oldest",
            Order::NewestFirst => "newest",
        };
        query.push(("order", order.to_owned()));
        let mut entries = Vec::new();
        let mut page_query = query.clone();
        while entries.len() < wish.count {
            page_query.push(("count", (wish.count - entries.len()).min(1_000).to_string()));
            let page = remote.ask(Method::GET, &path, &page_query, None).await?;
            let Page { commits, next } = serde_json::from_value(page)?;
            entries.extend(commits);
            let Some(next) = next else { break };
            page_query = query.clone();
            for end in ["from", "to"] {
                if let Some(position) = next.get(end) {
                    page_query.push((end, position.to_string()));
                }
            }
        }
        Ok(entries)
    }
}

/// Who acted, and with which key.
fn actor(entry: &Entry) -> String {
    let name = entry.actor.name.clone().or_else(|| entry.actor.id.clone());
    let who = match name {
        Some(name) => format!("{} {name}", entry.actor.kind),
        None => entry.actor.kind.clone(),
    };
    match entry.credential.as_ref().and_then(|credential| credential.name.as_ref()) {
        Some(hint) => format!("{who} ({hint})"),
        None => who,
    }
}

fn address(entry: &Entry) -> String {
    entry.source.map_or_else(|| "here".to_owned(), |address| address.to_string())
}

/// One table for each person: a name may have been several people's, one after the other.
pub(crate) fn show_roles(output: Output, entries: &[Entry]) {
    let mut people: Vec<(String, String, Vec<Vec<String>>)> = Vec::new();
    for entry in entries {
        for told in &entry.events {
            let id = told.event.get("user").and_then(Value::as_str).unwrap_or_default();
            let name = told.user_name.clone().unwrap_or_else(|| "erased".to_owned());
            let row = role_row(entry, told);
            match people.iter_mut().find(|(there, ..)| there == id) {
                Some((_, last, rows)) => {
                    *last = name;
                    rows.push(row);
                }
                None => people.push((id.to_owned(), name, vec![row])),
            }
        }
    }
    let heading = ["TIME", "CHANGE", "ROLES", "BY", "FROM", "POSITION", "HASH", "REQUEST"];
    let several = people.len() > 1;
    for (id, name, rows) in people {
        if several {
            say(format!("\n{name}  (user {id})"));
        }
        output.table(&heading, &rows);
    }
}

fn role_row(entry: &Entry, told: &Told) -> Vec<String> {
    let role = told.role_name.clone().unwrap_or_default();
    let assigned = told.event.get("type").and_then(Value::as_str) == Some("RoleAssigned");
    let change = match (assigned, told.before == told.after) {
        // The same role through one source more or less, or written in other words.
        (_, true) => toned(&format!("= {role}"), Tone::Faint),
        (true, false) => toned(&format!("+ {role}"), Tone::Good),
        (false, false) => toned(&format!("- {role}"), Tone::Bad),
    };
    let roles = |names: &Option<Vec<String>>| match names.as_deref() {
        None | Some([]) => "none".to_owned(),
        Some(names) => names.join(", "),
    };
    vec![
        entry.at.to_string(),
        change,
        format!("{} → {}", roles(&told.before), roles(&told.after)),
        actor(entry),
        address(entry),
        entry.position.to_string(),
        entry.hash.short(),
        toned(&entry.request.to_string(), Tone::Faint),
    ]
}

fn show_commits(output: Output, entries: &[Entry]) {
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let events: Vec<String> = entry.events.iter().map(sentence).collect();
            vec![
                entry.position.to_string(),
                entry.at.to_string(),
                events.join("; "),
                actor(entry),
                address(entry),
                entry.hash.short(),
            ]
        })
        .collect();
    output.table(&["POSITION", "TIME", "WHAT", "BY", "FROM", "HASH"], &rows);
}

/// An event in a few words.
fn sentence(told: &Told) -> String {
    let kind = told.event.get("type").and_then(Value::as_str).unwrap_or("?");
    let names = [&told.user_name, &told.role_name, &told.member_name, &told.group_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    if names.is_empty() { kind.to_owned() } else { format!("{kind} {}", names.join(" · ")) }
}

impl Problems {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let problems = self.list().await?;
        let heading = ["TIME", "STATUS", "TYPE", "REQUEST", "WHY"];
        self.from.output.list(&problems, "nothing was refused", &heading, |problem| {
            vec![vec![
                problem.at.to_string(),
                problem.status.to_string(),
                problem.scim_type.clone().unwrap_or_default(),
                format!("{} {}", problem.method, problem.path),
                problem.detail.clone(),
            ]]
        })
    }

    async fn list(&self) -> anyhow::Result<Vec<Problem>> {
        if let Some(remote) = self.from.remote()? {
            let slug = remote.tenant(self.from.tenant.as_deref()).await?;
            let path = ["tenants", slug.as_str(), "problems"];
            let query = [("count", self.count.to_string())];
            let mut answer = remote.ask(Method::GET, &path, &query, None).await?;
            let problems = answer.get_mut("problems").map(Value::take).unwrap_or_default();
            return Ok(serde_json::from_value(problems)?);
        }
        let engine = self.from.open()?;
        let world = engine.world();
        let tenant = match self.from.tenant.as_deref() {
            Some("_system") => domain::id::TenantId::SYSTEM,
            slug => instance::tenant(&world, slug)?.0.id,
        };
        Ok(Problem::list(engine.journal(), tenant, self.count)?)
    }
}
