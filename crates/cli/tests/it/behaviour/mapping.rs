//! Which attribute feeds which, and who is left out.
