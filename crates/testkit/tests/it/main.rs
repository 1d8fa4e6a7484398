//! The laws, the fixtures, the house, and the tool that joins statements with tests. One program, so that it is linked once;
//! `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod checkpoints;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod explain;

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod house;

#[cfg(test)]
mod laws;

#[cfg(test)]
mod one_user;

#[cfg(test)]
mod stories;
