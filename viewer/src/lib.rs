//! The viewer: what arrives (`source`, `replay`), what is true (`show`, `field`), what is drawn
//! (`compose`, `render`, `panels`), and where: a window, a picture, or the terminal (`cli`).

pub mod cli;
pub mod compose;
pub mod crawl;
pub mod field;
pub mod numbers;
pub mod pace;
pub mod panels;
pub mod picture;
pub mod probe;
pub mod render;
pub mod replay;
pub mod show;
pub mod sieve;
pub mod source;
pub mod stills;
pub mod story;
pub mod theme;
pub mod window;
