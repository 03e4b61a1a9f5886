//! The site file: read, checked with good errors, compiled. Pure: knows neither World nor I/O.

pub(crate) mod amounts;
pub mod compiled;
mod fields;
mod load;
mod loading;
pub(crate) mod manners;
mod meaning;
mod names;
mod pages;
mod patterns;
pub mod problems;
pub(crate) mod reading;
pub mod scope;
pub mod selector;
mod sources;
pub(crate) mod stages;
pub mod start;
mod values;

pub(crate) use load::parse;

#[cfg(test)]
mod tests;
