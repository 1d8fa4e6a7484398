//! The protocol by its public face only, as another server would use it. One program, so that it is linked once; `cfg(test)` says
//! to the lints that helpers are tests too.

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod own_schemas;

#[cfg(test)]
mod people;

#[cfg(test)]
mod properties;

#[cfg(test)]
#[expect(unreachable_pub, reason = "libFuzzer's programs reach it from outside")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;
