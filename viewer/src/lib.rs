//! The viewer: what arrives (`source`), what is true (`show`, `field`), what is drawn (`compose`,
//! `render`, `panels`), and what people do.

pub mod compose;
pub mod field;
pub mod numbers;
pub mod picture;
pub mod render;
pub mod show;
pub mod source;
pub mod theme;
