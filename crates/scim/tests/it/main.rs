//! What needs more than one module's tests. One program, so that it is linked once; `cfg(test)` says to the lints that helpers
//! are tests too.

#[cfg(test)]
mod fuzz;

#[cfg(test)]
#[expect(unreachable_pub, reason = "libFuzzer's programs reach it from outside")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;
