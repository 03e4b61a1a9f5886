//! Which way things point: the house's rules about its own source, checked.

mod directions;
mod picture;
mod source;
mod systems;
mod words;
