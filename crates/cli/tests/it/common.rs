//! The real binary, as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The API key's secret that these tests choose.
pub(crate) const SCIM_KEY: &str = "acme:binary-test-scim-secret";
/// The operator key that these tests choose.
pub(crate) const OPERATOR_KEY: &str = "binary-test-operator-key";

/// A running `rollbook serve`; it is killed when dropped.
pub(crate) struct Served {
    /// The process.
    pub(crate) child: Child,
    /// Its URL.
    pub(crate) url: String,
}

/// The binary with these arguments, and none of the caller's environment that it would heed.
pub(crate) fn rollbook(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollbook"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROLLBOOK_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// What the binary prints and how it ends.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = rollbook(arguments);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

impl Served {
    /// Starts a server on a data folder and waits until it says where it listens.
    pub(crate) fn start(data: &Path) -> Served {
        Served::start_with(data, &[])
    }

    /// The same at this address.
    pub(crate) fn start_at(data: &Path, address: &str) -> Served {
        Served::start_with(data, &["--listen", address])
    }

    /// The same with these flags; files are looked for beside the data.
    pub(crate) fn start_with(data: &Path, flags: &[&str]) -> Served {
        let mut command = rollbook(&["serve", "--tenant", "acme"]);
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(flags).arg("--data").arg(data).current_dir(data.parent().unwrap());
        command.env("ROLLBOOK_SCIM_KEY", SCIM_KEY).env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
        Served::spawn(command, data)
    }

    /// Starts `command`, which serves, and waits until it says where it listens.
    pub(crate) fn spawn(mut command: Command, data: &Path) -> Served {
        // A level that a test types goes before it.
        command.env("ROLLBOOK_LOG", "debug");
        // Its log lies beside the data, where the search for personal values finds it.
        let log =
            File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the server ended at once").unwrap();
        let url = first.strip_prefix("rollbook serves ").expect("a URL").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Served { child, url }
    }

    /// Asks it to end, as an init system does, and waits until it has.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "it did not end well");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
