//! The binary `rollbook`.

fn main() {}
