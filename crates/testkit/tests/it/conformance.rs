//! The tool that joins statements with tests: each way in which a statement can go unproved is seen.

use testkit::conformance::{Found, Results, Statements, Table, Verdict};

const LIST: &str = "\
# a remark
## 1. Things
R-7644-3.5.2-04 MUST one bad operation undoes all
R-7644-3.4.2-03 SHOULD unknown parameters are ignored
R-7644-3.4.2.2-03 MUST* the longest URN
L-01 MUST `op` in any case
## 2. More
R-6585-4-01 MUST* rates are limited
    not met: the proxy does that
";

/// A source file of `scim`; the bar keeps the tool from reading these samples as tests.
const SOURCE: &str = "
|#[test]
|fn r_7644_3_5_2_04_one_bad_one_undoes_all() {
|}
|mod tests {
|    proptest! {
|        /// What it shows.
|        /// Also R-7644-3.4.2-03,
|        /// R-7644-3.4.2.2-03 and T-07.
|        #[test]
|        fn l_01_any_case(text in \"x\") {}
|    }
|}
|/// Also about something else.
|#[tokio::test(flavor = \"multi_thread\")]
|async fn anything() {
|}
";

const OUTPUT: &str = "
     Running unittests src/lib.rs (target/debug/deps/scim-0a1b2c)

running 3 tests
test r_7644_3_5_2_04_one_bad_one_undoes_all ... ok
test tests::l_01_any_case ... ok
test anything ... ok
";

fn found(source: &str) -> Found {
    let mut found = Found::default();
    let source = source.replace("\n|", "\n");
    found.read("scim", "src/lib.rs", true, &source, &Statements::parse(LIST).unwrap());
    found
}

/// What the tool says of these three.
fn verdicts(list: &str, source: &str, output: &str) -> (Vec<(String, Verdict)>, Vec<String>, bool) {
    let statements = Statements::parse(list).unwrap();
    let found = found(source);
    let results = Results::parse(output);
    let table = Table::join(&statements, &found, &results);
    let rows = table.sections.iter().flat_map(|(_, rows)| rows);
    let verdicts = rows.map(|row| (row.statement.id.clone(), row.verdict)).collect();
    assert_eq!(table.json()["holds"], table.holds());
    (verdicts, table.problems.clone(), table.holds())
}

#[test]
fn every_statement_proved_or_excused_holds() {
    let (verdicts, problems, holds) = verdicts(LIST, SOURCE, OUTPUT);
    assert_eq!(problems, Vec::<String>::new());
    assert!(holds);
    let expected = [
        ("R-7644-3.5.2-04", Verdict::Pass),
        ("R-7644-3.4.2-03", Verdict::Pass),
        ("R-7644-3.4.2.2-03", Verdict::Pass),
        ("L-01", Verdict::Pass),
        ("R-6585-4-01", Verdict::NotMet),
    ];
    assert_eq!(verdicts, expected.map(|(id, verdict)| (id.to_owned(), verdict)));
}

#[test]
fn a_statement_without_a_test_is_seen() {
    let list = LIST.replace("    not met: the proxy does that\n", "");
    let (all, problems, holds) = verdicts(&list, SOURCE, OUTPUT);
    assert_eq!(all[4].1, Verdict::NoTest);
    assert!(problems.is_empty() && !holds);
}

/// A row of what the two products do holds on the running binary, or not at all.
#[test]
fn a_row_of_a_product_is_proved_by_the_binary_alone() {
    let statements = Statements::parse("## 1. Rows\nC-07 MUST roles as text\n").unwrap();
    let of = |krate: &str, file: &str, output: &str| {
        let mut found = Found::default();
        let source = "#[test]\nfn c_07_roles() {\n}\n";
        found.read(krate, file, krate != "cli", source, &statements);
        let output = format!("     Running {output}-0a1b2c)\ntest c_07_roles ... ok\n");
        let results = Results::parse(&output);
        let table = Table::join(&statements, &found, &results);
        assert!(table.problems.is_empty(), "{:?}", table.problems);
        table.holds()
    };
    assert!(of("cli", "tests/it/main.rs", "tests/it/main.rs (target/debug/deps/it"));
    assert!(!of("scim", "src/lib.rs", "unittests src/lib.rs (target/debug/deps/scim"));
}

#[test]
fn a_failing_test_is_seen_even_beside_one_that_passes() {
    let output = OUTPUT.replace("any_case ... ok", "any_case ... \u{1b}[31mFAILED\u{1b}[0m");
    let (all, _, holds) = verdicts(LIST, SOURCE, &output);
    let failed: Vec<_> = all.iter().filter(|(_, verdict)| *verdict == Verdict::Fail).collect();
    assert_eq!((failed.len(), holds), (3, false));
    let second = "|#[test]\n|fn l_01_again() {\n|}\n";
    let output = format!("{output}test l_01_again ... ok\n");
    let (all, _, holds) = verdicts(LIST, &format!("{SOURCE}{second}"), &output);
    assert_eq!((all[3].1, holds), (Verdict::Fail, false));
}

#[test]
fn a_test_that_is_skipped_or_does_not_run_proves_nothing() {
    let skipped = OUTPUT.replace("any_case ... ok", "any_case ... ignored, some day");
    let (all, _, holds) = verdicts(LIST, SOURCE, &skipped);
    assert_eq!((all[3].1, holds), (Verdict::NoTest, false));
    let absent = OUTPUT.replace("test tests::l_01_any_case ... ok\n", "");
    let (all, problems, holds) = verdicts(LIST, SOURCE, &absent);
    assert_eq!((all[3].1, holds), (Verdict::NoTest, false));
    assert_eq!(problems, ["scim tests::l_01_any_case: it did not run"]);
    // Nor does a test of the same name in another program.
    let (all, ..) = verdicts(LIST, SOURCE, &OUTPUT.replace("deps/scim-", "deps/domain-"));
    assert_eq!(all[3].1, Verdict::NoTest);
}

#[test]
fn an_unknown_number_is_seen_in_a_name_and_in_a_list() {
    let source = SOURCE.replace("fn r_7644_3_5_2_04_", "fn r_7644_3_5_2_99_");
    let (_, problems, holds) = verdicts(LIST, &source, OUTPUT);
    assert!(problems[0].contains("begins with a number that is not in the list"), "{problems:?}");
    assert!(!holds);
    let (_, problems, _) = verdicts(LIST, &SOURCE.replace("R-7644-3.4.2-03", "L-98"), OUTPUT);
    assert_eq!(problems, ["scim tests::l_01_any_case: `L-98` is not in the list"]);
    for name in ["l_77", "i_05_x", "a_9865_2_x", "c_role_9", "r_6585_x", "c_07_x", "p_12"] {
        let source = format!("{SOURCE}|#[test]\n|fn {name}() {{\n|}}\n");
        assert!(!verdicts(LIST, &source, OUTPUT).2, "{name}");
    }
    // Numbers of other lists are no concern of this one.
    let source =
        format!("{SOURCE}|#[test]\n|fn c_7_roles() {{\n|}}\n|#[test]\n|fn t_12() {{\n|}}\n");
    assert!(verdicts(LIST, &source, OUTPUT).2);
}

#[test]
fn a_reason_beside_a_test_is_seen() {
    let source = SOURCE.replace("T-07", "R-6585-4-01");
    let (_, problems, holds) = verdicts(LIST, &source, OUTPUT);
    assert!(problems[0].starts_with("R-6585-4-01: it has a reason"), "{problems:?}");
    assert!(!holds);
}

#[test]
fn a_number_on_what_is_no_test_is_seen() {
    let source = SOURCE.replace("|#[test]\n|fn r_7644", "|fn r_7644");
    let (_, problems, _) = verdicts(LIST, &source, OUTPUT);
    assert!(problems[0].ends_with("carries a number but is no test"), "{problems:?}");
}

#[test]
fn the_longest_number_counts() {
    let statements = Statements::parse(LIST).unwrap();
    let check = |name: &str, id: Option<&str>| {
        assert_eq!(statements.number_of(name).unwrap(), id, "{name}");
    };
    check("r_7644_3_4_2_2_03_urns", Some("R-7644-3.4.2.2-03"));
    check("r_7644_3_4_2_03_unknown", Some("R-7644-3.4.2-03"));
    check("r_7644_3_4_2_03", Some("R-7644-3.4.2-03"));
    check("l_01_2_things", Some("L-01"));
    check("roles_are_names", None);
    check("a_user", None);
    statements.number_of("l_015").unwrap();
    statements.number_of("l_02_things").unwrap_err();
}

#[test]
fn a_list_that_is_not_well_formed_is_refused() {
    let refused = |list: &str, why: &str| {
        let error = Statements::parse(list).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused("L-01 MUST x", "line 1: no section yet");
    refused("## a\nL-01 MUST x\nL-01 MUST y", "line 3: `L-01` is there already");
    refused("## a\nL-01 WILL x", "`WILL` is no level");
    refused("## a\nL-1 MUST x", "`L-1` is no number");
    refused("## a\nL-01 MUST", "a number, a level and a text are due");
    refused("## a\nL-01 MUST x\n  because", "`not met:`");
    refused("## a\nL-01 MUST x\n  not met: a\n  not met: b", "a second reason");
}

/// The numbers in the sources are all known, and no two tests are mixed up.
#[test]
fn the_tests_of_the_house_carry_known_numbers() {
    let statements = testkit::conformance::statements().unwrap();
    let found = testkit::conformance::tests(&statements).unwrap();
    assert_eq!(found.problems, Vec::<String>::new());
    assert!(found.tests.len() > 100, "only {} tests with a number", found.tests.len());
}

/// `docs/conformance.md` says nothing that is not so: its statements, levels and reasons are those of
/// the list, and every test that it names is there and carries the number. A test that it does not
/// name yet is no fault here, so that two people may add tests at once; `make conformance` wants the
/// whole document as `make conformance-docs` writes it.
#[test]
fn the_document_says_what_is_so() {
    let statements = testkit::conformance::statements().unwrap();
    let found = testkit::conformance::tests(&statements).unwrap();
    let kept = std::fs::read_to_string(testkit::conformance::document_path()).unwrap();
    let now = testkit::conformance::document(&statements, &found);
    fn rows(text: &str) -> Vec<(&str, Vec<&str>)> {
        let rows = text.lines().map(|line| line.trim_end_matches(" |").rsplit_once(" | "));
        let rows = text.lines().zip(rows).map(|(line, row)| row.unwrap_or((line, "")));
        rows.map(|(said, shown)| (said, shown.split("<br>").collect())).collect()
    }
    let (kept, now) = (rows(&kept), rows(&now));
    assert_eq!(kept.len(), now.len(), "run `make conformance-docs`");
    for ((said, shown), (said_now, shown_now)) in kept.into_iter().zip(now) {
        assert_eq!(said, said_now, "run `make conformance-docs`");
        for test in shown.into_iter().filter(|test| *test != "no test yet") {
            assert!(
                shown_now.contains(&test),
                "{said}: {test} is gone: run `make conformance-docs`"
            );
        }
    }
}
