//! The Crawlfield engine: a web crawler whose every page is a task one can watch.

pub mod cli;
pub mod demo;
pub mod engine;
pub mod extract;
pub mod feed;
pub mod live;
pub mod model;
pub mod politeness;
pub mod ports;
pub mod progress;
pub mod settings;
pub mod sim;
pub mod site;
pub mod start;
pub mod store;
pub mod systems;
