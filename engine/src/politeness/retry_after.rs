//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in any of HTTP's three forms.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

/// The longest wait that the values ask for; `None` where none can be read.
///
/// A date counts from the answer's own `Date` header, so that a wrong clock on either side does
/// no harm; without that header a date says nothing. A past date is 0.
#[must_use]
pub fn parse(values: &[&str], date_header: Option<&str>) -> Option<Duration> {
    let sent = date_header.and_then(date);
    values
        .iter()
        .filter_map(|value| {
            seconds(value).or_else(|| {
                let until = date(value)?;
                Some(until.duration_since(sent?).unwrap_or(Duration::ZERO))
            })
        })
        .max()
}

/// `1*DIGIT`; saturates at more digits than fit.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}

/// An HTTP date. Servers also write `UTC` for `GMT` and a day of one digit: both are mended.
fn date(value: &str) -> Option<SystemTime> {
    let value = value.trim_ascii();
    if value.len() > 64 {
        return None;
    }
    let mut text = Cow::Borrowed(value);
    if let Some(start) = value.strip_suffix(" UTC") {
        text = Cow::Owned(format!("{start} GMT"));
    }
    if let Some((weekday, rest)) = text.split_once(", ")
        && rest.bytes().take_while(u8::is_ascii_digit).count() == 1
    {
        text = Cow::Owned(format!("{weekday}, 0{rest}"));
    }
    httpdate::parse_http_date(&text).ok()
}

#[cfg(test)]
mod tests;
