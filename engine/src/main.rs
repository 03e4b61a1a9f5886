//! The `crawlfield` command.

fn main() {}
