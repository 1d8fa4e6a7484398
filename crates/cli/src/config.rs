//! `rollbook config`, and what the server is configured by: flags over the environment over the file over what is usual.

mod file;
mod key;
mod place;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Subcommand};
use serde::Serialize;

pub(crate) use file::File;
use key::KEYS;
pub(crate) use key::public_url;
pub(crate) use place::{Places, naming_the_variable};

use crate::output::Output;
use crate::terminal::{note, print};

/// See what a server would be configured by, check a file, or begin one.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook config example > rollbook.toml
  rollbook config show
  rollbook config show --config /etc/rollbook/rollbook.toml --json")]
pub(crate) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What `rollbook serve` would use here, and from where: the environment, the file, or what is usual
    Show {
        /// The configuration file; without it ./rollbook.toml, if it is there
        #[arg(long, env = "ROLLBOOK_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// A configuration file with every key and what it means
    Example,
}

impl Config {
    pub(crate) fn run(self, command: &Command) -> anyhow::Result<()> {
        match self.verb {
            Verb::Show { config, output } => show(command, config.as_deref(), output),
            Verb::Example => {
                print(example());
                Ok(())
            }
        }
    }
}

/// The file that `serve` is to be configured by, and the command line with it as what is meant where nothing is said.
///
/// # Errors
/// The file, the line and what was expected there.
pub(crate) fn with_file(command: Command, matches: &ArgMatches) -> anyhow::Result<(Command, File)> {
    let Some(("serve", serve)) = matches.subcommand() else {
        return Ok((command, File::default()));
    };
    let file = File::find(serve.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
    if let Some(path) = &file.path {
        note(format!("configured by {}", path.display()));
    }
    warn_of_unknown(&command);
    Ok((configured(command, &file), file))
}

/// The command line, with the file's values in place of what is usual.
fn configured(command: Command, file: &File) -> Command {
    command.mut_subcommand("serve", |serve| {
        file.values.iter().fold(serve, |serve, (name, values)| {
            serve.mut_arg(name.replace('-', "_"), |arg| arg.default_values(values.clone()))
        })
    })
}

/// A name in the environment that is nearly one of ours would be missed silently. What orchestrators make of a service that
/// is called rollbook is left out.
fn warn_of_unknown(command: &Command) {
    let mut known: Vec<OsString> = Vec::new();
    each_argument(command, &mut |argument| known.extend(argument.get_env().map(OsString::from)));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_ours =
            text.starts_with("ROLLBOOK_") && !text.contains("_PORT") && !text.contains("_SERVICE_");
        if is_ours && !known.contains(&name) {
            note(format!(
                "warning: {text} in the environment means nothing here; `rollbook config show` lists what does"
            ));
        }
    }
}

fn each_argument(command: &Command, f: &mut impl FnMut(&clap::Arg)) {
    command.get_arguments().for_each(&mut *f);
    command.get_subcommands().for_each(|sub| each_argument(sub, f));
}

/// One line of `config show`.
#[derive(Serialize)]
struct Told {
    key: &'static str,
    value: Vec<String>,
    from: String,
}

fn show(command: &Command, named: Option<&Path>, output: Output) -> anyhow::Result<()> {
    let file = File::find(named)?;
    let command = configured(command.clone(), &file);
    let matches = command.clone().try_get_matches_from(["rollbook", "serve"]);
    let matches = matches
        .map_err(|error| naming_the_variable(error, &command, &[]))
        .context("`rollbook serve` would not start here")?;
    let (_, serve) = matches.subcommand().context("`serve` is not there")?;
    let told: Vec<Told> = KEYS
        .iter()
        .map(|key| {
            let id = key.name.replace('-', "_");
            let raw = serve.get_raw(&id).into_iter().flatten();
            let value = raw.map(|value| value.to_string_lossy().into_owned()).collect();
            let from = match serve.value_source(&id) {
                Some(ValueSource::EnvVariable) => variable(&command, &id),
                Some(ValueSource::DefaultValue) if file.values.contains_key(key.name) => {
                    file.path.as_deref().unwrap_or(Path::new("")).display().to_string()
                }
                Some(_) => "usual".to_owned(),
                None => "not set".to_owned(),
            };
            Told { key: key.name, value, from }
        })
        .collect();
    output.list(&told, "nothing", &["KEY", "VALUE", "FROM"], |line| {
        vec![vec![line.key.to_owned(), line.value.join(", "), line.from.clone()]]
    })
}

/// The variable that an argument of `serve` is set by.
fn variable(command: &Command, id: &str) -> String {
    let serve = command.find_subcommand("serve");
    let argument = serve.and_then(|serve| serve.get_arguments().find(|a| a.get_id() == id));
    let name = argument.and_then(clap::Arg::get_env).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A configuration with every key, as text; those that are not set by themselves are there as remarks.
fn example() -> String {
    let mut text = "# rollbook.toml: what `rollbook serve` is configured by, in this folder or with --config FILE.\n\
         # A flag (--listen) and a variable (ROLLBOOK_LISTEN) of the same name go before what stands here.\n"
        .to_owned();
    for key in KEYS {
        let remark = if key.is_optional { "#" } else { "" };
        let lines =
            [format!("# {}", key.meaning), format!("{remark}{} = {}", key.name, key.example)];
        text.extend(["\n", &lines.join("\n"), "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Each key is a flag and a variable of `serve`, and the other way round but for secrets and the file itself.
    #[test]
    fn file_environment_and_flags_have_the_same_names() {
        let command = crate::Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let mut flags: Vec<String> = Vec::new();
        for argument in serve.get_arguments() {
            let name = argument.get_long().unwrap();
            let variable = format!("ROLLBOOK_{}", name.replace('-', "_").to_uppercase());
            assert_eq!(argument.get_env().unwrap(), variable.as_str());
            flags.push(name.to_owned());
        }
        let mut keys: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        keys.extend(key::SECRETS.iter().map(|(name, _)| (*name).to_owned()));
        keys.push("config".to_owned());
        flags.sort();
        keys.sort();
        assert_eq!(flags, keys);
    }

    #[test]
    fn the_example_is_a_configuration_with_every_key_and_the_readme_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollbook.toml");
        let set = |line: &str| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).map(str::to_owned)
        };
        let all: Vec<String> =
            example().lines().map(|line| set(line).unwrap_or_else(|| line.to_owned())).collect();
        std::fs::write(&path, all.join("\n")).unwrap();
        let file = File::find(Some(&path)).unwrap();
        assert_eq!(file.values.len(), KEYS.len());
        configured(crate::Cli::command(), &file)
            .try_get_matches_from(["rollbook", "serve"])
            .unwrap();
        let readme =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"));
        assert!(readme.unwrap().contains(&format!("```toml\n{}```\n", example())));
    }
}
