//! What two products document of their SCIM integrations, row by row (`C-nn`, `P-nn`), over HTTP on the real binary. A
//! test's name begins with its row, as in `p_07_…`.

mod access;
mod connectors;
mod credentials;
mod journal;
mod local;
mod management;
mod mapping;
mod policies;
mod protocol;
mod roles;
mod tenants;
