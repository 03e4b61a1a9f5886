use std::time::Duration;

use super::{duration, rate, show_duration, size};

#[test]
fn durations_are_read_with_their_units_and_written_back() {
    let check = |text: &str, millis: Option<u64>| {
        assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
    };
    check("30s", Some(30_000));
    check("500ms", Some(500));
    check("1.5s", Some(1_500));
    check("1h30m", Some(5_400_000));
    check("2 min", Some(120_000));
    check("0s", Some(0));
    for bad in [
        "", "30", "s", "-1s", "1x", "1..2s", "1e3s", "999999d", "30 s x", "९s",
    ] {
        check(bad, None);
    }
    for text in ["1h30m", "500ms", "0s", "1d", "1s5ms"] {
        assert_eq!(show_duration(duration(text).unwrap()), text);
    }
}

#[test]
fn rates_and_sizes_are_read_with_their_units() {
    assert_eq!(rate("8/s"), Some(8.0));
    assert_eq!(rate("30/min"), Some(0.5));
    assert_eq!(rate("0.5"), Some(0.5));
    for bad in [
        "",
        "/s",
        "8/",
        "8/week",
        "0/s",
        "-1/s",
        "inf",
        "8x/s",
        "1e9/s",
        "99999999/s",
    ] {
        assert_eq!(rate(bad), None, "{bad}");
    }
    assert_eq!(size("10MB"), Some(10_000_000));
    assert_eq!(size("512 KiB"), Some(524_288));
    assert_eq!(size("7"), Some(7));
    for bad in ["", "MB", "-1", "10 XB", "9999999999GB", "1.2.3MB"] {
        assert_eq!(size(bad), None, "{bad}");
    }
}
