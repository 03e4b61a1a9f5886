//! What the tests speak: scenario builder, simulated backend, loopback servers, invariants.
#![expect(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "a test that errs or panics says so itself"
)]

pub mod backend;
pub mod binary;
pub mod crawl;
pub mod hostile;
pub mod invariants;
pub mod reply;
pub mod scenario;
pub mod shop;
pub mod sites;
pub mod transcript;

pub use crawl::Crawl;
pub use reply::Reply;
pub use scenario::Scenario;

/// A URL as scenarios write it: `a.test/1` stands for `http://a.test/1`.
///
/// # Panics
/// If the text is no URL: the scenario is wrong.
#[must_use]
pub fn full(url: &str) -> String {
    let text = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let parsed = url::Url::parse(&text);
    parsed.expect("a scenario's URLs are URLs").to_string()
}

/// The other way round.
#[must_use]
pub fn short(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
