//! Durations, rates and sizes as people write them: `30s`, `8/s`, `10MB`.

use std::{fmt::Write as _, time::Duration};

/// What a duration looks like, for messages.
pub(crate) const DURATION: &str = "a duration such as \"500ms\", \"30s\", \"2m\" or \"1h30m\"";
/// What a rate looks like, for messages.
pub(crate) const RATE: &str = "a rate such as \"8/s\", \"30/min\" or a number of requests a second";
/// What a size looks like, for messages.
pub(crate) const SIZE: &str = "a size such as \"10MB\", \"512KiB\" or a number of bytes";

/// Longer durations are slips.
const MAX_DURATION: Duration = Duration::from_hours(366 * 24);
/// Higher rates are slips.
const MAX_RATE: f64 = 1_000_000.0;

/// Numbers with units, largest first or not: `1h30m`, `500ms`, `1.5s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = number_head(rest)?;
        let unit_len = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let seconds = match &after[..unit_len] {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number * seconds).ok()?;
        // Milliseconds are the finest the clock knows, and 0.5s × 1000 is not always whole.
        let part = Duration::from_micros(
            u64::try_from((part + Duration::from_nanos(500)).as_micros()).ok()?,
        );
        total = total.checked_add(part)?;
        rest = after[unit_len..].trim_start();
    }
    (total <= MAX_DURATION).then_some(total)
}

/// Requests per second; above zero.
pub(crate) fn rate(text: &str) -> Option<f64> {
    let (number, unit) = match text.split_once('/') {
        Some((number, unit)) => (number.trim(), unit.trim()),
        None => (text.trim(), "s"),
    };
    let (number, rest) = number_head(number)?;
    let seconds = match unit {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3_600.0,
        "d" | "day" => 86_400.0,
        _ => return None,
    };
    checked_rate(number / seconds).filter(|_| rest.is_empty())
}

/// The rate itself, if it is one.
pub(crate) fn checked_rate(rate: f64) -> Option<f64> {
    (rate.is_finite() && rate > 0.0 && rate <= MAX_RATE).then_some(rate)
}

/// Bytes: decimal units (kB, MB, GB) and binary ones (KiB, MiB, GiB).
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number_head(text.trim())?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1_024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = (number * factor).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "number_head gives no sign, and the range is checked here"
    )]
    (bytes <= 1e15).then_some(bytes as u64)
}

/// Digits with at most one point at the start of a text, and what follows.
fn number_head(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

/// A duration as it may be written: `1h30m`, `500ms`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut rest = millis;
    let mut text = String::new();
    for (size, unit) in units {
        if rest >= size {
            // Writing into a String cannot fail.
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests;
