//! What a server is configured by: flags over the environment over the file over what is usual.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{OPERATOR_KEY, Served, rollbook, run};

/// The binary in a folder, so that `rollbook.toml` there is found.
fn within(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = rollbook(arguments);
    command.current_dir(folder);
    command
}

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Seen to fail with the file's values put over the environment's.
#[test]
fn a_flag_goes_before_the_environment_that_before_the_file_and_that_before_what_is_usual() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text =
        "data = \"of-the-file\"\nlisten = \"127.0.0.1:0\"\ntenant = \"file\"\nlog = \"warn\"\n";
    fs::write(folder.join("rollbook.toml"), text).unwrap();
    let (status, out, err) = output(
        within(folder, &["config", "show"])
            .env("ROLLBOOK_TENANT", "env")
            .env("ROLLBOOK_LOG", "debug"),
    );
    assert_eq!(status, 0, "{err}");
    for line in [
        "data\tof-the-file\trollbook.toml",
        "listen\t127.0.0.1:0\trollbook.toml",
        "tenant\tenv\tROLLBOOK_TENANT",
        "log\tdebug\tROLLBOOK_LOG",
        "preset\tokta\tusual",
        "public-url\t\tnot set",
    ] {
        assert!(out.lines().any(|told| told == line), "{line} is not in\n{out}");
    }

    // And the server does as it says: the flag's folder, the variable's tenant, the file's address.
    let mut command = within(folder, &["serve", "--data", "of-the-flag"]);
    command.env("ROLLBOOK_TENANT", "env").env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
    let server = Served::spawn(command, &folder.join("of-the-flag"));
    assert!(!server.url.ends_with(":8080"), "{}", server.url);
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let (_, out, err) = run(&["tenant", "list"], &remote);
    assert!(out.contains("env") && !out.contains("file"), "{out}{err}");
    server.stop();
    assert!(folder.join("of-the-flag").is_dir() && !folder.join("of-the-file").exists());
}

#[test]
fn a_wrong_key_or_value_stops_the_start_with_file_line_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, expected) in [
        (
            "data = \"d\"\nlisten = \"8080\"\n",
            "wrong.toml:2:10: `listen`: expected an address and a port, as in \"127.0.0.1:8080\"",
        ),
        (
            "data = \"d\"\n\nlistn = \"127.0.0.1:1\"\n",
            "wrong.toml:3:1: there is no key `listn`: expected one of `data`, ",
        ),
        (
            "operator-key = \"rbo_x\"\n",
            "a secret does not stand in this file; use ROLLBOOK_OPERATOR_KEY",
        ),
    ] {
        fs::write(folder.join("wrong.toml"), text).unwrap();
        for verb in [
            &["serve", "--config", "wrong.toml"][..],
            &["config", "show", "--config", "wrong.toml"],
        ] {
            let (status, out, err) = output(&mut within(folder, verb));
            assert!(status == 1 && out.is_empty() && err.contains(expected), "{verb:?} {err}");
        }
        assert!(!folder.join("d").exists(), "nothing is made");
    }
    let (status, _, err) = output(&mut within(folder, &["serve", "--config", "nowhere.toml"]));
    assert!(status == 1 && err.contains("nowhere.toml cannot be read"), "{err}");
}

/// Seen to catch a variable that is answered with the name of the flag.
#[test]
fn a_wrong_variable_is_named_and_a_wrong_flag_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, flag, value) in [
        ("ROLLBOOK_LISTEN", "--listen", "8080"),
        ("ROLLBOOK_PUBLIC_URL", "--public-url", "id.example.com"),
        ("ROLLBOOK_TRUSTED_PROXY", "--trusted-proxy", "proxy"),
        ("ROLLBOOK_PRESET", "--preset", "oktta"),
    ] {
        let invalid = format!("invalid value '{value}' for '");
        for (verb, ends) in [(&["serve"][..], 2), (&["config", "show"], 1)] {
            let (status, _, err) = output(within(folder, verb).env(name, value));
            assert!(status == ends && err.contains(&format!("{invalid}{name}'")), "{err}");
        }
        let typed = format!("{flag}={value}");
        for arguments in [&["serve", flag, value][..], &["serve", &typed]] {
            let (status, _, err) = output(within(folder, arguments).env(name, value));
            assert!(status == 2 && err.contains(&format!("{invalid}{flag} <")), "{err}");
        }
    }
}

/// What has the right form and cannot be used is found out late, and told with its place all the same.
///
/// Seen to fail where each error is told as it comes.
#[test]
fn a_value_that_cannot_be_used_is_told_with_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("file"), "no key").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (key, value, failed) in [
        ("listen", taken.as_str(), format!("{taken} cannot be listened on: ")),
        ("master-key-file", "nowhere", "the master key in nowhere cannot be used: ".to_owned()),
        ("master-key-file", "file", "the master key in file cannot be used: ".to_owned()),
        ("data", "file/inside", "file/inside cannot be created: ".to_owned()),
    ] {
        let variable = format!("ROLLBOOK_{}", key.replace('-', "_").to_uppercase());
        let flag = format!("--{key}");
        let says = |command: &mut Command, place: &str| {
            let (status, _, err) = output(command);
            let expected = format!("error: {place}: {failed}");
            assert!(status == 1 && err.contains(&expected), "{err} has no {expected}");
        };
        says(&mut within(folder, &["serve", &flag, value]), &flag);
        says(within(folder, &["serve"]).env(&variable, value), &variable);
        let text = format!("log = \"info\"\n{key} = \"{value}\"\n");
        fs::write(folder.join("late.toml"), text).unwrap();
        let place = format!("late.toml:2:{}: `{key}`", key.len() + 4);
        says(&mut within(folder, &["serve", "--config", "late.toml"]), &place);
    }
    let mut command = within(folder, &["serve", "--listen", "127.0.0.1:0"]);
    let (status, _, err) = output(command.env("ROLLBOOK_OPERATOR_KEY", "short"));
    assert!(status == 1 && err.contains("error: ROLLBOOK_OPERATOR_KEY: the chosen key"), "{err}");
    // What is usual comes from nowhere.
    fs::remove_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("data"), "").unwrap();
    let (status, _, err) = output(&mut within(folder, &["serve"]));
    assert!(status == 1 && err.contains("error: ./data cannot be created: "), "{err}");
}

/// A variable that means nothing is nearly always one that was meant; those that an orchestrator makes are not.
#[test]
fn a_variable_that_means_nothing_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rollbook.toml"), "listen = \"127.0.0.1:0\"").unwrap();
    let mut command = within(folder.path(), &["serve", "--public-url", "ftp://x"]);
    let (_, _, err) =
        output(command.env("ROLLBOOK_LISTN", "127.0.0.1:1").env("ROLLBOOK_PORT_80_TCP", "x"));
    assert!(err.contains("http or https") && !err.contains("ROLLBOOK_LISTN"), "{err}");
    let mut command = within(folder.path(), &["serve", "--master-key-file", "nowhere"]);
    let (status, _, err) =
        output(command.env("ROLLBOOK_LISTN", "127.0.0.1:1").env("ROLLBOOK_PORT_80_TCP", "x"));
    assert!(status == 1 && err.contains("warning: ROLLBOOK_LISTN in the environment"), "{err}");
    assert!(err.contains("configured by rollbook.toml") && !err.contains("_TCP"), "{err}");
}
