//! What the tests of every crate share: a running app, a simulation that checks the laws, and the
//! rules of the house. A development dependency only.

pub mod app;
pub mod conformance;
pub mod fixture;
pub mod house;
pub mod simulate;
pub mod torture;
