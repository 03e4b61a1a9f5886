//! The SQLite store: what only a file can do.
