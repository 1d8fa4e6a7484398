//! Breaks the code on purpose, one fault at a time, and sees whether the simulation notices.
//!
//! A checker that has never caught anything proves nothing. Each fault is put into a copy of the
//! work tree under `target/`; the work tree itself stays as it is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use testkit::house;

/// One fault: what it breaks, and how it gets into the code.
struct Fault {
    law: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const FAULTS: [Fault; 14] = [
    Fault {
        law: "no read sees what is not durable: publish before append",
        file: "crates/engine/src/writer.rs",
        from: "        log = match log.append(&turn.sealed) {",
        to: "        { let mut world = (**shared.world.load()).clone(); for (tenant, snapshot) in turn.tips.clone() { world.set(tenant, snapshot); } shared.world.store(Arc::new(world)); }\n        log = match log.append(&turn.sealed) {",
    },
    Fault {
        law: "no answer leaves before the append: answer first",
        file: "crates/engine/src/writer.rs",
        from: "        answers.push((reply, answer));",
        to: "        drop(reply.send(answer.clone())); answers.push((oneshot::channel().0, answer));",
    },
    Fault {
        law: "no two users share a name key: no check on rename",
        file: "crates/domain/src/decide/user.rs",
        from: "        free_name(directory, &wanted.user_name, Some(user.id))?;",
        to: "",
    },
    Fault {
        law: "every index says what its map says: forget the old name on rename",
        file: "crates/domain/src/directory/users.rs",
        from: "        self.by_name.remove(&old);",
        to: "",
    },
    Fault {
        law: "every reference leads somewhere: memberships outlive their user",
        file: "crates/domain/src/decide/user.rs",
        from: "    for group in directory.groups.of(member) {",
        to: "    for group in directory.groups.of(member).take(0) {",
    },
    Fault {
        law: "who has a role through a rule is in its group: only direct members follow",
        file: "crates/domain/src/decide/rule.rs",
        from: "        next.extend(parents(group).into_iter().filter(|parent| seen.insert(*parent)));",
        to: "        drop(parents(group));",
    },
    Fault {
        law: "every acknowledged commit is in the log: decide on the published world, not the tip",
        file: "crates/engine/src/writer.rs",
        from: "match self.tips.get(&tenant) {",
        to: "match None::<&Arc<Snapshot>> {",
    },
    Fault {
        law: "what one tenant does is invisible to others: decide on another tenant's tip",
        file: "crates/engine/src/writer.rs",
        from: "match self.tips.get(&tenant) {",
        to: "match self.tips.values().next() {",
    },
    Fault {
        law: "time never decreases: use the clock as it comes",
        file: "crates/engine/src/writer.rs",
        from: "(shared.clock)().max(tip.head.time)",
        to: "(shared.clock)()",
    },
    Fault {
        law: "checkpoint + rest = the whole: the trail's times are not in it",
        file: "crates/domain/src/trail.rs",
        from: "    times: Vector<Timestamp>,",
        to: "    #[serde(skip)]\n    times: Vector<Timestamp>,",
    },
    Fault {
        law: "the live world equals a cold replay: a deactivation is decided but not applied cold",
        file: "crates/engine/src/writer.rs",
        from: "        next.advance(&commit, sealed.hash)?;",
        to: "        let mut told = commit.clone(); told.events.pop(); next.advance(&told, sealed.hash)?;",
    },
    Fault {
        law: "who is erased cannot be read: the key is not dropped",
        file: "crates/eventlog/src/turn.rs",
        from: "        for user in dropped_keys {",
        to: "        for user in dropped_keys.iter().take(0) {",
    },
    Fault {
        law: "the erasure of one is invisible to others: the keys of the whole tenant are dropped",
        file: "crates/eventlog/src/turn.rs",
        from: "            records.insert((*tenant, *user), keys::tombstone());",
        to: "            records.insert((*tenant, *user), keys::tombstone()); for (other, _) in reader.store().keys(*tenant)? { records.insert((*tenant, other), keys::tombstone()); }",
    },
    Fault {
        law: "who is erased has no name: former names are kept",
        file: "crates/domain/src/directory/users.rs",
        from: "        for name in self.former_of.remove(&id).into_iter().flatten() {",
        to: "        for name in self.former_of.get(&id).cloned().into_iter().flatten().take(0) {",
    },
];

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
    for fault in &FAULTS {
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
