//! Policies, and the words that they are written in.
