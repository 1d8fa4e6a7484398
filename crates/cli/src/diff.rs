//! `rollbook diff`

use std::collections::BTreeMap;

use ::audit::diff::{Became, Change, Diff, DiffPage, Difference, Scope, Summary, What, diff};
use ::audit::{Brief, csv_line};
use clap::{Args, ValueEnum};
use domain::position::Position;
use reqwest::Method;

use crate::from::{At, From};
use crate::instance;
use crate::output::Format;
use crate::remote::Remote;
use crate::show::cell;
use crate::terminal::{No, Tone, is_terminal, note, print, say, toned};

/// Things that a table shows when it is not said how many.
const COUNT: usize = 100;
/// Things that are asked for at once.
const AT_ONCE: usize = 1_000;
/// Changes of one thing that a table of a whole tenant shows.
const CHANGES: usize = 20;
/// Characters of a value in a table.
const CHARS: usize = 60;

/// Say what changed between two moments, and which commits changed it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook diff --from 2026-03-01
  rollbook diff --from 2026-03-01 --to 2026-04-01 user jane@acme.com
  rollbook diff --from 600 --to 613 group Sales --json
  rollbook diff --from 600 role Admin --data ./data
  rollbook diff --from 600 --format ndjson --all

Each thing is told once, each fact with its value before and after and the commits that caused it. What was touched and is
as before is counted; --all tells it too. For a whole tenant a membership is told with its group; for one user it is told
with the user. Groups that someone is in through other groups follow from these. A table of a whole tenant tells of what
appeared or disappeared only roles and members, and of one thing no more than 20 changes; the other formats tell all.

Exit status: 0 when it worked, whether anything differs or not; with --exit-code 1 when anything does.")]
pub(crate) struct Differ {
    /// The earlier moment: a position, a time, or a day (its beginning, in UTC)
    #[arg(long = "from", value_name = "MOMENT")]
    earlier: At,
    /// The later moment, in the same words; now, when not given
    #[arg(long = "to", value_name = "MOMENT")]
    later: Option<At>,
    /// What is compared
    #[arg(value_enum, default_value = "tenant")]
    kind: Which,
    /// Its name at either moment, or before, or its id
    #[arg(required_if_eq_any([("kind", "user"), ("kind", "group"), ("kind", "role")]))]
    who: Option<String>,
    /// Tell too what was touched and is as before
    #[arg(long)]
    all: bool,
    /// How many things at most; in a table 100, else all, when not given
    #[arg(long)]
    count: Option<usize>,
    /// End with status 1 when anything differs
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    from: From,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Everything
    Tenant,
    /// A user, with the groups that they are in
    User,
    /// A group, with its members
    Group,
    /// A role, with those who have it
    Role,
}

impl Differ {
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        if self.kind == Which::Tenant && self.who.is_some() {
            self.from.place.tenant = self.who.take();
        }
        let format = self.from.output.format();
        let people = matches!(format, None | Some(Format::Table));
        let count = self.count.unwrap_or(if people { COUNT } else { usize::MAX });
        if format == Some(Format::Csv) {
            print(csv_line(HEADING));
        }
        // Lines are printed as they come; a document and a table are made of the whole.
        let mut stream = |page: &Diff| match format {
            Some(Format::Ndjson) => {
                for difference in &page.differences {
                    say(serde_json::to_string(difference)?);
                }
                anyhow::Ok(())
            }
            Some(Format::Csv) => {
                for difference in &page.differences {
                    rows(difference, usize::MAX)
                        .iter()
                        .for_each(|row| print(csv_line(row.plain())));
                }
                Ok(())
            }
            None | Some(Format::Table | Format::Json) => Ok(()),
        };
        let told = match self.from.remote()? {
            Some(remote) => self.remote(&remote, count, &mut stream).await?,
            None => self.local(count, &mut stream)?,
        };
        match format {
            None | Some(Format::Table) => self.table(&told),
            Some(Format::Json) => say(serde_json::to_string_pretty(&told)?),
            Some(Format::Ndjson | Format::Csv) => note(summary(&told)),
        }
        if self.exit_code && told.summary.differ() > 0 {
            return Err(No.into());
        }
        Ok(())
    }

    fn local(
        &self,
        count: usize,
        stream: &mut impl FnMut(&Diff) -> anyhow::Result<()>,
    ) -> anyhow::Result<Diff> {
        let engine = self.from.open()?;
        let world = engine.world();
        let (tenant, now) = instance::tenant(&world, self.from.tenant())?;
        let from = engine.as_of(tenant.id, self.earlier.when)?;
        let to = match &self.later {
            Some(at) => engine.as_of(tenant.id, at.when)?,
            None => now.clone(),
        };
        let who = self.who.clone().unwrap_or_default();
        let scope = match self.kind {
            Which::Tenant => Scope::Tenant,
            Which::User => Scope::User(who),
            Which::Group => Scope::Group(who),
            Which::Role => Scope::Role(who),
        };
        let page = DiffPage { skip: 0, count, all: self.all };
        let told = diff(&engine, tenant.id, &from, &to, &scope, page)?;
        stream(&told)?;
        Ok(told)
    }

    async fn remote(
        &self,
        remote: &Remote,
        count: usize,
        stream: &mut impl FnMut(&Diff) -> anyhow::Result<()>,
    ) -> anyhow::Result<Diff> {
        let slug = remote.tenant(self.from.tenant()).await?;
        let path = ["tenants", slug.as_str(), "diff"];
        let mut query = vec![("all", self.all.to_string())];
        let subject = match self.kind {
            Which::Tenant => None,
            Which::User => Some("user"),
            Which::Group => Some("group"),
            Which::Role => Some("role"),
        };
        query.extend(subject.zip(self.who.clone()));
        let mut moments = vec![("from", self.earlier.text.clone())];
        moments.extend(self.later.as_ref().map(|at| ("to", at.text.clone())));
        let keep = !matches!(self.from.output.format(), Some(Format::Ndjson | Format::Csv));
        let mut whole: Option<Diff> = None;
        let mut skip = 0;
        loop {
            let mut asked = query.clone();
            asked.extend(moments);
            asked.push(("skip", skip.to_string()));
            asked.push(("count", (count - skip).min(AT_ONCE).to_string()));
            let page = remote.ask(Method::GET, &path, &asked, None).await?;
            let mut page: Diff = serde_json::from_value(page)?;
            stream(&page)?;
            // The pages after the first are of its moments, whatever happens meanwhile.
            moments = vec![
                ("from", page.from.position.to_string()),
                ("to", page.to.position.to_string()),
            ];
            let next = page.next.filter(|next| *next < count);
            if !keep {
                page.differences.clear();
            }
            match &mut whole {
                Some(whole) => {
                    whole.differences.extend(page.differences);
                    whole.next = page.next;
                }
                None => whole = Some(page),
            }
            match (next, &whole) {
                (Some(next), _) => skip = next,
                (None, Some(whole)) => return Ok(whole.clone()),
                (None, None) => anyhow::bail!("the server answered nothing"),
            }
        }
    }

    fn table(&self, told: &Diff) {
        if told.differences.is_empty() {
            say(summary(told));
            return;
        }
        let most = if self.kind == Which::Tenant { CHANGES } else { usize::MAX };
        let mut last = String::new();
        let mut cells = Vec::new();
        for difference in &told.differences {
            for row in rows(difference, most) {
                let mut row = row.drawn();
                // A table that is drawn says each thing once; whoever cuts columns out of a pipe needs it in each line.
                if let (true, Some(thing)) = (is_terminal(), row.first_mut()) {
                    match *thing == last {
                        true => thing.clear(),
                        false => last.clone_from(thing),
                    }
                }
                cells.push(row);
            }
        }
        self.from.output.table(&HEADING, &cells);
        if told.next.is_some() {
            let listed = if self.all { everything(&told.summary) } else { told.summary.differ() };
            let more = listed.saturating_sub(told.differences.len());
            say(format!(
                "… and {more} more: --count tells as many as it says, --format ndjson all"
            ));
        }
        say(format!("\n{}", summary(told)));
        self.hint(told);
    }

    /// How to see the cause: the commits themselves.
    fn hint(&self, told: &Diff) {
        let about = match (self.kind, told.differences.as_slice()) {
            (Which::Tenant, [only]) => {
                let askable = ["user", "group", "role"].contains(&only.thing.kind.as_str());
                let name = only.thing.name.as_deref().or(only.thing.id.as_deref());
                name.filter(|_| askable).map(|name| (only.thing.kind.as_str(), name))
            }
            (Which::Tenant, _) => None,
            (Which::User, _) => self.who.as_deref().map(|who| ("user", who)),
            (Which::Group, _) => self.who.as_deref().map(|who| ("group", who)),
            (Which::Role, _) => self.who.as_deref().map(|who| ("role", who)),
        };
        let about = about.map(|(kind, who)| format!(" --{kind} {}", quoted(who)));
        let about = about.unwrap_or_default();
        // What lies between two moments begins right after the earlier one.
        let (from, to) = (told.from.position.next(), told.to.position);
        say(format!(
            "who, from where and with which request: rollbook audit commits{about} --from {from} --to {to}"
        ));
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

const HEADING: [&str; 7] = ["THING", "CHANGE", "BEFORE", "AFTER", "BY", "TIME", "POSITION"];

/// A line of the answer.
struct Row {
    tone: Option<Tone>,
    cells: [String; 7],
}

impl Row {
    /// For programs: whole values, and words for signs, which a spreadsheet would take for a formula.
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells.to_vec();
        if let Some(change) = cells.get_mut(1) {
            for (sign, word) in [("+ ", "gained "), ("- ", "lost "), ("~ ", "changed ")] {
                if let Some(rest) = change.strip_prefix(sign) {
                    *change = format!("{word}{rest}");
                    break;
                }
            }
        }
        cells
    }

    /// For people: long values cut, the change in colour.
    fn drawn(&self) -> Vec<String> {
        let mut cells: Vec<String> = self.cells.iter().map(|cell| cut(cell)).collect();
        if let (Some(before), Some(change)) = (self.cells.get(1), cells.get_mut(1)) {
            let short = cut(&without_urn(before));
            *change = self.tone.map_or_else(|| short.clone(), |tone| toned(&short, tone));
        }
        cells
    }
}

/// A path into an extension by what follows its URN.
fn without_urn(change: &str) -> String {
    match change.split_once(" urn:") {
        Some((sign, path)) => {
            format!("{sign} …{}", path.get(path.rfind(':').unwrap_or_default()..).unwrap_or(path))
        }
        None => change.to_owned(),
    }
}

fn cut(text: &str) -> String {
    let text = text.replace(['\n', '\t'], " ");
    if text.chars().count() <= CHARS {
        return text;
    }
    text.chars().take(CHARS - 1).chain(['…']).collect()
}

/// What became of a thing, then each fact of it that changed: all, or to people `most` at most.
fn rows(difference: &Difference, most: usize) -> Vec<Row> {
    let thing = difference.thing.to_string();
    let (word, tone) = match difference.became {
        Became::Appeared => ("appeared", Tone::Good),
        Became::Disappeared => ("disappeared", Tone::Bad),
        Became::Erased => ("erased", Tone::Bad),
        Became::Changed => ("changed", Tone::Faint),
        Became::ChangedBack => ("changed back", Tone::Faint),
        Became::CameAndWent => ("came and went", Tone::Faint),
    };
    let briefs: BTreeMap<Position, &Brief> =
        difference.commits.iter().map(|commit| (commit.position, commit)).collect();
    // What a thing is made of that is new or gone would hide what else there is: to people, only what it has to do with
    // others is told of it.
    let is_whole = matches!(difference.became, Became::Appeared | Became::Disappeared);
    let changes: Vec<&Change> = difference
        .changes
        .iter()
        .filter(|change| {
            let own = matches!(change.what, What::Attribute | What::ExternalId);
            most == usize::MAX || !(is_whole && own)
        })
        .collect();
    let mut rows = Vec::new();
    let row = |tone, change: String, before, after, causes: Vec<&Brief>| {
        let (by, time, positions) = caused(&causes);
        Row { tone, cells: [thing.clone(), change, before, after, by, time, positions] }
    };
    if difference.became != Became::Changed {
        let word = match &difference.erased {
            Some(_) if difference.became != Became::Erased => format!("{word}, erased since"),
            _ => word.to_owned(),
        };
        let causes = match difference.became {
            Became::Disappeared => difference.commits.last().into_iter().collect(),
            Became::Appeared => difference.commits.first().into_iter().collect(),
            Became::Changed | Became::Erased | Became::ChangedBack | Became::CameAndWent => {
                difference.commits.iter().collect()
            }
        };
        rows.push(row(Some(tone), word, String::new(), String::new(), causes));
    }
    for change in changes.iter().take(most) {
        let Change { before, after, commits, .. } = change;
        let causes = commits.iter().filter_map(|position| briefs.get(position).copied());
        let tone = match (before, after) {
            (None, _) => Some(Tone::Good),
            (_, None) => Some(Tone::Bad),
            (Some(_), Some(_)) => None,
        };
        rows.push(row(
            tone,
            said(change),
            before.as_ref().map(cell).unwrap_or_default(),
            after.as_ref().map(cell).unwrap_or_default(),
            causes.collect(),
        ));
    }
    if let Some(more @ 1..) = changes.len().checked_sub(most) {
        let word = format!("… and {more} more changes");
        rows.push(row(Some(Tone::Faint), word, String::new(), String::new(), Vec::new()));
    }
    rows
}

/// A change in few words, as in `+ role Admin`.
fn said(change: &Change) -> String {
    let sign = match (&change.before, &change.after) {
        (None, _) => '+',
        (_, None) => '-',
        (Some(_), Some(_)) => '~',
    };
    let kind = match (change.what, &change.about) {
        (What::Attribute, _) => return format!("{sign} {}", change.path),
        (What::ExternalId, Some(connector)) => return format!("{sign} externalId of {connector}"),
        (What::ExternalId, None) => return format!("{sign} externalId of operators"),
        (What::Role, _) => "role",
        (What::Member, Some(about)) => return format!("{sign} member {}", about.clone()),
        (What::Member, None) => "member",
        (What::Group, _) => "in group",
        (What::Holder, _) => "holder",
    };
    format!("{sign} {kind} {}", change.path)
}

/// By whom and when last, and at which positions.
fn caused(commits: &[&Brief]) -> (String, String, String) {
    let Some(last) = commits.last() else { return Default::default() };
    let mut actors: Vec<String> = Vec::new();
    for commit in commits.iter().rev() {
        let actor = commit.actor.to_string();
        if !actors.contains(&actor) {
            actors.push(actor);
        }
    }
    let positions: Vec<String> = commits.iter().map(|one| one.position.to_string()).collect();
    (actors.join(", "), last.at.to_string(), positions.join(" "))
}

fn everything(summary: &Summary) -> usize {
    summary.differ() + summary.changed_back + summary.came_and_went
}

/// What there is, in a sentence.
fn summary(told: &Diff) -> String {
    let Diff { from, to, summary, .. } = told;
    let mut parts = Vec::new();
    for (many, word) in [
        (summary.appeared, "appeared"),
        (summary.disappeared, "disappeared"),
        (summary.changed, "changed"),
        (summary.erased, "erased"),
    ] {
        if many > 0 {
            parts.push(format!("{many} {word}"));
        }
    }
    if parts.is_empty() {
        parts.push("nothing differs".to_owned());
    }
    let commits = if summary.commits == 1 {
        "1 commit".to_owned()
    } else {
        format!("{} commits", summary.commits)
    };
    let mut text = format!(
        "{} between position {} ({}) and position {} ({}), in {commits}",
        parts.join(", "),
        from.position,
        from.at,
        to.position,
        to.at,
    );
    let mut same = Vec::new();
    if summary.changed_back > 0 {
        same.push(format!("{} changed and changed back", summary.changed_back));
    }
    if summary.came_and_went > 0 {
        same.push(format!("{} came and went", summary.came_and_went));
    }
    if !same.is_empty() {
        text.push_str(&format!("; {} (--all)", same.join(", ")));
    }
    text
}
