use super::*;

fn stage(open: u64, read: u64, children: &[(usize, u64)]) -> StageLoad {
    StageLoad {
        open,
        read,
        children: children.to_vec(),
        leads: !children.is_empty(),
        ..StageLoad::default()
    }
}

/// Ten pages a second for half a minute.
fn evidence(stages: &[StageLoad]) -> ForecastInput {
    ForecastInput {
        stages: stages.to_vec(),
        recent: vec![10; 30],
        ended: 300,
        elapsed_s: 30.0,
        ..ForecastInput::default()
    }
}

fn session(evidence: &ForecastInput) -> Prediction {
    predict(evidence).expect("there is evidence").session
}

fn width(prediction: &Prediction) -> f64 {
    prediction.eta80[1] / prediction.eta80[0]
}

#[test]
fn a_steady_crawl_ends_when_its_pages_are_through() {
    let prediction = session(&evidence(&[
        stage(0, 50, &[(1, 600)]),
        stage(300, 300, &[]),
    ]));
    assert!((prediction.eta_median - 30.0).abs() < 1e-9);
    let [low, high] = prediction.eta80;
    assert!(18.0 < low && low < 30.0 && 30.0 < high && high < 50.0);
    assert!(prediction.eta95[0] < low && prediction.eta95[1] > high);
    assert_eq!(prediction.coverage80, None, "nobody has measured it");
}

#[test]
fn pages_not_found_yet_are_expected_and_widen_the_interval() {
    let known = session(&evidence(&[
        stage(0, 50, &[(1, 600)]),
        stage(600, 300, &[]),
    ]));
    let unknown = session(&evidence(&[stage(25, 25, &[(1, 600)]), stage(0, 275, &[])]));
    assert!(
        (unknown.eta_median - 62.5).abs() < 1e-9,
        "25 and their 600: {unknown:?}"
    );
    assert!(width(&unknown) > width(&known) * 1.01);
}

#[test]
fn an_uneven_flow_widens_the_interval() {
    let mut evidence = evidence(&[stage(300, 300, &[])]);
    let even = session(&evidence);
    evidence.recent = [0, 20].repeat(15);
    assert!(width(&session(&evidence)) > width(&even) * 1.1);
}

#[test]
fn without_evidence_it_says_nothing() {
    let mut few = evidence(&[stage(300, 300, &[])]);
    few.ended = 4;
    assert_eq!(predict(&few), None, "too few");
    assert_eq!(predict(&ForecastInput::default()), None);
    let mut unread = stage(1, 0, &[]);
    unread.leads = true;
    let unread = evidence(&[stage(10, 5, &[(1, 1)]), unread]);
    assert_eq!(predict(&unread), None, "what it leads to is unknown");
    let ring = [stage(1, 100, &[(1, 200)]), stage(1, 200, &[(0, 100)])];
    assert_eq!(predict(&evidence(&ring)), None, "a ring without loss");
}

#[test]
fn five_pages_in_a_slow_crawl_are_evidence() {
    // One page each ten seconds.
    let mut slow = evidence(&[stage(30, 5, &[])]);
    (slow.ended, slow.elapsed_s) = (5, 50.0);
    slow.recent = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(5);
    let slow = session(&slow);
    assert!((200.0..400.0).contains(&slow.eta_median), "{slow:?}");
    assert!(width(&slow) > 1.8, "and it is not sure of it: {slow:?}");
}

#[test]
fn a_chain_of_next_links_goes_on_for_as_long_again_give_or_take() {
    // Twenty pages of one list were read, each brought a next one and twelve details.
    let chain = [stage(1, 20, &[(0, 20), (1, 240)]), stage(0, 240, &[])];
    let prediction = session(&evidence(&chain));
    // Twenty more pages and one, with twelve details each.
    assert!((prediction.eta_median - 27.3).abs() < 0.5, "{prediction:?}");
    let [low, high] = prediction.eta80;
    assert!(low < 27.0 / 5.0 && high > 27.0 * 5.0, "{prediction:?}");
    // Of a hundred chains that were ended, one knows much better.
    let chains = [
        stage(1, 2_000, &[(0, 1_900), (1, 24_000)]),
        stage(0, 24_000, &[]),
    ];
    assert!(width(&session(&evidence(&chains))) < 3.0);
}

#[test]
fn a_page_count_ends_a_list_at_once() {
    let mut list = stage(80, 20, &[(0, 99), (1, 240)]);
    list.is_counted = true;
    let prediction = session(&evidence(&[list, stage(0, 240, &[])]));
    assert!(
        (prediction.eta_median - 104.0).abs() < 1e-6,
        "{prediction:?}"
    );
}

#[test]
fn the_end_of_a_chain_is_known_when_no_page_of_it_is_open() {
    let done = [stage(0, 100, &[(0, 99), (1, 1_200)]), stage(0, 1_200, &[])];
    assert_eq!(session(&evidence(&done)), Prediction::default());
    let nearly = [stage(0, 100, &[(0, 99), (1, 1_200)]), stage(60, 1_140, &[])];
    assert!((session(&evidence(&nearly)).eta_median - 6.0).abs() < 1e-9);
}

#[test]
fn the_slowest_host_is_the_last_to_end() {
    let mut evidence = evidence(&[stage(300, 300, &[])]);
    let host = |open, rate, parked_s| HostLoad {
        open,
        rate,
        seen: 100,
        parked_s,
    };
    evidence.hosts = vec![host(150, 9.0, 0.0), host(150, 1.0, 0.0)];
    assert!((session(&evidence).eta_median - 150.0).abs() < 1e-6);
    evidence.hosts = vec![host(300, 10.0, 60.0)];
    assert!(
        (session(&evidence).eta_median - 90.0).abs() < 1e-6,
        "parked"
    );
}

#[test]
fn each_stage_has_an_end_of_its_own_not_after_all() {
    let mut stages = [stage(20, 50, &[(1, 100)]), stage(260, 100, &[])];
    stages[0].recent = vec![5; 30];
    stages[1].recent = vec![5; 30];
    let forecast = predict(&evidence(&stages)).unwrap();
    let [list, detail] = [0, 1].map(|at| forecast.stages[at].unwrap());
    assert!((list.0 - 4.0).abs() < 0.5, "{list:?}");
    assert!(list.1[0] < list.0 && list.0 < list.1[1]);
    assert!(detail.0 <= forecast.session.eta_median && detail.0 > 25.0);
}
