//! Page + compiled stage → records and links. Pure: knows neither World nor I/O.

pub mod output;
