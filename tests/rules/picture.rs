//! The README's pictures agree with the code.

use std::{collections::BTreeSet, fs};

use crawlfield_engine::model::phase::{Phase, may_move};

use crate::{
    directions::ladder,
    source::{of, root},
};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("there is a README")
}

#[test]
fn the_readme_lists_every_arrow_of_a_tasks_life_and_no_other() {
    let readme = readme();
    let table = readme
        .split("## The life of a task")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the README has a chapter on the life of a task");
    let phase = |name: &str| Phase::ALL.into_iter().find(|phase| phase.name() == name);
    let mut drawn = BTreeSet::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [from, to] = cells.as_slice() else {
            continue;
        };
        let Some(from) = phase(from) else { continue };
        for to in to.split(',').map(str::trim) {
            let to = phase(to).unwrap_or_else(|| panic!("{to:?} is no phase"));
            drawn.insert((from, to));
        }
    }
    let all = || Phase::ALL.into_iter();
    let coded: BTreeSet<_> = all()
        .flat_map(|from| all().map(move |to| (from, to)))
        .filter(|(from, to)| may_move(*from, *to))
        .collect();
    assert_eq!(drawn, coded);
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
