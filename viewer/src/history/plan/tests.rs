use crawlfield_engine::feed::snapshot::{Prediction, Snapshot};

use super::Plan;
use crate::history::series::Series;

fn snapshot(at: f64, discovered: u64, left: Option<f64>) -> Snapshot {
    let mut snapshot = Snapshot {
        at,
        prediction: left.map(|left| Prediction {
            eta_median: left,
            eta80: [left - 2.0, left + 3.0],
            eta95: [left - 4.0, left + 9.0],
            coverage80: None,
            coverage95: None,
        }),
        ..Snapshot::default()
    };
    snapshot.progress.discovered = discovered;
    snapshot
}

#[test]
fn the_plan_is_the_first_forecast_and_stays_so() {
    let mut series = Series::default();
    series.push(&snapshot(1.0, 10, None));
    assert_eq!(Plan::of(&series), None);
    series.push(&snapshot(2.0, 40, Some(8.0)));
    series.push(&snapshot(3.0, 90, Some(20.0)));
    let plan = Plan::of(&series).expect("a forecast was made");
    assert_eq!((plan.at, plan.end, plan.end80), (2.0, 10.0, (8.0, 13.0)));
    assert_eq!((plan.discovered, plan.ended), (40.0, 0.0));
    // Half the way, half the pages; not more than were known.
    let ended = [1.0, 6.0, 10.0, 99.0].map(|at| format!("{:.0}", plan.ended_at(at)));
    assert_eq!(ended, ["0", "20", "40", "40"]);
}
