//! The log from outside. One program, so that it is linked once; `cfg(test)` says to the lints that
//! helpers are tests too.

#[cfg(test)]
mod common;

#[cfg(test)]
mod archive;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod log;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod power;
#[cfg(test)]
mod rekey;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod sled;
