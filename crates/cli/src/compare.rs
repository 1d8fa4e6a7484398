//! `rollbook compare`: whether two instances are one, and if not, where they part and in what.

mod facts;
mod side;

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use domain::commit::Commit;
use domain::position::{Hash, Position};

use crate::replay::Opening;
use crate::terminal::{plain, say};

use facts::Difference;
pub(crate) use facts::differences;
use side::{Log, Side};

/// Compare two instances: data folders that no server has open, archives, or running servers, in any
/// mixture.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook compare ./data ./copy
  rollbook compare acme.rollbook http://127.0.0.1:8080 --identity-file age-key.txt
  rollbook compare http://127.0.0.1:8080 ./warm
  rollbook compare ./data ./staging --tenant acme=acme-staging --ignore tenant,keys,persons

Two logs with the same head hash are the same, commit by commit; two directories with the same hash
say the same of everybody. Exit status 0 when all is the same, 1 when anything differs.")]
pub(crate) struct Compare {
    /// A data folder, an archive, or a server's URL
    first: String,
    /// Another one
    second: String,
    /// Only this tenant; with two names, what the first calls it and what the second does
    #[arg(long, value_name = "SLUG[=SLUG]")]
    tenant: Option<String>,
    /// Leave out what a copy under another name has of its own, and compare logs by what they tell
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    ignore: Vec<Ignore>,
    /// How many differences of a tenant to list at most
    #[arg(long, default_value_t = 20)]
    count: usize,
    #[command(flatten)]
    opening: Opening,
    /// The operator key of the first server
    #[arg(long, env = "ROLLBOOK_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    operator_key: Option<String>,
    /// The operator key of the second server, if it is another
    #[arg(long, env = "ROLLBOOK_OTHER_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    other_operator_key: Option<String>,
    /// The master key of the second data folder; its own master.key when not given
    #[arg(long, value_name = "FILE")]
    other_master_key_file: Option<PathBuf>,
}

/// A log's name, and the log in each of the two that has it.
type Pair = (String, Option<Log>, Option<Log>);

/// What is left out of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Ignore {
    /// The tenant's id and slug
    Tenant,
    /// The hashes of credentials
    Keys,
    /// The values of persons: names, attributes, the wording of their roles
    Persons,
    /// The names and attributes of groups
    Groups,
}

impl Ignore {
    /// In words.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Ignore::Tenant => "its name",
            Ignore::Keys => "its keys",
            Ignore::Persons => "the values of persons",
            Ignore::Groups => "the names of groups",
        }
    }
}

impl Compare {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let other_key = self.other_operator_key.as_ref().or(self.operator_key.as_ref());
        let other_master = self.other_master_key_file.as_deref();
        let first =
            Side::open(&self.first, &self.opening, self.operator_key.as_ref(), None).await?;
        let second = Side::open(&self.second, &self.opening, other_key, other_master).await?;
        let pairs = self.pairs(&first, &second)?;
        let mut differ = Vec::new();
        for (name, a, b) in pairs {
            say(format!("\n{name}"));
            let same = match (a, b) {
                (Some(a), Some(b)) => self.log((&first, &a), (&second, &b)).await?,
                (Some(_), None) => {
                    say(format!("  only in {}", self.first));
                    false
                }
                (None, Some(_)) => {
                    say(format!("  only in {}", self.second));
                    false
                }
                (None, None) => true,
            };
            if !same {
                differ.push(name);
            }
        }
        if differ.is_empty() {
            return Ok(());
        }
        bail!("{} and {} differ in {}", self.first, self.second, differ.join(", "))
    }

    /// The logs that are compared with each other, by name.
    fn pairs(&self, first: &Side, second: &Side) -> anyhow::Result<Vec<Pair>> {
        if let Some(tenant) = &self.tenant {
            let (ours, theirs) = tenant.split_once('=').unwrap_or((tenant, tenant));
            let (a, b) = (first.named(ours), second.named(theirs));
            ensure!(a.is_some(), "there is no tenant `{ours}` in {}", self.first);
            ensure!(b.is_some(), "there is no tenant `{theirs}` in {}", self.second);
            return Ok(vec![(tenant.clone(), a, b)]);
        }
        let mut names: Vec<String> = first.logs().map(|log| log.name.clone()).collect();
        let others = second.logs().filter(|log| first.named(&log.name).is_none());
        names.extend(others.map(|log| log.name.clone()));
        let pair = |name: String| {
            let (a, b) = (first.named(&name), second.named(&name));
            (name, a, b)
        };
        Ok(names.into_iter().map(pair).collect())
    }

    /// Compares one log with its counterpart, and says what differs.
    async fn log(&self, a: (&Side, &Log), b: (&Side, &Log)) -> anyhow::Result<bool> {
        let has_keys = !self.opening.is_without_keys();
        let same_log = a.1.hash == b.1.hash && a.1.position == b.1.position;
        if self.ignore.is_empty() && same_log && (!has_keys || a.1.directory == b.1.directory) {
            say(format!("  the same: position {}, head {}", a.1.last(), a.1.hash));
            match &a.1.directory {
                Some(directory) if has_keys => say(format!("  directory {directory}")),
                Some(_) | None => {
                    say("  the directories were not compared: nobody's keys are there")
                }
            }
            return Ok(true);
        }
        if self.ignore.is_empty() {
            for (side, log) in [a, b] {
                let directory = log.directory.map_or("unknown".to_owned(), |hash| hash.to_string());
                let (position, hash) = (log.last(), log.hash);
                say(format!(
                    "  {}\n    position {position}\n    head {hash}\n    directory {directory}",
                    side.label()
                ));
            }
        }
        let parted = self.part(a, b).await?;
        match parted {
            Some(position) => self.show_parting(a, b, position).await?,
            None => say(format!(
                "  the logs are the same up to position {}",
                a.1.last().min(b.1.last())
            )),
        }
        if !has_keys {
            return Ok(false);
        }
        let (ours, theirs) = (a.0.directory(a.1).await?, b.0.directory(b.1).await?);
        let found = differences(&ours, &theirs, &self.ignore)?;
        self.show(a.0, b.0, &found);
        Ok(parted.is_none() && a.1.position == b.1.position && found.is_empty())
    }

    /// The first position at which the logs have different commits: every commit has the hash of the
    /// one before in it, so where hashes are the same all before is. With something left out, hashes
    /// say nothing, and commits are compared by what they tell, one by one.
    async fn part(&self, a: (&Side, &Log), b: (&Side, &Log)) -> anyhow::Result<Option<u64>> {
        let last = a.1.last().min(b.1.last());
        let longer = a.1.last().max(b.1.last());
        if !self.ignore.is_empty() {
            let ours = a.0.outlines(a.1, &self.ignore).await?;
            let theirs = b.0.outlines(b.1, &self.ignore).await?;
            let place = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
            return Ok(match place {
                Some(place) => Some(place as u64 + 1),
                None => (longer > last).then_some(last + 1),
            });
        }
        let (mut same, mut other) = (0, last + 1);
        while same + 1 < other {
            let middle = same + (other - same) / 2;
            if self.hash(a, middle).await? == self.hash(b, middle).await? {
                same = middle;
            } else {
                other = middle;
            }
        }
        Ok((other <= longer).then_some(other))
    }

    async fn hash(&self, (side, log): (&Side, &Log), place: u64) -> anyhow::Result<Option<Hash>> {
        let Some(position) = Position::new(place) else { return Ok(None) };
        Ok(side.commit(log, position).await?.map(|(hash, _)| hash))
    }

    async fn show_parting(
        &self,
        a: (&Side, &Log),
        b: (&Side, &Log),
        place: u64,
    ) -> anyhow::Result<()> {
        say(format!("  the logs part at position {place}"));
        let Some(position) = Position::new(place) else { return Ok(()) };
        for (side, log) in [a, b] {
            let told = match side.commit(log, position).await? {
                Some((hash, commit)) => told(hash, &commit),
                None => format!("nothing: the log ends at position {}", log.last()),
            };
            say(format!("    {}: {told}", side.label()));
        }
        Ok(())
    }

    fn show(&self, a: &Side, b: &Side, found: &[Difference]) {
        if found.is_empty() {
            let but = if self.ignore.is_empty() { "" } else { ", but for what was left out" };
            say(format!("  the directories are the same{but}"));
            return;
        }
        say(format!("  the directories differ in {}:", found.len()));
        for difference in found.iter().take(self.count) {
            say(format!("    {}", plain(&difference.told(a.label(), b.label()))));
        }
        if found.len() > self.count {
            say(format!("    … and {} more; --count shows them", found.len() - self.count));
        }
    }
}

/// A commit in a line.
fn told(hash: Hash, commit: &Commit) -> String {
    let kinds: Vec<&str> = commit.events.iter().map(|event| event.kind().name()).take(8).collect();
    format!("{}  {}  request {}  hash {hash}", commit.at, kinds.join(", "), commit.origin.request)
}
