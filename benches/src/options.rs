//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::rows::Row;

/// Measure `rollbook serve` beside what this machine allows: rows T1 to T16, each with its targets.
///
/// The real binary on a real disk and real sockets, with populations of users in it, in slices that
/// alternate with bare axum that answers the same bytes, with axum that appends and syncs before it
/// answers, and with the disk's own fdatasync rate. Everything runs on this machine, on loopback.
/// Populations are filled once, and kept in `target/bench/`. Each row is written to the results file
/// as it is done; a run that was cut off goes on where it was when the same command is given again.
#[derive(Parser)]
#[command(name = "benches", version, override_usage = "benches [OPTIONS]")]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  cargo build --release -p cli -p benches
  target/release/benches                                  all rows: 1,000, 100,000 and 1,000,000 users
  target/release/benches --quick                          rough figures: 1,000 and 10,000 users
  target/release/benches --rows T1,T4 --users 100000      these rows, measured anew
  target/release/benches --json > figures.json
  target/release/benches --data-dir /mnt/disk --again")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What this program is besides the one that measures.
#[derive(Subcommand)]
pub(crate) enum Role {
    /// The servers to compare with, in a process of their own so that their CPU can be told apart
    #[command(hide = true)]
    Bare {
        /// Where the answers to give are, and where to append
        folder: PathBuf,
    },
    /// Read a log back as plainly as can be
    #[command(hide = true)]
    Floor {
        /// The log; it is written first if it is not there
        path: PathBuf,
        /// Users in it
        users: u32,
        /// Commits in it
        commits: u32,
    },
    /// Count the instructions of the hot paths under valgrind, beside those that were recorded
    Gate {
        /// Record them
        #[arg(long)]
        record: bool,
    },
    /// Go through one of the hot paths
    #[command(hide = true)]
    Work {
        /// The log to work on
        commits: PathBuf,
        /// Which
        path: String,
    },
    /// Measure public SCIM servers at the same work, in the same run
    Peers {
        /// Where `.ci/bench-peers` has installed them
        installed: PathBuf,
        /// Users that each is given
        #[arg(long, default_value_t = 1_000, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u32).range(1_000..=100_000))]
        users: u32,
    },
    /// Ask a long history audit questions, and one of a tenth of its length
    History {
        /// Commits in the long one
        #[arg(default_value_t = 1_000_000)]
        commits: u64,
        /// A folder on the disk to measure; a folder in it is made and removed [default: target/]
        #[arg(long, value_name = "DIR")]
        within: Option<PathBuf>,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Fill a data folder with users, groups and commits
    #[command(hide = true)]
    Fill {
        /// The data folder to make
        folder: PathBuf,
        /// Users
        users: u32,
        /// Commits at the least
        commits: u32,
    },
}

#[derive(Args)]
pub(crate) struct Options {
    /// The populations [default: 1000,100000,1000000; with --quick: 1000,10000]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    users: Vec<u32>,
    /// Only these rows, measured anew [default: all that are not in the results file]
    #[arg(long, value_name = "T1,…", value_delimiter = ',', ignore_case = true)]
    pub(crate) rows: Vec<Row>,
    /// How long one slice lasts [default: 0.8; with --quick: 0.25]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds_per_slice: Option<Duration>,
    /// How often each slice is taken [default: 5; with --quick: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// A folder on the disk to measure; `bench/` in it keeps populations [default: target/]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The results file [default: results.jsonl, with --quick quick.jsonl, beside the populations]
    #[arg(long, value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,
    /// Measure rows anew that are in the results file
    #[arg(long)]
    pub(crate) again: bool,
    /// The rollbook to measure [default: the one that was built beside this program]
    #[arg(long, value_name = "FILE")]
    pub(crate) rollbook: Option<PathBuf>,
    /// Short slices, few rounds, few users: rough figures in a minute or two
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    pub(crate) fn slice(&self) -> Duration {
        let usual = Duration::from_millis(if self.quick { 250 } else { 800 });
        self.seconds_per_slice.unwrap_or(usual)
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    /// From the smallest population to the largest.
    pub(crate) fn users(&self) -> Vec<u32> {
        let mut users = match (self.users.as_slice(), self.quick) {
            ([], true) => vec![1_000, 10_000],
            ([], false) => vec![1_000, 100_000, 1_000_000],
            (named, _) => named.to_vec(),
        };
        users.sort_unstable();
        users.dedup();
        users
    }

    /// For how long a server is watched that has nothing to do.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(if self.quick { 3 } else { 20 })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.05..=60.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("a slice lasts between 0.05 and 60 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        Cli::try_parse_from([&["benches"], arguments].concat()).unwrap().options
    }

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn quick_is_a_default_and_no_more() {
        let quick = options(&["--quick", "--rounds", "7"]);
        assert_eq!((quick.rounds(), quick.users()), (7, vec![1_000, 10_000]));
        assert_eq!(quick.slice(), Duration::from_millis(250));
        assert_eq!(options(&[]).users(), [1_000, 100_000, 1_000_000]);
        assert_eq!(options(&["--users", "30000,2000,2000"]).users(), [2_000, 30_000]);
        assert_eq!(options(&["--rows", "t1,T16"]).rows, [Row::T1, Row::T16]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            ["--seconds-per-slice", "0"],
            ["--seconds-per-slice", "nan"],
            ["--seconds-per-slice", "soon"],
            ["--rounds", "0"],
            ["--users", "0"],
            ["--rows", "T0"],
        ] {
            assert!(
                Cli::try_parse_from([&["benches"][..], &arguments].concat()).is_err(),
                "{arguments:?}"
            );
        }
    }
}
