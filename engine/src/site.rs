//! The site file: read, checked with good errors, compiled. Pure: knows neither World nor I/O.

pub mod compiled;
pub mod problems;
pub mod scope;
pub mod selector;

pub(crate) mod amounts;
mod fields;
mod load;
mod loading;
pub(crate) mod manners;
mod meaning;
mod names;
mod pages;
mod patterns;
pub(crate) mod reading;
mod sources;
pub(crate) mod stages;
mod values;

pub(crate) use load::parse;

#[cfg(test)]
mod tests;
