//! Commands, events and the views that follow from them: what rollbook decides, as pure functions.
//!
//! `decide(directory, actor, command)` says which events follow; applying a commit to a snapshot
//! makes the next one. Nothing here does IO, reads a clock or throws dice: times and ids come in
//! with the command and the commit, so a replay finds exactly what was.

pub mod id;
pub mod limits;
pub mod position;
pub mod time;

pub mod commit;
pub mod credential;
pub mod event;
pub mod mapping;
pub mod origin;
pub mod personal;
pub mod preset;
pub mod published;
pub mod selection;
pub mod settings;

pub mod command;
pub mod directory;
pub mod disguise;
pub mod erasure;
pub mod find;
pub mod rejection;
pub mod snapshot;
pub mod trail;
pub mod view;
pub mod visible;

mod attributes;
mod decide;

pub use decide::{check_slug, decide};
