//! Keys, passwords, tokens.
