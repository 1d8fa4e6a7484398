//! Reads as of a moment (`?asOf=`).

mod admin;
