//! The viewer: what arrives (`source`), what is true (`field`), what is drawn (`render`,
//! `panels`), and what people do.

pub mod field;
pub mod numbers;
pub mod render;
