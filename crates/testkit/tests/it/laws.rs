//! The laws of the design, under random commands and a log that fails at random.

use testkit::simulate::{self, Tally};

/// The seed is printed with what it broke; `cargo run -p testkit --bin simulate -- --seed N`
/// repeats it.
#[test]
fn the_laws_hold_for_two_hundred_seeds() {
    let mut total = Tally::default();
    for seed in 0..200 {
        match simulate::run(seed, 40) {
            Ok(tally) => total += tally,
            Err(law) => panic!("seed {seed}: {law}"),
        }
    }
    // The run must have been worth something: all kinds of ends occurred, and often.
    assert!(total.commits > 5_000, "{total:?}");
    assert!(total.rejections > 1_000, "{total:?}");
    assert!(total.idle > 500, "{total:?}");
    assert!(total.failures > 200, "{total:?}");
}
