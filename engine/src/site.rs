//! The site file: read, checked with good errors, compiled. Pure: knows neither World nor I/O.
//!
//! `load` reads the whole: `document` gives tables whose keys are asked for one by one, `politeness`,
//! `stages` and `fields` have a row for each key, `values`, `patterns`, `amounts` and `names` read
//! what stands there, `problems` collects what is wrong. A new key is a field in `compiled` and a row.

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
