//! Runs the simulation for many seeds, or one again.

use std::io::Write;
use std::process::ExitCode;

use testkit::simulate::{self, Tally};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let seeds = match number("--seed") {
        Some(seed) => seed..seed + 1,
        None => 0..number("--seeds").unwrap_or(2_000),
    };
    let mut total = Tally::default();
    let mut out = std::io::stdout();
    for seed in seeds.clone() {
        match simulate::run(seed, 60) {
            Ok(tally) => total += tally,
            Err(law) => {
                drop(writeln!(out, "seed {seed}: {law}"));
                return ExitCode::FAILURE;
            }
        }
    }
    drop(writeln!(out, "{} seeds: every law held; {total:?}", seeds.count()));
    ExitCode::SUCCESS
}
