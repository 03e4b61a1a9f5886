use super::*;

fn stage(open: u64, finished: u64, children: &[(usize, u64)]) -> StageLoad {
    StageLoad {
        open,
        finished,
        children: children.to_vec(),
    }
}

#[test]
fn a_steady_crawl_ends_when_its_pages_are_through() {
    let stages = [stage(0, 50, &[(1, 600)]), stage(300, 300, &[])];
    let prediction = predict(&stages, &[10; 10], 1.0).unwrap();
    assert!((prediction.eta_median - 30.0).abs() < 1e-9);
    let [low, high] = prediction.eta80;
    assert!(20.0 < low && low < 30.0 && 30.0 < high && high < 40.0);
    assert!(prediction.eta95[0] < low && prediction.eta95[1] > high);
    assert_eq!(prediction.coverage80, None, "nobody has measured it");
}

#[test]
fn pages_not_found_yet_are_expected_and_widen_the_interval() {
    let known = [stage(0, 50, &[(1, 600)]), stage(600, 300, &[])];
    let unknown = [stage(25, 25, &[(1, 600)]), stage(0, 275, &[])];
    let known = predict(&known, &[10; 10], 1.0).unwrap();
    let unknown = predict(&unknown, &[10; 10], 1.0).unwrap();
    assert!((unknown.eta_median - 62.5).abs() < 1e-9, "25 and their 600");
    let width = |p: &Prediction| p.eta80[1] / p.eta80[0];
    assert!(width(&unknown) > width(&known) * 1.02);
}

#[test]
fn an_uneven_flow_widens_the_interval() {
    let stages = [stage(300, 300, &[])];
    let even = predict(&stages, &[10; 10], 1.0).unwrap();
    let uneven = predict(&stages, &[0, 20, 0, 20, 0, 20, 0, 20, 0, 20], 1.0).unwrap();
    assert!(uneven.eta80[1] > even.eta80[1] * 1.1);
}

#[test]
fn without_evidence_it_says_nothing() {
    let stages = [stage(300, 300, &[])];
    assert_eq!(predict(&stages, &[19], 1.0), None, "too few");
    assert_eq!(predict(&stages, &[], 1.0), None);
    assert_eq!(predict(&[], &[100], 1.0), None);
    let chain = [stage(1, 100, &[(0, 100), (1, 1_200)]), stage(5, 1_000, &[])];
    assert_eq!(
        predict(&chain, &[10; 10], 1.0),
        None,
        "a chain of next links"
    );
    let ring = [stage(1, 100, &[(1, 200)]), stage(1, 200, &[(0, 100)])];
    assert_eq!(predict(&ring, &[10; 10], 1.0), None, "a ring without loss");
}

#[test]
fn the_end_of_a_chain_is_known_when_no_page_of_it_is_open() {
    let done = [stage(0, 100, &[(0, 99), (1, 1_200)]), stage(0, 1_200, &[])];
    assert_eq!(predict(&done, &[10; 10], 1.0), Some(Prediction::default()));
    let nearly = [stage(0, 100, &[(0, 99), (1, 1_200)]), stage(60, 1_140, &[])];
    let prediction = predict(&nearly, &[10; 10], 2.0).unwrap();
    assert!((prediction.eta_median - 12.0).abs() < 1e-9);
}
