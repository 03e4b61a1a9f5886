//! How long one host takes for the pages that are known of it.

use super::{HostLoad, MIN_PAGES};
use crate::model::numbers::number;

/// Seconds until its known pages have ended, what it is parked for included; `None` where it has
/// none, and where fewer than five requests say how fast it is.
#[must_use]
pub fn seconds_left(host: &HostLoad) -> Option<f64> {
    let is_known = host.seen >= MIN_PAGES && host.rate > 0.0;
    (is_known && host.open > 0).then(|| host.parked_s + number(host.open) / host.rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_takes_its_pages_over_its_rate_after_it_was_parked() {
        let host = HostLoad {
            open: 366,
            rate: 1.5,
            seen: 20,
            parked_s: 6.0,
        };
        assert_eq!(seconds_left(&host), Some(250.0));
        let without_evidence = [
            HostLoad { open: 0, ..host },
            HostLoad { seen: 4, ..host },
            HostLoad { rate: 0.0, ..host },
        ];
        assert_eq!(without_evidence.map(|host| seconds_left(&host)), [None; 3]);
    }
}
