//! The site file: read, checked with good errors, compiled. Pure: knows neither World nor I/O.

pub(crate) mod amounts;
pub mod compiled;
pub(crate) mod document;
mod fields;
mod load;
mod names;
mod patterns;
pub(crate) mod politeness;
pub mod problems;
pub mod scope;
pub mod selector;
pub(crate) mod stages;
mod values;

#[cfg(test)]
mod tests;
