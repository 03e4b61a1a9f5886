//! Extraction from whole pages, and what the test folders share.

pub(super) mod build;
mod digits;
mod fields;
mod hostile;
mod links;
mod paging;
mod records;
mod sites;
mod text;
