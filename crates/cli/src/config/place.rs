//! Where a value of `serve` comes from, for what is found wrong with it only when it is used.

use std::collections::BTreeMap;
use std::env::var_os;
use std::ffi::OsString;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::{File, each_argument, variable};

/// By argument of `serve`: the file with line and key, the variable, or the flag that it comes from.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, String>);

impl Places {
    /// Where what was `matched` comes from.
    pub(crate) fn of(command: &Command, matches: &ArgMatches, file: &File) -> Places {
        let Some(("serve", serve)) = matches.subcommand() else { return Places::default() };
        let place = |id: &clap::Id| {
            let source = serve.value_source(id.as_str())?;
            if source == ValueSource::CommandLine {
                Some(format!("--{}", flag(id)))
            } else if source == ValueSource::EnvVariable {
                Some(variable(command, id.as_str()))
            } else {
                // The file's values stand where those do that are usual.
                file.places.get(flag(id).as_str()).cloned()
            }
        };
        Places(serve.ids().filter_map(|id| Some((id.to_string(), place(id)?))).collect())
    }

    /// What was done with the value of an argument; where it failed, with the place that the value comes from. What is usual
    /// has none.
    ///
    /// # Errors
    /// Those of `done`.
    pub(crate) fn tell<T>(&self, argument: &str, done: anyhow::Result<T>) -> anyhow::Result<T> {
        match self.0.get(argument) {
            Some(place) => done.with_context(|| place.clone()),
            None => done,
        }
    }
}

fn flag(id: &clap::Id) -> String {
    id.as_str().replace('_', "-")
}

/// An error of the command line; where the value that it complains of was not `typed` but comes from the environment, it
/// names the variable instead of the flag.
pub(crate) fn naming_the_variable(
    mut error: clap::Error,
    command: &Command,
    typed: &[String],
) -> clap::Error {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    // As in `--listen <ADDR>`.
    let flag = named.split_whitespace().next().unwrap_or_default();
    let mut found = None;
    each_argument(command, &mut |argument| {
        if argument.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)) {
            found = found.take().or(argument.get_env().map(OsString::from));
        }
    });
    let is_typed = typed.iter().any(|word| word.split('=').next() == Some(flag));
    if let Some(variable) = found.filter(|variable| !is_typed && var_os(variable).is_some()) {
        let variable = variable.to_string_lossy().into_owned();
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}
