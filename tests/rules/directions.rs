//! Which way imports point.

use std::fs;

use crate::source::{imports, of, root};

/// The engine's modules as the README's map lists them, the lowest first.
pub(crate) fn ladder() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let table = readme.split("| `engine/src` |").nth(1);
    let table = table.expect("the README's map is a table");
    let rows = table
        .lines()
        .skip(2)
        .map_while(|row| row.strip_prefix("| `"));
    let ladder: Vec<String> = rows
        .map(|row| row.split('`').next().unwrap_or_default().to_owned())
        .collect();
    assert!(
        ladder.len() > 10,
        "the README's map is not read: {ladder:?}"
    );
    ladder
}

#[test]
fn a_module_imports_only_what_stands_above_it_in_the_readme_s_map() {
    let ladder = ladder();
    let rung = |module: &str| ladder.iter().position(|other| other == module);
    let mut wrong = Vec::new();
    for source in of("engine") {
        if ["lib", "main"].contains(&source.room.as_str()) {
            continue;
        }
        let own = rung(&source.room);
        let own = own.unwrap_or_else(|| panic!("`{}` is not in the map", source.room));
        for import in imports(&source.text, "crate") {
            if rung(&import).is_some_and(|rung| rung > own) {
                wrong.push(format!(
                    "engine/src/{} imports `{import}`: what both need belongs to a module above both",
                    source.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn systems_never_import_each_other() {
    let shared = ["crawl", "TickSystems", "super"];
    for source in of("engine") {
        if source.room != "systems" {
            continue;
        }
        for import in imports(&source.text, "crate::systems") {
            assert!(
                shared.contains(&import.as_str()) || source.path == "systems.rs",
                "engine/src/{}: a system reads the world and the desk, not another system ({import})",
                source.path
            );
        }
    }
}

#[test]
fn only_world_systems_and_engine_know_bevy_s_world() {
    for source in of("engine") {
        let knows = ["world", "systems", "engine"].contains(&source.room.as_str());
        assert!(
            knows || !source.text.contains("bevy_ecs::"),
            "engine/src/{}: only world, systems and engine know it",
            source.path
        );
    }
}

#[test]
fn async_stays_with_the_sockets() {
    for source in of("engine") {
        let allowed = ["live", "demo", "serve"].contains(&source.room.as_str());
        let uses = source.text.contains("async fn")
            || source.text.contains("async move")
            || source.text.contains(".await");
        assert!(
            allowed || !uses,
            "engine/src/{}: async belongs to live, serve and demo",
            source.path
        );
    }
}

#[test]
fn wall_time_enters_only_at_the_live_end() {
    for source in of("engine") {
        let allowed = ["live", "demo", "run", "cli", "progress"].contains(&source.room.as_str());
        let asks = source.text.contains("Instant::now") || source.text.contains("SystemTime::now");
        assert!(
            allowed || !asks,
            "engine/src/{}: engine time is handed in; only the live end asks the wall clock",
            source.path
        );
    }
}

#[test]
fn the_viewer_sees_the_feed_commands_and_the_starter_only() {
    // `cli` for the flags, the settings and the exit codes that both programs share.
    let may = [
        "cli", "feed", "message", "model", "progress", "run", "settings",
    ];
    for source in of("viewer") {
        for import in imports(&source.text, "crawlfield_engine") {
            assert!(
                may.contains(&import.as_str()),
                "viewer/src/{}: the viewer reads the feed and asks through commands, it has no \
                 business with `{import}`",
                source.path
            );
        }
    }
}
