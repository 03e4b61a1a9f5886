//! SQLite: schema, frontier, records, dead letters, export.
