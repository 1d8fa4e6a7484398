//! `rollbook show` and `rollbook diff` with the real binary, on a data folder and on a server, which say the same.

use std::path::{Path, PathBuf};

use crate::common::{OPERATOR_KEY, Served, run};
use serde_json::Value;

const PASSPHRASE: (&str, &str) = ("ROLLBOOK_KEYS_PASSPHRASE", "fixtures hold invented people");
const VIOLA: &str = "viola.lanzetta@acme.com";

/// The recorded month, as a data folder.
fn month(folder: &Path) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay-fixtures");
    let archive = fixtures.join("okta-first-month/log.rollbook");
    let data = folder.join("data");
    let (from, into) = (archive.to_str().unwrap(), data.to_str().unwrap());
    let (status, _, err) = run(&["replay", from, "--into", into], &[PASSPHRASE]);
    assert_eq!(status, 0, "{err}");
    data
}

fn ask(arguments: &str, more: &[&str]) -> Vec<String> {
    let words = arguments.split(' ').map(|word| word.replace('~', " "));
    words.chain(more.iter().map(|word| (*word).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_its_server_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = month(folder.path());
    let questions = [
        "show user viola.lanzetta@acme.com --at 613",
        "show user VIOLA.lanzetta@acme.com --at 613 --format csv",
        "show group Office~Sydney --at 726 --count 3",
        "show group All~Staff --at 700 --json",
        "show role Business~User --at 726 --format ndjson",
        "show tenant acme --at 600 --json",
        "diff --from 600 --to 726 --count 5",
        "diff --from 100 --to 726 --format ndjson --all",
        "diff --from 100 --to 726 --format csv --count 1100",
        "diff --from 600 --to 726 user viola.lanzetta@acme.com --all",
        "diff --from 2026-03-10 --to 2026-03-20 role Admin --json",
    ];
    let asked = |question: &str, more: &[&str], environment: &[(&str, &str)]| {
        let words = ask(question, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (status, out, err) = run(&words, environment);
        assert_eq!(status, 0, "{question}: {err}");
        out
    };
    let more = ["--data", data.to_str().unwrap()];
    let local: Vec<String> = questions.iter().map(|question| asked(question, &more, &[])).collect();
    let server = Served::start(&data);
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    for (question, local) in questions.iter().zip(&local) {
        assert_eq!(&asked(question, &[], &remote), local, "{question}");
        assert!(local.len() > 100, "{question}: {local}");
    }
    let (status, _, err) = run(&["show", "user", VIOLA, "--at", "6"], &remote);
    assert!(status == 1 && err.contains("there was no user `viola.lanzetta@acme.com`"), "{err}");
}

#[test]
fn what_is_shown_and_what_changed_are_in_the_month() {
    let folder = tempfile::tempdir().unwrap();
    let data = month(folder.path());
    let ask = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--data", data.to_str().unwrap()]);
        run(&arguments, &[])
    };
    let json = |arguments: &[&str]| -> Value {
        let (status, out, err) = ask(arguments);
        assert_eq!(status, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    // She was made an administrator at position 613 and was none any more at 614.
    for (at, roles) in [("612", 0), ("613", 1), ("614", 0)] {
        let shown = json(&["show", "user", VIOLA, "--at", at, "--json"]);
        assert_eq!(shown["roles"].as_array().unwrap().len(), roles, "at {at}");
        assert_eq!(shown["head"]["position"].to_string(), at);
    }
    let (status, out, _) = ask(&["diff", "--from", "612", "--to", "613"]);
    assert_eq!(status, 0);
    let line = format!(
        "user {VIOLA}\t+ role Admin\t\tconnector okta\tconnector okta\t2026-03-15T02:03:44.000Z\t613"
    );
    assert!(out.contains(&line) && out.contains("1 changed between position 612"), "{out}");
    let hint = format!("rollbook audit commits --user {VIOLA} --from 613 --to 613\n");
    assert!(out.ends_with(&hint), "{out}");
    let (status, out, _) = ask(&["diff", "--from", "612", "--to", "614", "user", VIOLA]);
    assert!(
        status == 0
            && out.contains("nothing differs")
            && out.contains("1 changed and changed back"),
        "{out}"
    );
    let (_, out, _) = ask(&["diff", "--from", "612", "--to", "613", "--format", "csv"]);
    assert!(out.contains(&format!("user {VIOLA},gained role Admin,,connector okta,")), "{out}");

    // A table says what it leaves out; who asks for all of a group is told all of it.
    let (_, out, err) = ask(&["show", "group", "All Staff", "--at", "726", "--count", "4"]);
    assert_eq!(
        out.lines().filter(|line| line.ends_with("user\tconnector okta")).count(),
        4,
        "{out}"
    );
    let whole = json(&["show", "group", "All Staff", "--at", "726", "--json"]);
    let many = whole["members"].as_array().unwrap().len();
    assert!(many > 100 && whole["memberCount"] == many, "{many}");
    assert!(err.contains(&format!("… and {} more", many - 4)), "{err}");
    let (_, out, _) = ask(&["diff", "--from", "600", "--count", "2"]);
    assert!(out.contains("more: --count tells"), "{out}");

    // What it says to ask next can be asked so.
    let (_, out, _) = ask(&["diff", "--from", "539", "--to", "540", "group", "Office Sydney"]);
    let hint = "rollbook audit commits --group 'Office Sydney' --from 540 --to 540\n";
    assert!(out.ends_with(hint), "{out}");
    let (_, out, _) = ask(&["diff", "--from", "600", "--to", "613"]);
    assert!(out.ends_with("rollbook audit commits --from 601 --to 613\n"), "{out}");

    // The exit status says whether anything differs only to who asks for that.
    assert_eq!(ask(&["diff", "--from", "612", "--to", "613", "--exit-code"]).0, 1);
    assert_eq!(ask(&["diff", "--from", "612", "--to", "614", "--exit-code", "user", VIOLA]).0, 0);
    for (arguments, status, words) in [
        (&["diff", "--from", "613", "--to", "600"][..], 1, "the wrong way round"),
        (&["diff", "--from", "600", "user", "nobody"], 1, "there was no user `nobody`"),
        (&["diff", "--from", "9999"], 1, "not reached"),
        (&["diff", "--from", "soon"], 2, "soon"),
        (&["diff"], 2, "--from"),
        (&["diff", "--from", "600", "user"], 2, "<WHO>"),
        (&["show", "user"], 2, "<WHO>"),
        (&["show", "user", "nobody"], 1, "there was no user `nobody`"),
        (&["show", "group", "Office Sydney", "--at", "5"], 1, "there was no group"),
    ] {
        let (found, out, err) = ask(arguments);
        assert!(found == status && out.is_empty() && err.contains(words), "{arguments:?}: {err}");
    }
}
