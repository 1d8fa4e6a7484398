//! The User and Role Management API.
