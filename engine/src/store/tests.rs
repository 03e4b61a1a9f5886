//! The SQLite store: what only a file can do.

mod crash;
mod exports;
mod offline;
mod opening;
mod rules;

/// Takes from a store what the first version did not have.
const BACK_TO_THE_FIRST: &str = "DROP TABLE cf_cookie; DROP TABLE cf_remark;
    DROP TABLE cf_remarked; ALTER TABLE cf_visit DROP COLUMN rules; PRAGMA user_version = 1;";
