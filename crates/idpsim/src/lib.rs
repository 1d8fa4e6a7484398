//! Identity providers as they really behave: seeded clients over HTTP, for the demo, the recorded
//! fixtures, tests and benches.
//!
//! Separate from the server and free of its types on purpose: a client that shared the server's
//! code would share its mistakes. A [`Company`] is who there is, a [`Script`] is what happens to
//! them, [`Okta`] is how an identity provider says so, [`play()`] says all of it in order, and
//! [`life`] and [`spec`] check each answer. Everything follows from the seed: no clock is read to decide
//! anything, and nothing is iterated in an order of chance.
//!
//! Okta speaks the dialect of its integration network (PATCH for activation and groups, GET then
//! PUT for profiles).

pub mod company;
pub mod life;
pub mod okta;
pub mod person;
pub mod play;
pub mod script;
pub mod spec;

mod body;
mod dice;
mod limits;
mod month;
mod names;
mod organisation;
mod walk;
mod wire;

pub use company::Company;
pub use life::{LifeError, StepDone, life_of_a_user};
pub use okta::{GroupMember, Okta};
pub use person::{Manager, Person};
pub use play::{Summary, play};
pub use script::{Colleague, Happening, Script, Step, Story};
pub use spec::spec_test;
pub use wire::{Answer, ClientError};
