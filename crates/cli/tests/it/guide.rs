//! The pages of `docs/guide/` do what they say: every block of theirs is run with the real binary and compared with what it
//! prints.
//!
//! A page is run from its beginning to its end in a folder of its own, where `replay-fixtures` is what it is in the repository, and
//! `ROLLBOOK_KEYS_PASSPHRASE` is that of the fixtures. What happens beside the blocks is said in comments that a
//! reader does not see, each on a line of its own:
//!
//! - `<!-- fixture NAME -->`: replay `replay-fixtures/NAME` into `./data`;
//! - `<!-- certificate -->`: make `ca.pem`, `server.pem` and `server.key`, for this machine;
//! - `<!-- serve -->`: start a server on `./data`, with flags if some follow; from here on the verbs ask it, and the environment has
//!   the keys;
//! - `<!-- stop -->`: stop it as an init system does; `<!-- kill -->`: with SIGKILL.
//!
//! A ```` ```console ```` block holds commands, each after `$ ` (a line that ends in `\` goes on in the next), run by `sh`, and what
//! they print, errors included. A command must end with status 0 unless the page shows its status (`; echo $?`). An
//! ```` ```http ```` block holds a request (`GET /scim/acme/v2/Users?…`, a body on the lines after it if it has one), then a line
//! `→ 200`, then the body of the answer, indented as JSON is. `…` stands for anything within a line, and alone on a line for any
//! number of lines.
//!
//! The server's address is shown as `http://127.0.0.1:8080`, wherever it listens. Columns that are divided by tabs in a pipe are
//! shown below each other, as a terminal has them: how wide a gap is, is not compared.
//!
//! `UPDATE_GUIDE=1 cargo test -p cli --test it guide` writes what was printed into the blocks that do not match, and where they
//! have no `…`; `GUIDE=audit` runs the page `audit.md` alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::Value;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};
use crate::serving::certify;

const PASSPHRASE: &str = "fixtures hold invented people";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A part of a page.
#[derive(Debug, PartialEq)]
enum Part {
    Prose(String),
    Direction(String),
    Console(Vec<Step>),
    Http { request: Vec<String>, status: String, answer: Vec<String> },
}

/// A command and what it prints.
#[derive(Debug, PartialEq)]
struct Step {
    command: Vec<String>,
    output: Vec<String>,
}

fn parse(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let block = |lines: &mut std::str::Lines<'_>| -> Vec<String> {
            lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect()
        };
        if line == "```console" {
            parts.push(Part::Console(steps(block(&mut lines))));
        } else if line == "```http" {
            let mut request = block(&mut lines);
            let turn =
                request.iter().position(|line| line.starts_with("→ ")).expect("a line → 200");
            let answer = request.split_off(turn + 1);
            let status = request.pop().unwrap();
            parts.push(Part::Http { request, status, answer });
        } else if let Some(direction) =
            line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"))
        {
            parts.push(Part::Direction(direction.to_owned()));
        } else {
            parts.push(Part::Prose(line.to_owned()));
        }
    }
    parts
}

fn steps(block: Vec<String>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block {
        match steps.last_mut() {
            Some(step)
                if step.output.is_empty()
                    && step.command.last().is_some_and(|last| last.ends_with('\\')) =>
            {
                step.command.push(line);
            }
            _ if line.starts_with("$ ") => {
                steps.push(Step { command: vec![line[2..].to_owned()], output: Vec::new() });
            }
            Some(step) => step.output.push(line),
            None => panic!("a console block begins with a command, not with `{line}`"),
        }
    }
    steps
}

fn write(parts: &[Part]) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    for part in parts {
        match part {
            Part::Prose(text) => line(text),
            Part::Direction(direction) => line(&format!("<!-- {direction} -->")),
            Part::Console(steps) => {
                line("```console");
                for step in steps {
                    line(&format!("$ {}", step.command.join("\n")));
                    step.output.iter().for_each(|text| line(text));
                }
                line("```");
            }
            Part::Http { request, status, answer } => {
                line("```http");
                request.iter().chain([status]).chain(answer).for_each(|text| line(text));
                line("```");
            }
        }
    }
    page
}

/// A text with every gap between columns as one tab.
fn gaps(text: &str) -> String {
    let words = text.split('\t').flat_map(|part| part.split("  "));
    let words: Vec<&str> = words.map(str::trim).filter(|word| !word.is_empty()).collect();
    words.join("\t")
}

/// Lines with their columns below each other.
fn aligned(lines: Vec<String>) -> Vec<String> {
    let mut shown = Vec::new();
    for table in lines.chunk_by(|a, b| a.contains('\t') == b.contains('\t')) {
        let rows: Vec<Vec<&str>> = table.iter().map(|line| line.split('\t').collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            shown.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
    }
    shown
}

/// Whether a line is what a page shows of it, but for the widths of gaps.
fn fits(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (&gaps(shown), &gaps(printed));
    let mut parts = shown.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// Whether lines are what a page shows of them.
fn all_fit(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((dots, rest)) if dots.trim() == "…" => {
            (0..=printed.len()).any(|skip| all_fit(rest, &printed[skip..]))
        }
        Some((first, rest)) => match printed.split_first() {
            Some((line, after)) => fits(first, line) && all_fit(rest, after),
            None => false,
        },
    }
}

/// A page that is being run.
struct Run {
    folder: tempfile::TempDir,
    server: Option<Served>,
    failures: Vec<String>,
}

impl Run {
    fn direct(&mut self, direction: &str) {
        let data = self.folder.path().join("data");
        match direction.split_once(' ').unwrap_or((direction, "")) {
            ("fixture", name) => {
                let from = format!("replay-fixtures/{name}/log.rollbook");
                let from = self.folder.path().join(from);
                let (from, into) = (from.to_str().unwrap(), data.to_str().unwrap());
                let (status, _, err) = run(
                    &["replay", from, "--into", into],
                    &[("ROLLBOOK_KEYS_PASSPHRASE", PASSPHRASE)],
                );
                assert_eq!(status, 0, "{err}");
            }
            ("certificate", "") => certify(self.folder.path()),
            ("serve", flags) => {
                let flags: Vec<&str> = flags.split_whitespace().collect();
                self.server = Some(Served::start_with(&data, &flags));
            }
            ("stop", "") => self.server.take().expect("a server").stop(),
            ("kill", "") => drop(self.server.take().expect("a server")),
            // Any other comment is none of ours.
            _ => {}
        }
    }

    /// The lines of a text, with the address that a server has on everybody's machine.
    fn lines(&self, text: &str) -> Vec<String> {
        let text = match &self.server {
            Some(server) => {
                let (_, address) = server.url.split_once("://").expect("a URL");
                text.replace(address, "127.0.0.1:8080")
            }
            None => text.to_owned(),
        };
        aligned(text.lines().map(|line| line.trim_end().to_owned()).collect())
    }

    fn command(&mut self, step: &mut Step) {
        let binary = Path::new(env!("CARGO_BIN_EXE_rollbook")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        // The same environment as every other test's binary: nothing of the caller's.
        let clean = rollbook(&[]);
        for (name, _) in clean.get_envs().filter(|(_, value)| value.is_none()) {
            command.env_remove(name);
        }
        command.env("PATH", format!("{}:{path}", binary.display()));
        command.env("ROLLBOOK_KEYS_PASSPHRASE", PASSPHRASE);
        command.env("TZ", "UTC");
        if let Some(server) = &self.server {
            command.env("ROLLBOOK_URL", &server.url);
            command.env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY).env("ROLLBOOK_SCIM_KEY", SCIM_KEY);
        }
        let text = step.command.join("\n");
        let output = command
            .current_dir(self.folder.path())
            .arg("-c")
            .arg(format!("exec 2>&1\n{text}"))
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let printed = self.lines(&printed);
        if !output.status.success() {
            self.failures.push(format!("$ {text}\nended with {}: {printed:#?}", output.status));
        }
        if !all_fit(&step.output, &printed) {
            self.failures.push(format!(
                "$ {text}\nshows:\n{}\nprints:\n{}",
                step.output.join("\n"),
                printed.join("\n")
            ));
            step.output = printed;
        } else if !step.output.iter().any(|line| line.contains('…')) {
            step.output = printed;
        }
    }

    async fn http(&mut self, request: &[String], status: &mut String, answer: &mut Vec<String>) {
        let server = self.server.as_ref().expect("<!-- serve --> comes before a request");
        let (first, body) = request.split_first().expect("a request");
        let (method, address) = first.split_once(' ').expect("a method and an address");
        let key = if address.starts_with("/scim/") { SCIM_KEY } else { OPERATOR_KEY };
        let method: Method = method.parse().unwrap();
        let mut sent = reqwest::Client::new()
            .request(method, format!("{}{address}", server.url))
            .bearer_auth(key);
        if !body.is_empty() {
            sent = sent.header("Content-Type", "application/json").body(body.join("\n"));
        }
        let got = sent.send().await.unwrap();
        let got_status = format!("→ {}", got.status().as_u16());
        let text = got.text().await.unwrap();
        let text = match serde_json::from_str::<Value>(&text) {
            Ok(mut json) => {
                // The order of members is a matter of which crates are built together.
                json.sort_all_objects();
                format!("{json:#}")
            }
            Err(_) => text,
        };
        let printed = self.lines(&text);
        if *status != got_status || !all_fit(answer, &printed) {
            self.failures.push(format!(
                "{first}\nshows {status}:\n{}\nanswers {got_status}:\n{}",
                answer.join("\n"),
                printed.join("\n")
            ));
            (*status, *answer) = (got_status, printed);
        }
    }
}

/// Seen to catch: a word left out of an output, a digit of a hash, a command that fails.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_guide_does_what_it_says() {
    let folder = root().join("docs/guide");
    let mut pages: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(!pages.is_empty());
    let only = std::env::var("GUIDE").ok();
    let updates = std::env::var_os("UPDATE_GUIDE").is_some();
    let mut failures = Vec::new();
    for path in pages {
        if only.as_deref().is_some_and(|only| path.file_stem() != Some(only.as_ref())) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut parts = parse(&text);
        assert_eq!(write(&parts), text, "{} is not written back as it was", path.display());
        let folder = tempfile::tempdir().unwrap();
        let fixtures = root().canonicalize().unwrap().join("replay-fixtures");
        std::os::unix::fs::symlink(fixtures, folder.path().join("replay-fixtures")).unwrap();
        let mut run = Run { folder, server: None, failures: Vec::new() };
        for part in &mut parts {
            match part {
                Part::Prose(_) => {}
                Part::Direction(direction) => run.direct(direction),
                Part::Console(steps) => steps.iter_mut().for_each(|step| run.command(step)),
                Part::Http { request, status, answer } => {
                    run.http(request, status, answer).await;
                }
            }
        }
        if updates {
            fs::write(&path, write(&parts)).unwrap();
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        failures.extend(run.failures.into_iter().map(|failure| format!("{name}: {failure}")));
    }
    assert!(failures.is_empty() || updates, "{}", failures.join("\n\n"));
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    for (shown, printed, expected) in [
        ("a b", "a b", true),
        ("a b", "a bc", false),
        ("a …", "a bc", true),
        ("… c", "a bc", false),
        ("a…c…e", "abcde", true),
        ("a…c…e", "abde", false),
        ("a…a", "a", false),
        ("", "a", false),
        ("a   b", "a\tb", true),
        ("a b", "a\tb", false),
    ] {
        assert_eq!(fits(shown, printed), expected, "{shown} {printed}");
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(all_fit(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(!all_fit(&lines("a\n…\nd"), &lines("a\nb\nc")));
    assert!(!all_fit(&lines("a"), &lines("a\nb")));
}
