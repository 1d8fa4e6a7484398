//! How fast rollbook is, beside what the machine allows in the same seconds.
//!
//! A figure without its ceiling says more about the machine than about the server. So the real
//! binary is measured in short slices that alternate with others: the disk alone, bare axum that
//! answers the same bytes, and bare axum that makes what it was sent durable first. What is worth
//! keeping are the ratios, and CPU told in bare GETs.

mod options;

mod peers;
mod run;

mod bench;
mod gate;
mod rows;

mod bare;
mod rollbook;
mod server;

mod disk;
mod floor;
mod history;
mod http;
mod load;
mod okta;
mod work;

mod fill;
mod people;
mod population;

mod figure;
mod lane;
mod machine;
mod proc;
mod report;
mod results;
mod stats;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::options::{Cli, Options, Role};
use crate::population::Shape;

/// rollbook's own, so that the bare servers are not slower for their allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell reports of a program that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let Cli { options, role } = Cli::parse();
    act(role, &options).unwrap_or_else(|error| {
        terminal::complain(&error);
        ExitCode::FAILURE
    })
}

fn act(role: Option<Role>, options: &Options) -> anyhow::Result<ExitCode> {
    match role {
        Some(Role::Bare { folder }) => bare::serve(&folder)?,
        Some(Role::Fill { folder, users, commits }) => {
            population::fill(&folder, Shape { users, commits })?;
        }
        Some(Role::Floor { path, users, commits }) => {
            let took = floor::replay(&path, Shape { users, commits })?;
            terminal::say(serde_json::to_string(&took)?);
        }
        Some(Role::History { commits, within, json }) => {
            history::history(&within.map_or_else(rollbook::target, Ok)?, commits, json)?;
        }
        Some(Role::Gate { record }) => {
            return Ok(if gate::gate(record)? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Some(Role::Work { commits, path }) => gate::work(&commits, &path)?,
        Some(Role::Peers { installed, users }) => {
            return drive(peers::peers(options, &installed, users));
        }
        None => return drive(run::run(options)),
    }
    Ok(ExitCode::SUCCESS)
}

/// One thread drives it all: the load must not take the cores that the server is to use.
fn drive(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let [mut interrupt, mut terminate, mut hangup] = signals()?;
        let done = tokio::select! {
            done = work => Some(done?),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            _ = hangup.recv() => None,
        };
        // Whichever came first, the servers have ended and the copies are gone by now: the work owned
        // them.
        Ok(match done {
            Some(()) => ExitCode::SUCCESS,
            None => {
                terminal::note("interrupted: what was done is kept, the same command goes on");
                ExitCode::from(INTERRUPTED)
            }
        })
    })
}

fn signals() -> std::io::Result<[Signal; 3]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ])
}
