//! The SQLite store: what only a file can do.

mod crash;
mod exports;
mod offline;
mod opening;
mod rules;
