//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Measure durable creates of `rollbook serve` beside what this machine allows.
///
/// The real binary on a real disk and real sockets, in slices that alternate with the disk's own
/// fdatasync rate, bare axum answering the same bytes, and bare axum that appends and syncs first.
/// Everything runs on this machine, on loopback, in a folder that is removed afterwards.
#[derive(Parser)]
#[command(name = "benches", version, override_usage = "benches [OPTIONS]")]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  cargo run --release -p benches
  cargo run --release -p benches -- --quick
  cargo run --release -p benches -- --json > figures.json
  cargo run --release -p benches -- --connections 1,4,256 --rounds 9
  cargo run --release -p benches -- --data-dir /mnt/disk --users 100000")]
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
}

#[derive(Args)]
pub(crate) struct Options {
    /// How long one slice lasts [default: 1; with --quick: 0.25]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds_per_slice: Option<Duration>,
    /// How often each slice is taken [default: 5; with --quick: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// How many connections send creates at once, one figure for each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,16,64")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) connections: Vec<u32>,
    /// Users that are there before anything is measured [default: 10000; with --quick: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    users: Option<u32>,
    /// A folder on the disk to measure; a folder in it is made and removed [default: target/]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The rollbook to measure [default: the release build, built first if need be]
    #[arg(long, value_name = "FILE")]
    pub(crate) rollbook: Option<PathBuf>,
    /// Short slices, few rounds, few users: rough figures in less than 20 seconds
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    pub(crate) fn slice(&self) -> Duration {
        let usual = if self.quick { Duration::from_millis(250) } else { Duration::from_secs(1) };
        self.seconds_per_slice.unwrap_or(usual)
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    pub(crate) fn users(&self) -> u32 {
        self.users.unwrap_or(if self.quick { 1_000 } else { 10_000 })
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
        assert_eq!((quick.rounds(), quick.users()), (7, 1_000));
        assert_eq!(quick.slice(), Duration::from_millis(250));
        assert_eq!(options(&[]).connections, [1, 16, 64]);
        assert_eq!(options(&["--connections", "2,3"]).connections, [2, 3]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            ["--seconds-per-slice", "0"],
            ["--seconds-per-slice", "nan"],
            ["--seconds-per-slice", "soon"],
            ["--rounds", "0"],
            ["--users", "0"],
            ["--connections", "0"],
        ] {
            assert!(
                Cli::try_parse_from([&["benches"][..], &arguments].concat()).is_err(),
                "{arguments:?}"
            );
        }
    }
}
