//! What is managed here, and what is not.
