//! Walks through lists while others write.
