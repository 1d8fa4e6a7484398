//! Prints which statement of SCIM 2.0 is proved by which test; fails if one is not.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitCode};

use testkit::conformance::{self, Outcome, Results, Table};
use testkit::house;

const USAGE: &str = "\
usage: conformance [--from FILE] [--json] [--write]
  --from FILE  take the results from what `cargo test --workspace --no-fail-fast 2>&1` wrote, instead of running it
  --json       print JSON
  --write      write docs/conformance.md and run nothing";

/// What the command line asks for.
#[derive(Default)]
struct Asked {
    from: Option<String>,
    is_json: bool,
    is_write: bool,
}

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    match run(&mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            drop(writeln!(std::io::stderr(), "{why}"));
            ExitCode::FAILURE
        }
    }
}

fn run(out: &mut (impl Write + IsTerminal)) -> Result<bool, String> {
    let asked = asked(std::env::args().skip(1))?;
    let statements = conformance::statements()?;
    let found = conformance::tests(&statements)?;
    if asked.is_write {
        let path = conformance::document_path();
        let text = conformance::document(&statements, &found);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(true);
    }
    let output = match &asked.from {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?,
        None => cargo_test()?,
    };
    let results = Results::parse(&output);
    let mut table = Table::join(&statements, &found, &results);
    let kept = std::fs::read_to_string(conformance::document_path()).unwrap_or_default();
    if kept != conformance::document(&statements, &found) {
        let stale = "docs/conformance.md is not what the tests say: run `make conformance-docs`";
        table.problems.push(stale.to_owned());
    }
    let text = if asked.is_json {
        format!("{:#}\n", table.json())
    } else {
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        format!("{}{} tests failed in all\n", table.text(colours), results.count(Outcome::Failed))
    };
    out.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(table.holds())
}

fn asked(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--from" => asked.from = Some(arguments.next().ok_or(USAGE)?),
            "--json" => asked.is_json = true,
            "--write" => asked.is_write = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(asked)
}

/// Runs every test of the workspace. Both streams go into one pipe, because one names the programs
/// and the other their tests; each program is told of as it begins.
fn cargo_test() -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let fault = |error: std::io::Error| format!("cargo test does not run: {error}");
    let (reader, writer) = std::io::pipe().map_err(fault)?;
    let mut command = Command::new(cargo);
    command.args(["test", "--workspace", "--no-fail-fast"]).current_dir(house::root());
    command.stdout(writer.try_clone().map_err(fault)?).stderr(writer);
    let mut child = command.spawn().map_err(fault)?;
    // The command holds the pipe's writing ends: while it lives the pipe does not end.
    drop(command);
    let mut output = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(fault)?;
        let line = String::from_utf8_lossy(&line);
        if line.trim_start().starts_with("Running ") || line.starts_with("error") {
            drop(writeln!(std::io::stderr(), "{line}"));
        }
        output.push_str(&line);
        output.push('\n');
    }
    child.wait().map_err(fault)?;
    if output.contains("could not compile") {
        return Err(format!("{output}\nthe tests do not compile"));
    }
    Ok(output)
}
