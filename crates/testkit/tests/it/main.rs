//! The laws, the fixtures and the house. One program, so that it is linked once;
//! `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod house;

#[cfg(test)]
mod laws;
