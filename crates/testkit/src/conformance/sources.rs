//! The tests that carry numbers, found in the workspace's sources.

use std::collections::BTreeMap;
use std::path::Path;

use super::statements::{Statements, is_number};
use crate::house;

/// A test that carries at least one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The crate that it is in.
    pub krate: String,
    /// The program that it is compiled into: a crate's own tests, or a file that cargo names.
    pub program: String,
    /// Its name, with the modules that it is in.
    pub path: String,
    /// The numbers that it carries.
    pub numbers: Vec<String>,
}

impl Test {
    /// Whether it asks the running binary.
    #[must_use]
    pub fn runs_the_binary(&self) -> bool {
        self.krate == "cli" && self.program.starts_with("tests/")
    }
}

/// What was found in the sources.
#[derive(Debug, Default)]
pub struct Found {
    /// The tests that carry numbers.
    pub tests: Vec<Test>,
    /// What is wrong with their numbers.
    pub problems: Vec<String>,
}

impl Found {
    /// Looks through all crates.
    pub(super) fn in_workspace(root: &Path, statements: &Statements) -> Result<Found, String> {
        let mut found = Found::default();
        let folder = root.join("crates");
        let listed =
            std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut crates: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
        crates.sort();
        for krate in crates.iter().filter(|krate| krate.is_dir()) {
            let name = krate.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let has_lib = krate.join("src/lib.rs").is_file();
            for file in
                house::files(&krate.join("src")).iter().chain(&house::files(&krate.join("tests")))
            {
                let text = std::fs::read_to_string(file)
                    .map_err(|e| format!("{}: {e}", file.display()))?;
                let inside = file.strip_prefix(krate).unwrap_or(file);
                let inside = inside.to_string_lossy().replace('\\', "/");
                found.read(&name, &inside, has_lib, &text, statements);
            }
        }
        found.check_names();
        Ok(found)
    }

    /// Reads one file of a crate, `inside` being its path in it.
    pub fn read(
        &mut self,
        krate: &str,
        inside: &str,
        has_lib: bool,
        text: &str,
        statements: &Statements,
    ) {
        let (program, module) = place(krate, inside, has_lib);
        let mut modules: Vec<(usize, &str)> = Vec::new();
        let mut comment: Vec<&str> = Vec::new();
        let mut is_test = false;
        for line in text.lines() {
            let code = line.trim();
            let indent = line.len() - line.trim_start().len();
            if let Some(words) = code.strip_prefix("///") {
                comment.push(words.trim());
            } else if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some(name) = opened_module(code) {
                modules.push((indent, name));
                (comment, is_test) = (Vec::new(), false);
            } else if let Some(name) = function(code) {
                if is_test {
                    let names = module.iter().map(String::as_str);
                    let names = names.chain(modules.iter().map(|(_, name)| *name)).chain([name]);
                    let path = names.collect::<Vec<_>>().join("::");
                    self.take(krate, &program, path, name, &comment, statements);
                } else {
                    self.refuse_stray(krate, inside, name, &comment, statements);
                }
                (comment, is_test) = (Vec::new(), false);
            } else if code == "}" || code.is_empty() || code.ends_with(';') {
                if code == "}" && modules.last().is_some_and(|(at, _)| *at == indent) {
                    modules.pop();
                }
                (comment, is_test) = (Vec::new(), false);
            }
        }
    }

    fn take(
        &mut self,
        krate: &str,
        program: &str,
        path: String,
        name: &str,
        comment: &[&str],
        statements: &Statements,
    ) {
        let mut numbers = Vec::new();
        match statements.number_of(name) {
            Ok(first) => numbers.extend(first.map(str::to_owned)),
            Err(why) => self.problems.push(format!("{krate} {path}: {why}")),
        }
        for number in also(comment) {
            if statements.has(&number) {
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            } else {
                self.problems.push(format!("{krate} {path}: `{number}` is not in the list"));
            }
        }
        if !numbers.is_empty() {
            let (krate, program) = (krate.to_owned(), program.to_owned());
            self.tests.push(Test { krate, program, path, numbers });
        }
    }

    /// A function that is no test proves nothing, so it must not look as if it did.
    fn refuse_stray(
        &mut self,
        krate: &str,
        inside: &str,
        name: &str,
        comment: &[&str],
        statements: &Statements,
    ) {
        let by_name = !matches!(statements.number_of(name), Ok(None));
        if by_name || !also(comment).is_empty() {
            self.problems
                .push(format!("{krate} {inside}: `{name}` carries a number but is no test"));
        }
    }

    /// Two tests of one name in programs that cargo names alike cannot be told apart in a run.
    fn check_names(&mut self) {
        let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for test in &self.tests {
            if let Some(other) = seen.insert((&test.program, &test.path), &test.krate) {
                self.problems.push(format!(
                    "`{}` is in {other} and in {}: rename one",
                    test.path, test.krate
                ));
            }
        }
    }
}

/// The program that a file's tests are in, and the modules that the file stands for.
fn place(krate: &str, inside: &str, has_lib: bool) -> (String, Vec<String>) {
    let parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    let modules = |parts: &[&str]| {
        let parts = parts.iter().filter(|part| !matches!(**part, "mod" | "main" | "lib"));
        parts.map(|part| (*part).to_owned()).collect()
    };
    match parts.as_slice() {
        ["src", "bin", _] => (inside.to_owned(), Vec::new()),
        ["src", rest @ ..] if has_lib => (format!("lib {krate}"), modules(rest)),
        ["src", rest @ ..] => ("src/main.rs".to_owned(), modules(rest)),
        ["tests", name] => (format!("tests/{name}.rs"), Vec::new()),
        ["tests", name, rest @ ..] => (format!("tests/{name}/main.rs"), modules(rest)),
        _ => (inside.to_owned(), Vec::new()),
    }
}

fn opened_module(code: &str) -> Option<&str> {
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let code = code.strip_prefix("pub(crate) ").unwrap_or(code);
    code.strip_prefix("mod ")?.strip_suffix(" {")
}

fn function(code: &str) -> Option<&str> {
    let mut code = code;
    for word in ["pub ", "pub(crate) ", "pub(super) ", "const ", "async "] {
        code = code.strip_prefix(word).unwrap_or(code);
    }
    let rest = code.strip_prefix("fn ")?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The numbers in the lines of a doc comment that begin with `Also `, and in those that carry on a
/// list which ended in a comma. Numbers of other lists, such as `T-07`, are left out.
fn also(comment: &[&str]) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut goes_on = false;
    for line in comment {
        let list = line.strip_prefix("Also ").or(goes_on.then_some(*line));
        let Some(list) = list else { continue };
        goes_on = list.ends_with(',');
        for word in list.split([',', ' ', ';', ':', '(', ')']) {
            let word = word.trim_end_matches('.').trim_matches('`');
            if is_number(word) {
                numbers.push(word.to_owned());
            }
        }
    }
    numbers
}
