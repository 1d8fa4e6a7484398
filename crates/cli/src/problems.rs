//! `rollbook problems`

use ::audit::{About, Problem, ProblemFilter, ProblemKind, ProblemPage, problems};
use clap::Args;
use domain::id::TenantId;
use reqwest::Method;

use crate::from::From;
use crate::instance;
use crate::terminal::note;

/// Show what was refused, carried out in part, or is to be looked after, newest first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook problems
  rollbook problems --user jane@acme.com
  rollbook problems --kind attention
  rollbook problems --connector okta --kind refused,partial --count 20
  rollbook problems --data ./data --json
  rollbook problems --tenant _system     requests without valid credentials

Different options narrow the answer; an option may be given several times: then any of its values will do. What a
client repeats is one entry with a count. The journal keeps the latest 10,000 entries of a tenant; it is no part
of the history, and an erasure removes what names the person.")]
pub(crate) struct Problems {
    /// Of these kinds: refused, partial, attention
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
    kind: Vec<ProblemKind>,
    /// About this user: a userName in any case, also of one who is gone or never came to be, or an id
    #[arg(long)]
    user: Vec<String>,
    /// About this group: a displayName in any case, or an id
    #[arg(long)]
    group: Vec<String>,
    /// About this role
    #[arg(long)]
    role: Vec<String>,
    /// About this policy
    #[arg(long)]
    policy: Vec<String>,
    /// Of this connector's client
    #[arg(long, value_name = "NAME")]
    connector: Vec<String>,
    /// Only those after the entry with this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Only those before the entry with this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    count: usize,
    #[command(flatten)]
    from: From,
}

fn kind(text: &str) -> Result<ProblemKind, String> {
    let found = ProblemKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "there are refused, partial and attention".to_owned())
}

impl Problems {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let ProblemPage { problems, next } = self.list().await?;
        let output = self.from.output;
        output.list(&problems, "nothing was refused", &HEADING, |problem| vec![row(problem)])?;
        if let Some(next) = next {
            note(format!("older ones: --before {next}, or a larger --count"));
        }
        Ok(())
    }

    fn words(&self) -> Vec<(&'static str, String)> {
        let kinds: Vec<&str> = self.kind.iter().map(|kind| kind.as_str()).collect();
        let kinds = if kinds.is_empty() { Vec::new() } else { vec![kinds.join(",")] };
        let number = |number: Option<u64>| number.map(|n| n.to_string()).into_iter().collect();
        let words: [(&'static str, Vec<String>); 8] = [
            ("kind", kinds),
            ("user", self.user.clone()),
            ("group", self.group.clone()),
            ("role", self.role.clone()),
            ("policy", self.policy.clone()),
            ("connector", self.connector.clone()),
            ("before", number(self.before)),
            ("after", number(self.after)),
        ];
        let pairs = |(word, values): (&'static str, Vec<String>)| {
            values.into_iter().map(move |value| (word, value))
        };
        words.into_iter().flat_map(pairs).collect()
    }

    async fn list(&self) -> anyhow::Result<ProblemPage> {
        let mut words = self.words();
        if let Some(remote) = self.from.remote()? {
            let slug = remote.tenant(self.from.tenant()).await?;
            let path = ["tenants", slug.as_str(), "problems"];
            let mut whole = ProblemPage { problems: Vec::new(), next: self.before };
            loop {
                let left = self.count.saturating_sub(whole.problems.len());
                words.retain(|(word, _)| !["count", "before"].contains(word));
                words.push(("count", left.min(AT_ONCE).to_string()));
                words.extend(whole.next.map(|next| ("before", next.to_string())));
                let answer = remote.ask(Method::GET, &path, &words, None).await?;
                let page: ProblemPage = serde_json::from_value(answer)?;
                let is_last = page.next.is_none() || page.problems.len() >= left;
                whole.problems.extend(page.problems);
                whole.next = page.next;
                if is_last {
                    return Ok(whole);
                }
            }
        }
        let engine = self.from.open()?;
        let world = engine.world();
        let (tenant, snapshot) = match self.from.tenant() {
            Some("_system") => (TenantId::SYSTEM, engine.now(TenantId::SYSTEM).unwrap_or_default()),
            slug => {
                let (tenant, snapshot) = instance::tenant(&world, slug)?;
                (tenant.id, snapshot.clone())
            }
        };
        let words = words.iter().map(|(word, value)| (*word, value.as_str()));
        let filter = ProblemFilter::parse(words, &snapshot)?;
        Ok(problems(engine.journal(), tenant, &snapshot, &filter, self.count)?)
    }
}

/// Entries that are asked for at once.
const AT_ONCE: usize = 1_000;

/// What a row says.
pub(crate) const HEADING: [&str; 8] =
    ["TIME", "TIMES", "KIND", "STATUS", "TYPE", "ABOUT", "REQUEST", "WHY"];

/// A problem in a row of a table.
pub(crate) fn row(problem: &Problem) -> Vec<String> {
    vec![
        problem.at.to_string(),
        problem.count.to_string(),
        problem.kind.as_str().to_owned(),
        problem.status.to_string(),
        problem.scim_type.clone().unwrap_or_default(),
        about(&problem.about),
        format!("{} {}", problem.method, problem.path),
        problem.detail.clone(),
    ]
}

fn about(about: &About) -> String {
    let of = |kind: &str, name: &Option<String>, id: Option<String>| {
        name.clone().or(id).map(|name| format!("{kind} {name}"))
    };
    let all = [
        of("user", &about.user_name, about.user.map(|id| id.to_string())),
        of("group", &about.group_name, about.group.map(|id| id.to_string())),
        of("role", &about.role_name, about.role.map(|id| id.to_string())),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
