//! The README's pictures agree with the code.

use std::{collections::BTreeSet, fs};

use crawlfield_engine::model::{
    in_flight::FlightMark,
    phase::{BreakerPhase, Phase, SessionPhase, StagePhase, may_move},
    stage_state::StageState,
};

use crate::{
    directions::ladder,
    source::{of, root},
};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("there is a README")
}

/// Holds the table under `| WHAT from | to |` against the code's.
fn check_table<State: Copy>(
    what: &str,
    all: &[State],
    name: impl Fn(State) -> &'static str,
    may_move: impl Fn(State, State) -> bool,
) {
    let readme = readme();
    let table = readme.split(&format!("| {what} from | to |")).nth(1);
    let table = table.unwrap_or_else(|| panic!("the README has no table of a {what}'s moves"));
    let state = |text: &str| {
        let found = all.iter().copied().find(|state| name(*state) == text);
        found.unwrap_or_else(|| panic!("{text:?} is no state of a {what}"))
    };
    let mut drawn = BTreeSet::new();
    for line in table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix('|'))
    {
        let cells: Vec<&str> = line
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [from, to] = cells.as_slice() else {
            panic!("{line:?} has not two cells");
        };
        let to = to.split(',').map(str::trim).filter(|to| !to.is_empty());
        drawn.extend(to.map(|to| (name(state(from)), name(state(to)))));
    }
    let pairs = all
        .iter()
        .flat_map(|from| all.iter().map(move |to| (*from, *to)));
    let coded: BTreeSet<_> = pairs
        .filter(|(from, to)| may_move(*from, *to))
        .map(|(from, to)| (name(from), name(to)))
        .collect();
    assert_eq!(
        drawn, coded,
        "moves of a {what}: the README left, the code right"
    );
}

#[test]
fn the_readme_s_tables_of_states_are_the_code_s() {
    check_table("task", &Phase::ALL, Phase::name, may_move);
    check_table(
        "session",
        &SessionPhase::ALL,
        SessionPhase::name,
        SessionPhase::may_move,
    );
    check_table(
        "batch",
        &StagePhase::ALL,
        StagePhase::name,
        StagePhase::may_move,
    );
    check_table(
        "stage",
        &StageState::ALL,
        StageState::name,
        StageState::may_move,
    );
    check_table(
        "breaker",
        &BreakerPhase::ALL,
        BreakerPhase::name,
        BreakerPhase::may_move,
    );
    check_table(
        "mark",
        &FlightMark::ALL,
        FlightMark::name,
        FlightMark::may_move,
    );
}

#[test]
fn the_readme_names_the_sets_of_a_tick_in_their_order() {
    let readme = readme();
    let sets = [
        "Intake",
        "Completion",
        "Advance",
        "Retry",
        "Plan",
        "Dispatch",
        "Persist",
        "Observe",
    ];
    let systems = fs::read_to_string(root().join("engine/src/systems.rs")).expect("it is there");
    let mut at = (0, 0);
    for set in sets {
        let in_readme = readme
            .find(&format!("**{set}**"))
            .expect("every set is named");
        let in_chain = systems
            .find(&format!("TickSystems::{set},"))
            .expect("every set is chained");
        assert!(at.0 < in_readme && at.1 < in_chain, "{set} is out of order");
        at = (in_readme, in_chain);
    }
}

#[test]
fn the_readme_names_every_room_and_no_other() {
    let named: BTreeSet<_> = ladder().into_iter().collect();
    let mut rooms: BTreeSet<_> = of("engine").into_iter().map(|source| source.room).collect();
    rooms.retain(|room| room != "lib" && room != "main");
    assert_eq!(named, rooms);
}
