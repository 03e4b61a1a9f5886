//! The Crawlfield engine: a web crawler whose every page is a task one can watch.

pub mod cli;
pub mod demo;
pub mod engine;
pub mod extract;
pub mod feed;
pub mod forecast;
pub mod live;
pub mod message;
pub mod model;
pub mod politeness;
pub mod progress;
pub mod run;
pub mod settings;
pub mod sim;
pub mod site;
pub mod store;
pub mod systems;
pub mod world;
