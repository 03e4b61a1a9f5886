//! The fetcher against servers that misbehave.
