//! Figures, times and classes in words: short, aligned, never more exact than they are.

use crawlfield_engine::{
    feed::snapshot::Prediction,
    model::{class::ErrorClass, phase::Phase},
};

use crate::numbers::{to_u64, wide};

#[cfg(test)]
mod tests;

/// `7`, `1,234`, `98,765`, `1.23 M`.
#[must_use]
pub fn count(n: u64) -> String {
    match n {
        0..1_000_000 => grouped(n),
        1_000_000..1_000_000_000 => format!("{:.2} M", wide(n) / 1e6),
        _ => format!("{:.2} G", wide(n) / 1e9),
    }
}

/// `1 page`, `1,234 pages`.
#[must_use]
pub fn pages(n: u64) -> String {
    match n {
        1 => "1 page".to_owned(),
        n => format!("{} pages", count(n)),
    }
}

fn grouped(n: u64) -> String {
    if n < 1_000 {
        return n.to_string();
    }
    format!("{},{:03}", grouped(n / 1_000), n % 1_000)
}

/// `7`, `999`, `1.2 k`, `34 k`, `1.2 M`: where there is little room.
#[must_use]
pub fn brief(n: u64) -> String {
    let (size, unit) = match n {
        0..1_000 => return n.to_string(),
        1_000..1_000_000 => (1e3, "k"),
        1_000_000..1_000_000_000 => (1e6, "M"),
        _ => (1e9, "G"),
    };
    let figure = wide(n) / size;
    if figure < 9.95 {
        format!("{figure:.1} {unit}")
    } else {
        format!("{figure:.0} {unit}")
    }
}

/// `0:07`, `12:40`, `1:02:40`, `3 d 4 h`; rounded to the second.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let whole = to_u64(seconds.max(0.0).round());
    let (minutes, hours) = (whole / 60, whole / 3_600);
    match hours {
        0 => format!("{minutes}:{:02}", whole % 60),
        1..48 => format!("{hours}:{:02}:{:02}", minutes % 60, whole % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// `85 ms`, `1.2 s`, `42 s`, `3:20`.
#[must_use]
pub fn span(ms: f64) -> String {
    match ms {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_950.0 => format!("{:.1} s", ms / 1e3),
        ms if ms < 90_000.0 => format!("{:.0} s", ms / 1e3),
        ms => clock(ms / 1e3),
    }
}

/// `812 B`, `1.2 kB`, `34 MB`.
#[must_use]
pub fn bytes(n: f64) -> String {
    let (size, unit) = match n {
        n if n < 1e3 => return format!("{n:.0} B"),
        n if n < 1e6 => (1e3, "kB"),
        n if n < 1e9 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    let figure = n / size;
    if figure < 9.95 {
        format!("{figure:.1} {unit}")
    } else {
        format!("{figure:.0} {unit}")
    }
}

/// `0`, `0.3`, `4.1`, `120`: a rate.
#[must_use]
pub fn rate(value: f64) -> String {
    if value <= 0.0 {
        "0".to_owned()
    } else if value < 9.95 {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").unwrap_or(&text).to_owned()
    } else {
        grouped(to_u64(value.round()))
    }
}

/// `0 %`, `0.4 %`, `12 %`: a share from 0 to 1.
#[must_use]
pub fn share(value: f64) -> String {
    let per_cent = value * 100.0;
    if per_cent > 0.0 && per_cent < 0.95 {
        format!("{:.1} %", per_cent.max(0.1))
    } else {
        format!("{per_cent:.0} %")
    }
}

/// `1`, `0.25`, `100`: times as fast.
#[must_use]
pub fn speed(times: f64) -> String {
    let text = format!("{times:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How long until the end, and how sure: `2:40 left` and `80 %: 2:10–3:30, held 79 % of the time`.
#[must_use]
pub fn eta(prediction: Option<&Prediction>, since: f64) -> (String, String) {
    let Some(prediction) = prediction else {
        return (
            "time left unknown".to_owned(),
            "not enough has ended yet to tell".to_owned(),
        );
    };
    let [low, high] = prediction.eta80;
    // A prediction counts from its snapshot; the shown time has gone on.
    let left = |at: f64| clock((at - since).max(0.0));
    let held = prediction.coverage80.map_or_else(
        || ", coverage not measured".to_owned(),
        |share| format!(", held {:.0} % of the time", share * 100.0),
    );
    (
        format!("{} left", left(prediction.eta_median)),
        format!("80 %: {}–{}{held}", left(low), left(high)),
    )
}

/// A phase as a person says it.
#[must_use]
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Backoff => "retry wait",
        Phase::Dead => "dead letter",
        other => other.name(),
    }
}

/// A class as a person says it.
#[must_use]
pub fn class(class: ErrorClass) -> String {
    match class {
        ErrorClass::Dns => "name not found".to_owned(),
        ErrorClass::Connect => "no connection".to_owned(),
        ErrorClass::Tls => "TLS".to_owned(),
        ErrorClass::HttpServer => "server error".to_owned(),
        ErrorClass::HttpClient => "bad request".to_owned(),
        ErrorClass::HttpUnsupported => "unsupported".to_owned(),
        ErrorClass::TimeoutFirstByte => "timeout, first byte".to_owned(),
        ErrorClass::TimeoutConnect => "timeout, connect".to_owned(),
        ErrorClass::TimeoutWhole => "timeout, whole".to_owned(),
        other => other.name().replace('_', " "),
    }
}

/// What a person may do about dead letters of this class.
#[must_use]
pub const fn advice(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Dns => "check the site's name, or your resolver; then requeue",
        ErrorClass::Connect | ErrorClass::Reset | ErrorClass::TimeoutConnect => {
            "see whether the host is up, then requeue"
        }
        ErrorClass::Tls => "look at the host's certificate; requeue when it is mended",
        ErrorClass::TimeoutFirstByte | ErrorClass::TimeoutWhole => {
            "raise the time-out or lower the rate, then requeue"
        }
        ErrorClass::HttpServer | ErrorClass::Truncated | ErrorClass::Protocol => {
            "requeue when the host is well again"
        }
        ErrorClass::RateLimit | ErrorClass::HostParked => "lower max_rate, wait, then requeue",
        ErrorClass::NotFound => "gone: drop them, or mend the link rule of their stage",
        ErrorClass::Blocked => "the site refuses us: ask its owner; do not push",
        ErrorClass::Robots | ErrorClass::UnsafeAddress => "forbidden by rule: drop them",
        ErrorClass::HttpClient | ErrorClass::HttpUnsupported | ErrorClass::Redirect => {
            "look at one with `crawlfield try`; mend the site file"
        }
        ErrorClass::ShortPage | ErrorClass::Parse | ErrorClass::InvalidRecord => {
            "the page has changed: try its URL, mend the selectors, requeue"
        }
        ErrorClass::TooLarge | ErrorClass::WrongType | ErrorClass::Decode => {
            "raise the bound if these pages matter; else drop them"
        }
        ErrorClass::Store | ErrorClass::Worker | ErrorClass::Offline | ErrorClass::Aborted => {
            "our own trouble: requeue"
        }
        ErrorClass::Unknown => "look at its last answer, then requeue",
        ErrorClass::Crash => "parsing it crashed us three times: keep the page for a report",
    }
}
