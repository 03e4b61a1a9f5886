//! The `crawlfield-viewer` command.

fn main() {}
