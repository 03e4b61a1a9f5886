//! Rooms import only what lies below them.

use crate::source::{imports, of};

/// Room, what it may import beside itself, and why.
const MAY_IMPORT: [(&str, &[&str], &str); 14] = [
    (
        "model",
        &["extract", "feed", "politeness", "ports", "site"],
        "nouns hold plain data and pure policy; they never see a system or a far end",
    ),
    (
        "ports",
        &["extract", "model", "site"],
        "letters are plain data",
    ),
    (
        "systems",
        &[
            "extract",
            "feed",
            "model",
            "politeness",
            "ports",
            "settings",
            "site",
        ],
        "systems send orders; they never touch a far end, a store or a file",
    ),
    (
        "live",
        &[
            "extract",
            "model",
            "politeness",
            "ports",
            "settings",
            "site",
            "store",
        ],
        "hands know the letters and pure policy, not the engine",
    ),
    (
        "sim",
        &["extract", "feed", "model", "ports", "settings", "site"],
        "hands know the letters, not the engine",
    ),
    (
        "extract",
        &["model", "politeness", "settings", "site"],
        "extraction is pure: page and stage in, records and links out",
    ),
    (
        "site",
        &["extract", "model", "settings"],
        "the site file is pure: text in, compiled site out",
    ),
    (
        "politeness",
        &["feed", "model", "ports", "settings", "site"],
        "policy is pure: plain values in, plain values out",
    ),
    (
        "store",
        &["extract", "model", "ports", "site"],
        "a store knows its verbs, not who sends them",
    ),
    ("feed", &["model"], "the feed tells; it asks nobody"),
    ("progress", &["feed", "model"], "a view reads the feed only"),
    (
        "settings",
        &["politeness", "ports", "site"],
        "settings are plain data",
    ),
    (
        "demo",
        &["site"],
        "the demo is a web site, not a part of the engine",
    ),
    (
        "engine",
        &["feed", "model", "ports", "settings", "systems"],
        "only here systems meet the outside, as plain data",
    ),
];

#[test]
fn rooms_import_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for source in of("engine") {
        let Some((room, may, why)) = MAY_IMPORT.iter().find(|(room, ..)| *room == source.room)
        else {
            continue;
        };
        let rooms = of("engine")
            .into_iter()
            .map(|source| source.room)
            .collect::<std::collections::BTreeSet<_>>();
        for import in imports(&source.text, "crate") {
            let is_room = rooms.contains(&import) && import != "lib" && import != "main";
            if is_room && import != *room && !may.contains(&import.as_str()) {
                wrong.push(format!(
                    "engine/src/{}: `{room}` imports `{import}`, but {why}",
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
fn far_ends_and_pure_rooms_never_name_the_world() {
    let strangers = [
        "live",
        "sim",
        "extract",
        "site",
        "politeness",
        "store",
        "demo",
        "progress",
        "feed",
        "ports",
        "settings",
        "cli",
    ];
    for source in of("engine") {
        assert!(
            !strangers.contains(&source.room.as_str()) || !source.text.contains("bevy_ecs::"),
            "engine/src/{}: only model, systems and engine know the World",
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
        let allowed = ["live", "demo", "start", "cli", "progress"].contains(&source.room.as_str());
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
        "cli", "feed", "model", "ports", "progress", "settings", "start",
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
