//! The viewer's command line: a window, pictures, or the terminal where neither is asked for and no
//! window can open.

pub mod flags;

use std::process::ExitCode;

use bevy::prelude::App;

use crawlfield_engine::cli::{
    Exit, Failure,
    crawl::{OutputFlags, crawl},
    print_stderr, program,
    run::{Scratch, refuse_stopped},
};

use crate::{
    crawl::{Crawl, Runs},
    headless::Viewer,
    panels::Captions,
    pin::Pinned,
    probe::Requirement,
    replay::Replay,
    screenshots,
    source::Source,
    window,
};
use flags::Flags;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    program(|flags: Flags| match flags.probe {
        Some(need) => Ok(need.answer_here()),
        None => run(flags),
    })
}

fn run(mut flags: Flags) -> Result<Exit, Failure> {
    flags.check()?;
    if flags.wants_pictures() {
        Requirement::Adapter
            .check()
            .map_err(|missing| Failure::internal(missing.message))?;
        screenshots::take(&flags)?;
        return Ok(Exit::Done);
    }
    match Requirement::Display
        .check()
        .and_then(|()| Requirement::Adapter.check())
    {
        Ok(()) => in_window(&flags),
        Err(missing) if flags.window => Err(Failure::internal(missing.message)),
        Err(missing) if flags.replay.is_some() => Err(Failure::internal(format!(
            "{}; a recording needs a window, or `--screenshot OUT.png --at SECONDS`, which needs \
             an adapter only",
            missing.message
        ))),
        Err(missing) => {
            let command = flags.terminal_command();
            // The story is for people who see it.
            flags.demo |= flags.site.is_none();
            print_stderr(&format!(
                "{}; until then the same job runs in this terminal, as `{command}` does",
                missing.message
            ));
            in_terminal(&flags)
        }
    }
}

fn in_window(flags: &Flags) -> Result<Exit, Failure> {
    if let Some(path) = &flags.replay {
        let replay = Replay::open(path).map_err(Failure::usage)?;
        if let Some(damage) = replay.damage() {
            print_stderr(&damage);
        }
        let source = Source::Replay(Box::new(replay));
        let mut app = window::app(
            source,
            None,
            flags.appearance(),
            flags.quality(),
            flags.size,
        );
        pin(&mut app, flags);
        if let Some(at) = flags.moment() {
            let mut viewer = Viewer(app.world_mut());
            let at_us = viewer.feed().now_us + screenshots::micros(at);
            viewer.seek(at_us).map_err(Failure::internal)?;
        }
        app.run();
        return Ok(Exit::Done);
    }
    let asked = flags.clone();
    let runs = Runs::new(move || {
        let (job, settings) = asked.job()?;
        let store = asked.store_for(&job);
        let (crawl, ()) = Crawl::begin(job, store.as_deref(), &settings, |_| Ok(()))?;
        Ok(crawl)
    });
    let (source, info) = runs.begin()?;
    let (look, quality) = (flags.appearance(), flags.quality());
    let mut app = window::app(source, Some(info), look, quality, flags.size);
    app.insert_resource(runs.clone());
    if flags.is_story() {
        app.insert_resource(Captions::of_story(1));
    }
    pin(&mut app, flags);
    app.run();
    Ok(runs.end())
}

/// Shows what the flags pin.
fn pin(app: &mut App, flags: &Flags) {
    let pin = flags.pinned();
    app.world_mut().resource_mut::<Pinned>().set(pin);
}

/// The same job with the progress view, to its end.
fn in_terminal(flags: &Flags) -> Result<Exit, Failure> {
    let (job, settings) = flags.job()?;
    let scratch = Scratch::new(flags.store_for(&job).as_deref())?;
    refuse_stopped(&scratch.store, &job)?;
    let (exit, _) = crawl(&[job], &scratch.store, &settings, &OutputFlags::default())?;
    Ok(exit)
}
