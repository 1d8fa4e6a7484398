//! How fast rollbook makes users durable, beside what the machine allows in the same seconds.
//!
//! A figure without its ceiling says more about the machine than about the server. So the real
//! binary is measured in short slices that alternate with three others: the disk alone, bare axum
//! that answers the same bytes, and bare axum that makes what it was sent durable first. What is
//! worth keeping are the ratios.

mod options;

mod run;

mod bare;
mod rollbook;
mod server;

mod disk;
mod http;
mod load;
mod okta;

mod lane;
mod machine;
mod proc;
mod report;
mod stats;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::options::{Cli, Options, Role};

/// rollbook's own, so that the bare servers are not slower for their allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell reports of a program that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let Cli { options, role } = Cli::parse();
    let done = match role {
        Some(Role::Bare { folder }) => bare::serve(&folder).map(|()| ExitCode::SUCCESS),
        None => measure(&options),
    };
    done.unwrap_or_else(|error| {
        terminal::complain(&error);
        ExitCode::FAILURE
    })
}

/// One thread drives it all: the load must not take the cores that the server is to use.
fn measure(options: &Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let [mut interrupt, mut terminate, mut hangup] = signals()?;
        let report = tokio::select! {
            report = run::run(options) => Some(report?),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            _ = hangup.recv() => None,
        };
        // Whichever came first, the servers have ended and the folder is gone by now: `run` owned
        // them.
        let Some(report) = report else {
            terminal::note("interrupted: the servers are stopped and the folder is removed");
            return Ok(ExitCode::from(INTERRUPTED));
        };
        terminal::say(if options.json { report.to_json()? } else { report.to_text() });
        Ok(ExitCode::SUCCESS)
    })
}

fn signals() -> std::io::Result<[Signal; 3]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ])
}
