//! The viewer, in the order of the data's way: what is asked for (`cli`, `crawl`, `probe`), what
//! arrives (`source`, `replay`), what is known (`feed`, `history`, `titles`), the field and how it is looked at
//! (`field`, `filter`, `pin`, `selection`, `theme`), the shown time (`playback`), the picture (`scene`,
//! `render`), the panels round it (`panels`), and where all of it is shown: a window (`window`), an
//! image (`offscreen`, `screenshots`), or nowhere (`headless`).
//!
//! Each area is a plugin, the first thing in its file; `window::app` and `headless::plugin` only add
//! them.

mod background;
pub mod cli;
pub mod crawl;
pub mod feed;
pub mod field;
pub mod filter;
pub mod headless;
pub mod history;
pub mod numbers;
pub mod offscreen;
pub mod panels;
pub mod pin;
pub mod playback;
pub mod probe;
pub mod render;
pub mod replay;
pub mod scene;
pub mod screenshots;
pub mod selection;
pub mod source;
pub mod theme;
pub mod titles;
pub mod window;
