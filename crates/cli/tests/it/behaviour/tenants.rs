//! Tenants and operators.
