//! The viewer: what arrives (`source`, `replay`), what is true (`show`, `field`), what is drawn
//! (`compose`, `render`, `banner`), and where: a window, a picture, or the terminal (`cli`).

pub mod banner;
pub mod cli;
pub mod compose;
pub mod crawl;
pub mod field;
pub mod numbers;
pub mod pace;
pub mod picture;
pub mod probe;
pub mod render;
pub mod replay;
pub mod show;
pub mod source;
pub mod stills;
pub mod theme;
pub mod window;
