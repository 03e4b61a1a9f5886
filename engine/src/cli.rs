//! The `crawlfield` command, one file per subcommand.
