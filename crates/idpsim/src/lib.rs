//! Identity providers as they really behave: seeded clients over HTTP, for the demo, the recorded
//! fixtures, tests and benches.
//!
//! Separate from the server and free of its types on purpose: a client that shared the server's
//! code would share its mistakes. A [`Company`] is who there is and a [`Script`] is what happens to
//! them. [`Okta`], [`Entra`] and [`OneLogin`] are how three identity providers say so: [`play()`]
//! says all of it as Okta does it in bulk, [`cycle()`] as any [`Provisioner`] does, one request
//! after the other, and [`State`] compares what was told with what a server shows. [`life`],
//! [`spec`] and [`crud`] check Okta's answers step by step, and [`stories`] are whole histories that
//! several clients and an operator write together. Everything follows from the seed: no
//! clock is read to decide anything, and nothing is iterated in an order of chance.

pub mod company;
pub mod crud;
pub mod cycle;
pub mod entra;
pub mod life;
pub mod okta;
pub mod onelogin;
pub mod person;
pub mod play;
pub mod provisioner;
pub mod script;
pub mod spec;
pub mod state;
pub mod stories;

mod aftermath;
mod body;
mod dice;
mod entra_body;
mod limits;
mod list;
mod month;
mod names;
mod organisation;
mod walk;
mod wire;

pub use company::Company;
pub use crud::crud_test;
pub use cycle::{Cycled, cycle};
pub use entra::{Dialect, Entra, Matching};
pub use life::{LifeError, StepDone, life_of_a_user};
pub use okta::{GroupMember, Okta};
pub use onelogin::OneLogin;
pub use person::{Manager, Person};
pub use play::{Summary, play};
pub use provisioner::{Held, Provisioner};
pub use script::{Colleague, Happening, Script, Step, Story};
pub use spec::spec_test;
pub use state::State;
pub use wire::{Answer, ClientError};
