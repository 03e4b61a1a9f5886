use super::*;

/// Stores hold these numbers: a store of an older release must mean the same.
#[test]
fn a_phase_keeps_its_number_for_good() {
    let numbers: Vec<(u8, &str)> = (0..).zip(Phase::ALL.map(Phase::name)).collect();
    let kept = [
        "queued",
        "fetching",
        "fetched",
        "parsing",
        "parsed",
        "saving",
        "done",
        "backoff",
        "failed",
        "dead",
        "skipped",
        "cancelled",
    ];
    assert_eq!(numbers, (0..).zip(kept).collect::<Vec<_>>());
    for (number, name) in numbers {
        let phase = Phase::from_number(number).expect("there are twelve");
        assert_eq!((phase as u8, Phase::from_name(name)), (number, Some(phase)));
        let json = serde_json::to_value(phase).expect("a name");
        assert_eq!(json, name);
    }
    assert_eq!(Phase::from_number(12), None);
}
