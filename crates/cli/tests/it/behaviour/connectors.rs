//! What a connector's client may do, and what comes of it.
