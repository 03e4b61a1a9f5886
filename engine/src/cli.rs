//! The `crawlfield` command, one file per subcommand.

pub mod check;
