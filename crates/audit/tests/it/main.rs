//! Answers from histories. One program, so that it is linked once; `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod ask;
#[cfg(test)]
mod diff;
