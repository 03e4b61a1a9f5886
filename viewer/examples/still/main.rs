//! A still of a made-up crawl, to look at while drawing: `still OUT.png TASKS HOSTS SECONDS …`.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    dead_code,
    unreachable_pub,
    reason = "a made-up crawl for looking at: its numbers are small, and nobody imports it"
)]

#[path = "../../tests/support/synthetic.rs"]
mod synthetic;

use crawlfield_viewer::{
    field::board::Arrangement,
    panels::{self, Panels, Playback, Tab},
    picture::Studio,
    show::{Choices, Show},
    source::Source,
    theme::ThemeName,
};
use synthetic::{Plan, Synthetic};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: f64| {
        arguments
            .get(at)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let tasks = number(1, 1000.0) as u32;
    let plan = Plan {
        tasks,
        hosts: number(2, 6.0) as u32,
        moves_per_second: number(4, f64::from(tasks) / 3.0),
        failing: 0.08,
        broken: Some(1),
        seed: 7,
    };
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let theme = if has("light") {
        ThemeName::Light
    } else {
        ThemeName::Dark
    };
    let source = Source::Frames(Box::new(Synthetic::new(plan)));
    let show = Show::new(
        source,
        Choices {
            theme,
            ..Choices::default()
        },
    );
    let size = if has("4k") { (3840, 2160) } else { (1280, 720) };
    let mut studio = Studio::open_with(show, size.0, size.1, |app| {
        if has("panels") {
            panels::plugin(app);
            let mut panels = app.world_mut().resource_mut::<Panels>();
            panels.is_still = true;
            for (word, tab) in [
                ("hosts", Tab::Hosts),
                ("letters", Tab::Letters),
                ("events", Tab::Events),
            ] {
                if has(word) {
                    panels.tab = tab;
                }
            }
            panels.is_help_open = has("help");
            panels.is_bare = has("bare");
            if has("host") {
                panels.host = Some(crawlfield_engine::model::ids::HostId(2));
            }
            app.world_mut().resource_mut::<Playback>().is_replay = has("replay");
            app.world_mut().resource_mut::<Playback>().range_us = (0, 60_000_000);
        }
    });
    if has("flow") {
        studio.show().arrange(Arrangement::Flow);
    }
    let until = (number(3, 6.0) * 1e6) as u64;
    let mut at = 0;
    while at < until {
        at += 100_000;
        studio.show().advance(at);
    }
    if has("near") {
        studio.show().view.zoom_at(4.0, 200.0, 200.0);
    }
    for _ in 0..3 {
        studio.draw();
    }
    if has("task") || has("lasso") {
        let phases: Vec<u8> = studio.show().mirror.phases().to_vec();
        let slots: Vec<u32> = (0_u32..)
            .zip(phases)
            .filter(|(_, phase)| *phase == 7)
            .map(|(slot, _)| slot)
            .collect();
        let many = if has("task") { 1 } else { 40 };
        let slots: Vec<u32> = slots.into_iter().take(many).collect();
        studio.show().select(slots);
    }
    let began = std::time::Instant::now();
    for _ in 0..20 {
        at += 16_000;
        studio.show().advance(at);
        studio.draw();
    }
    eprintln!(
        "{:.1} ms a frame",
        began.elapsed().as_secs_f64() * 1000.0 / 20.0
    );
    studio
        .shoot()
        .expect("a picture")
        .save(&arguments[0])
        .expect("a file");
}
