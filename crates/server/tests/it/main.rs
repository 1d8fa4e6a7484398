//! The server over a real socket. One program, so that it is linked once;
//! `cfg(test)` says to the lints that helpers are tests too.

#[cfg(test)]
mod actors;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod isolation;

#[cfg(test)]
mod bulk;

#[cfg(test)]
mod clauses;

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod connectors;

#[cfg(test)]
mod credentials;

#[cfg(test)]
mod cycles;

#[cfg(test)]
mod cursors;

#[cfg(test)]
mod doors;

#[cfg(test)]
mod entra;
#[cfg(test)]
mod explain;

#[cfg(test)]
mod erase;

#[cfg(test)]
mod feed;

#[cfg(test)]
mod guard;

#[cfg(test)]
mod lists;

#[cfg(test)]
mod me;

#[cfg(test)]
mod messages;
#[cfg(test)]
mod metrics;

#[cfg(test)]
mod moments;

#[cfg(test)]
mod oauth;

#[cfg(test)]
mod overload;

#[cfg(test)]
mod okta;

#[cfg(test)]
mod passwords;

#[cfg(test)]
mod others;

#[cfg(test)]
mod past;

#[cfg(test)]
mod ready;
#[cfg(test)]
mod references;

#[cfg(test)]
mod quirks;

#[cfg(test)]
mod refusals;

#[cfg(test)]
mod roles;
#[cfg(test)]
mod rules;

#[cfg(test)]
mod table;

#[cfg(test)]
mod scans;

#[cfg(test)]
mod tls;
#[cfg(test)]
mod walks;
#[cfg(test)]
mod wire;
