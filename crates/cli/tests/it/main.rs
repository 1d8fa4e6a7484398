//! The real binary. One program, so that it is linked once;
//! `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod audit;

#[cfg(test)]
mod backup;
#[cfg(test)]
mod behaviour;

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod common;

#[cfg(test)]
mod compare;

#[cfg(test)]
mod config;
#[cfg(test)]
mod connectors;

#[cfg(test)]
mod crash;

#[cfg(test)]
mod erase;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod feed;

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod guide;

#[cfg(test)]
mod moments;
#[cfg(test)]
mod otlp;

#[cfg(test)]
mod repair;
#[cfg(test)]
mod replay;

#[cfg(test)]
mod serving;
#[cfg(test)]
mod staging;
#[cfg(test)]
mod terminal;

#[cfg(test)]
mod torture;
#[cfg(test)]
mod walk;

#[cfg(test)]
mod warm;
