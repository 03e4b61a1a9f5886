//! Extraction from whole pages, and what the test folders share.

pub(in crate::extract) mod build;
mod digits;
mod fields;
mod hostile;
mod links;
mod output;
mod paging;
mod records;
mod sites;
mod text;
