//! Placeholder during integration.
use super::Settings;
use serde_json::Value as Json;
/// x
pub fn get(_: &Settings, _: &str) -> Result<Json, String> {
    Err(String::new())
}
/// x
pub fn set(_: &mut Settings, _: &str, _: &Json) -> Result<(), String> {
    Err(String::new())
}
