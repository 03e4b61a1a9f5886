//! Casts between numbers, in one place, each saying what happens at the edges.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "this module exists so that no other needs these casts; each function saturates or rounds as documented"
)]

/// Truncated, saturating; NaN is 0.
#[must_use]
pub fn to_u32(value: f64) -> u32 {
    value as u32
}

/// Truncated, saturating; NaN is 0.
#[must_use]
pub fn to_u64(value: f64) -> u64 {
    value as u64
}

/// Truncated, saturating; NaN is 0.
#[must_use]
pub fn floor_u32(value: f32) -> u32 {
    value as u32
}

/// Rounded to the nearest float.
#[must_use]
pub fn float(value: u32) -> f32 {
    value as f32
}

/// Rounded to the nearest float.
#[must_use]
pub fn wide(value: u64) -> f64 {
    value as f64
}

/// Narrowed to the nearest float.
#[must_use]
pub fn narrow(value: f64) -> f32 {
    value as f32
}

/// An index of an array.
#[must_use]
pub const fn index(value: u32) -> usize {
    value as usize
}

/// The number of an element.
///
/// # Panics
/// Beyond `u32::MAX` elements, which no array of ours holds.
#[must_use]
pub fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than four billion elements")
}

/// Engine time in microseconds as the picture's milliseconds; wraps after 49 days, as the shader
/// expects.
#[must_use]
pub const fn millis(at_us: u64) -> u32 {
    (at_us / 1000) as u32
}
