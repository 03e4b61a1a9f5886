//! The viewer: what arrives (`source`), what is true (`show`, `field`), what is drawn (`compose`,
//! `render`, `panels`), and what people do.

pub mod compose;
pub mod field;
pub mod numbers;
pub mod panels;
pub mod picture;
pub mod render;
pub mod show;
pub mod sieve;
pub mod source;
pub mod story;
pub mod theme;
