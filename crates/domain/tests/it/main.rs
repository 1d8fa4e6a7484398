//! The rules from outside. One program, so that it is linked once;
//! `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod active;
#[cfg(test)]
mod decide;

#[cfg(test)]
mod erase;

#[cfg(test)]
mod find;
#[cfg(test)]
mod ignored;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod workflow;
