//! Who may do what to which thing, and through what.
