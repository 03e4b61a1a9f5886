//! The site file: read, checked with good errors, compiled. Pure: knows neither World nor I/O.

pub mod compiled;
pub mod scope;
pub mod start;
