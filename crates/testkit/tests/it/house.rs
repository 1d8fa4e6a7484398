//! The house: one direction between crates, and no hidden inputs in the pure ones.

use testkit::house;

/// Seen to catch: `engine` added to the dependencies of `idpsim`.
#[test]
fn crates_use_each_other_in_one_direction() {
    assert_eq!(house::forbidden_edges().unwrap(), Vec::<String>::new());
}

/// A replay must find what was, so deciding and applying have no inputs but their arguments.
/// Seen to catch: `SystemTime::now()` in `domain::decide`.
#[test]
fn scim_and_domain_read_no_clock_do_no_io_and_hash_no_maps() {
    let words = [
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant::now",
        "Utc::now",
        "now_v7",
        "new_v4",
        "std::fs",
        "std::net::Tcp",
        "thread_rng",
        "async fn",
    ];
    for krate in ["scim", "domain"] {
        assert_eq!(house::lines_with(krate, &words), Vec::<String>::new());
    }
}

/// Only one file knows the store, only one crate knows the bytes, only one knows status codes.
#[test]
fn what_one_place_knows_no_other_does() {
    for krate in ["scim", "domain", "engine", "audit", "server", "idpsim", "cli"] {
        assert_eq!(house::lines_with(krate, &["sled::"]), Vec::<String>::new());
    }
    let with_sled = house::lines_with("eventlog", &["sled::"]);
    assert!(with_sled.iter().all(|line| line.starts_with("eventlog/sled_log")), "{with_sled:#?}");
    for krate in ["scim", "domain", "eventlog", "engine", "audit"] {
        assert_eq!(house::lines_with(krate, &["StatusCode", "axum"]), Vec::<String>::new());
    }
}
