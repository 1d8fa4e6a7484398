//! Reads as of a moment (`?asOf=`).

mod admin;
mod history;
mod moments;
mod recorded;
