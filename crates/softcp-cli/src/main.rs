//! The `softcp` command.

fn main() {}
