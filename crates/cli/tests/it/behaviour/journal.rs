//! What was refused or left out, by whom, about whom.
