//! Breaks the code on purpose, one fault at a time, and sees whether the simulation notices.
//!
//! A checker that has never caught anything proves nothing. Each fault is put into a copy of the
//! work tree under `target/`; the work tree itself stays as it is. Words after the command choose the faults whose
//! laws have one of them.

mod faults;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use testkit::house;

use faults::{FAULTS, Fault};

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    match run(&mut out) {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            drop(writeln!(out, "\nnot noticed: {}", missed.join("; ")));
            ExitCode::FAILURE
        }
        Err(why) => {
            drop(writeln!(out, "{why}"));
            ExitCode::FAILURE
        }
    }
}

fn run(out: &mut impl Write) -> Result<Vec<&'static str>, String> {
    let root = house::root();
    let copy = root.join("target/sabotage");
    let mut missed = Vec::new();
    copy_tree(&root, &copy)?;
    simulate(&copy)?.ok_or("the simulation fails without any fault")?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |fault: &&Fault| {
        words.is_empty() || words.iter().any(|word| fault.law.contains(word.as_str()))
    };
    for fault in FAULTS.iter().filter(chosen) {
        let file = copy.join(fault.file);
        let sound = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        if sound.matches(fault.from).count() != 1 {
            return Err(format!("`{}` does not stand once in {}", fault.from, fault.file));
        }
        let broken = sound.replace(fault.from, fault.to);
        std::fs::write(&file, broken).map_err(|error| error.to_string())?;
        let noticed = simulate(&copy);
        std::fs::write(&file, sound).map_err(|error| error.to_string())?;
        let verdict = if noticed?.is_some() { "NOT NOTICED" } else { "caught" };
        if verdict != "caught" {
            missed.push(fault.law);
        }
        drop(writeln!(out, "{verdict:12} {}", fault.law));
    }
    Ok(missed)
}

/// Copies what git tracks, so that nothing else is broken by it.
fn copy_tree(root: &Path, copy: &Path) -> Result<(), String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git does not run: {error}"))?;
    for name in listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = PathBuf::from(String::from_utf8_lossy(name).into_owned());
        let (from, to) = (root.join(&name), copy.join(&name));
        if !from.is_file() || name.starts_with("replay-fixtures") {
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        std::fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}

/// Whether every law held; an error when the simulation could not be built.
fn simulate(copy: &Path) -> Result<Option<()>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = copy.join("../sabotage-target");
    let command = |verb: &str| {
        let mut command = Command::new(&cargo);
        command.args([verb, "-q", "-p", "testkit", "--bin", "simulate"]);
        command.current_dir(copy).env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings");
        command
    };
    let built = command("build").status().map_err(|error| error.to_string())?;
    if !built.success() {
        return Err("the broken code does not compile; mend the fault's text".to_owned());
    }
    let ran = command("run")
        .args(["--", "--seeds", "100"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| error.to_string())?;
    Ok(ran.success().then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each fault's place is there, once: the code moves on, and a fault that cannot be put in proves nothing.
    #[test]
    fn each_fault_has_its_place() {
        for fault in &FAULTS {
            let sound = std::fs::read_to_string(house::root().join(fault.file)).unwrap();
            let times = sound.matches(fault.from).count();
            assert_eq!(times, 1, "{}: `{}` in {}", fault.law, fault.from, fault.file);
            assert_ne!(fault.from, fault.to);
        }
    }
}
