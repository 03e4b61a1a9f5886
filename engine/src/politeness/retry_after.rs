//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in any of HTTP's three forms; and the wait
//! that it lays on a host.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use crate::model::head::Head;
use crate::model::numbers::micros;

/// The wait that a host's Retry-After asks for: nothing goes to that host before it is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RetryAfterWait {
    until: Duration,
}

impl RetryAfterWait {
    /// The rest of a wait that an earlier run was told of, in µs; 0: none.
    pub(super) fn restored(left_us: u64, now: Duration) -> Self {
        let mut wait = Self::default();
        if left_us > 0 {
            wait.extend(now, Duration::from_micros(left_us));
        }
        wait
    }

    /// The host asks for so long from now; a longer wait stays. When this one would be over.
    pub(super) fn extend(&mut self, now: Duration, after: Duration) -> Duration {
        let until = now.saturating_add(after);
        self.until = self.until.max(until);
        until
    }

    /// It does not hold any more.
    pub(super) fn end(&mut self, now: Duration) {
        self.until = now;
    }

    /// When it is over; none where it is.
    pub(super) fn until(self, now: Duration) -> Option<Duration> {
        (now < self.until).then_some(self.until)
    }

    /// What is left of it in µs.
    pub(super) fn left_us(self, now: Duration) -> u64 {
        micros(self.until.saturating_sub(now))
    }
}

/// What the headers of an answer ask for; `None` where nothing can be read.
#[must_use]
pub fn of(head: &Head) -> Option<Duration> {
    let values: Vec<&str> = head.all("retry-after").collect();
    if values.is_empty() {
        return None;
    }
    parse(&values, head.header("date"))
}

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
