//! Which moments there are, and what is asked as of them.
