//! The binary `rollbook`: serve, ask, export, replay, verify.
//!
//! Exit status: see the end of `rollbook --help`.

mod access;
mod audit;
mod backup;
mod census;
mod compare;
mod config;
mod connector;
mod credential;
mod demo;
mod diff;
mod erase;
mod explain;
mod export;
mod feed;
mod files;
mod fixture;
mod from;
mod group;
mod heads;
mod instance;
mod local;
mod manage;
mod operator;
mod output;
mod policy;
mod problems;
mod rekey;
mod remote;
mod repair;
mod replay;
mod rule;
mod schema;
mod serve;
mod show;
mod spans;
mod tenant;
mod terminal;
mod user;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// SCIM 2.0 provisioning that never forgets: every request is an event, and the past answers.
#[derive(Parser)]
#[command(name = "rollbook", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  rollbook serve --data ./data --tenant acme
  rollbook audit roles jane@acme.com --data ./data
  rollbook show user jane@acme.com --at 2026-03-01
  rollbook diff --from 2026-03-01
  rollbook export --data ./data --out acme.rollbook
  rollbook replay acme.rollbook --into ./fresh

Every verb has examples of its own: rollbook audit --help

Exit status: 0 when it worked, and where yes or no was asked, when the answer is yes; 1 when it did not
work, when there is no such thing, or when the answer is no or that they differ; 2 when the command line
makes no sense.")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Tenant(tenant::Tenant),
    Operator(operator::Operator),
    Role(manage::Role),
    Rule(rule::Rule),
    Policy(policy::Policy),
    Connector(connector::Connector),
    Credential(credential::Credential),
    Schema(schema::Schema),
    User(user::User),
    Group(group::Group),
    Show(show::Show),
    Diff(diff::Differ),
    Audit(audit::Audit),
    Explain(explain::Explain),
    Access(access::Access),
    Problems(problems::Problems),
    Feed(feed::Feed),
    Erase(erase::Erase),
    Export(export::Export),
    Backup(backup::Backup),
    Rekey(rekey::Rekey),
    Repair(repair::Repair),
    Replay(replay::Replay),
    Compare(compare::Compare),
    Verify(verify::Verify),
    Demo(demo::Demo),
    Config(config::Config),
    #[command(hide = true)]
    Fixture(fixture::Fixture),
}

fn main() -> ExitCode {
    let command = Cli::command();
    let typed: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let matches = command
        .clone()
        .try_get_matches()
        .unwrap_or_else(|error| config::naming_the_variable(error, &command, &typed).exit());
    // The file's values are what is usual for `serve`: it is known only once the command line says where the file is.
    let (configured, file) = match config::with_file(command, &matches) {
        Ok(configured) => configured,
        Err(error) => {
            terminal::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let matches = configured.clone().get_matches();
    let places = config::Places::of(&configured, &matches, &file);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::complain(&anyhow::Error::new(error).context("no threads to run on"));
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.verb {
            Verb::Serve(serve) => serve.run(&places).await,
            Verb::Tenant(tenant) => tenant.run().await,
            Verb::Operator(operator) => operator.run().await,
            Verb::Role(role) => role.run().await,
            Verb::Rule(rule) => rule.run().await,
            Verb::Policy(policy) => policy.run().await,
            Verb::Connector(connector) => connector.run().await,
            Verb::Schema(schema) => schema.run().await,
            Verb::Credential(credential) => credential.run().await,
            Verb::Group(group) => group.run().await,
            Verb::User(user) => user.run().await,
            Verb::Show(show) => show.run().await,
            Verb::Diff(diff) => diff.run().await,
            Verb::Audit(audit) => audit.run().await,
            Verb::Explain(explain) => explain.run().await,
            Verb::Access(access) => access.run().await,
            Verb::Problems(problems) => problems.run().await,
            Verb::Feed(feed) => feed.run().await,
            Verb::Erase(erase) => erase.run().await,
            Verb::Export(export) => export.run().await,
            Verb::Backup(backup) => backup.run().await,
            Verb::Rekey(rekey) => rekey.run(),
            Verb::Repair(repair) => repair.run(),
            Verb::Replay(replay) => replay.run().await,
            Verb::Compare(compare) => compare.run().await,
            Verb::Verify(verify) => verify.run(),
            Verb::Demo(demo) => demo.run().await,
            Verb::Config(config) => config.run(&configured),
            Verb::Fixture(fixture) => fixture.run().await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The answer was printed, and it is no.
        Err(error) if error.is::<terminal::No>() => ExitCode::FAILURE,
        Err(error) => {
            terminal::complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Every verb is in the README's table; where the table lists what a verb has below it, the list is whole.
    ///
    /// Seen to catch a list without `user list`.
    #[test]
    fn the_readme_has_every_verb() {
        let readme = include_str!("../../../README.md");
        let cells = readme
            .lines()
            .filter_map(|line| line.strip_prefix("| `rollbook ")?.split(" | ").next());
        // By verb: what the table says may follow it, and whether that is a list.
        let mut told: BTreeMap<&str, (BTreeSet<&str>, bool)> = BTreeMap::new();
        for typed in cells.flat_map(|cell| cell.split('`')) {
            let mut words = typed.trim_start_matches("rollbook ").split_whitespace();
            let (Some(verb), below) = (words.next(), words.next()) else { continue };
            let (all, is_list) = told.entry(verb).or_default();
            all.extend(below.into_iter().flat_map(|below| below.split("\\|")));
            *is_list |= below.is_some_and(|below| below.contains('|'));
        }
        let command = Cli::command();
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let Some((all, is_list)) = told.get(verb.get_name()) else {
                panic!("`{}` is not in the table", verb.get_name());
            };
            let below: BTreeSet<&str> =
                verb.get_subcommands().map(clap::Command::get_name).collect();
            assert!(!is_list || *all == below, "{}: {all:?} is not {below:?}", verb.get_name());
        }
    }
}
