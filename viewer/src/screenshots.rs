//! Pictures for `--screenshot` and `--frames`: always from a recording, so that the same time gives the same picture.
//! A live run is recorded first.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crawlfield_engine::{
    cli::{Failure, print_stderr},
    run,
};
use image::RgbaImage;

use crate::{
    cli::flags::Flags,
    crawl::Crawl,
    headless::Viewer,
    numbers::{to_u64, wide},
    offscreen::Offscreen,
    panels::{self, LastPaint},
    pin::Pinned,
    playback::Playback,
    replay::Replay,
    source::Source,
};

/// A live run's picture is taken here, where nobody says when.
const DEMO_AT: f64 = 5.0;
/// A live run's pictures cover this, where nobody says how long.
const DEMO_LENGTH: f64 = 10.0;
/// A live run goes on so many seconds after the last picture.
const AFTER: f64 = 0.5;
/// The curves show at most so much of what was before.
const HISTORY_US: u64 = 900_000_000;
/// Steps through what was before.
const STRIDE_US: u64 = 500_000;
/// What flies and fades began at most so long before.
const RUN_UP_US: u64 = 3_000_000;
/// Steps of the run-up.
const STEP_US: u64 = 25_000;

/// Takes the pictures that the flags ask for.
///
/// # Errors
/// The job, the recording or a file fails; the text says where.
pub fn take(flags: &Flags) -> Result<(), Failure> {
    if let Some(path) = &flags.replay {
        return draw(flags, path, false);
    }
    let scratch = Scratch::new()?;
    let recording = scratch.0.join("run.cfr");
    let (job, settings) = flags.job()?;
    let store = flags.store_for(&job);
    let (crawl, recorder) = Crawl::begin(job, store.as_deref(), &settings, |running| {
        run::record(running, &recording)
            .map_err(|error| Failure::internal(format!("the run cannot be recorded: {error}")))
    })?;
    let end = match (&flags.frames, flags.moment(), flags.length) {
        (Some(_), at, length) => at.unwrap_or(0.0) + length.unwrap_or(DEMO_LENGTH),
        (None, at, _) => at.unwrap_or(DEMO_AT),
    };
    // Its stop must not be in the last picture.
    crawl.watch(Duration::from_secs_f64(end + AFTER));
    crawl.end_recording(recorder)?;
    draw(flags, &recording, true)
}

fn draw(flags: &Flags, recording: &Path, is_live: bool) -> Result<(), Failure> {
    let replay = Replay::open(recording).map_err(Failure::usage)?;
    let (begin, end) = replay.span_us();
    let source = Source::Replay(Box::new(replay));
    let mut screen = Offscreen::open_with(source, flags.appearance(), flags.size, |app| {
        app.add_plugins(panels::plugin);
        let world = app.world_mut();
        world.resource_mut::<LastPaint>().is_still = true;
        world.resource_mut::<Pinned>().set(flags.pinned());
        if is_live {
            // A live run is shown as itself, a moment later.
            world.insert_resource(Playback::default());
        }
    });
    if let Some(path) = &flags.screenshot {
        let at = match flags.moment() {
            Some(at) => begin + micros(at),
            None if is_live => begin + micros(DEMO_AT),
            None => end,
        };
        play_to(&mut screen, at)?;
        return save(path, &shoot(&mut screen)?);
    }
    let Some(folder) = &flags.frames else {
        return Ok(());
    };
    fs::create_dir_all(folder)
        .map_err(|error| Failure::internal(format!("cannot make {}: {error}", folder.display())))?;
    let from = begin + micros(flags.moment().unwrap_or(0.0));
    let length = match flags.length {
        Some(length) => micros(length),
        None if is_live => micros(DEMO_LENGTH),
        None => end.saturating_sub(from),
    };
    play_to(&mut screen, from)?;
    let step = 1e6 / f64::from(flags.fps);
    let count = to_u64(wide(length) / step) + 1;
    for number in 0..count {
        screen.viewer().advance(from + to_u64(wide(number) * step));
        // A character shown for the first time reaches the adapter a frame later.
        screen.settle();
        let path = folder.join(format!("{number:06}.png"));
        save(&path, &shoot(&mut screen)?)?;
    }
    Ok(())
}

/// Plays to a time from before it, so that curves are drawn and what flies and fades is as it was.
/// Damage that was met by then is told on the time line and on stderr.
fn play_to(screen: &mut Offscreen, at_us: u64) -> Result<(), Failure> {
    let mut viewer = screen.viewer();
    let mut now = at_us.saturating_sub(HISTORY_US);
    viewer.seek(now).map_err(Failure::internal)?;
    while now < at_us {
        let step = if at_us - now > RUN_UP_US {
            STRIDE_US
        } else {
            STEP_US
        };
        now = (now + step).min(at_us);
        viewer.advance(now);
    }
    screen.settle();
    tell_damage(screen.viewer());
    Ok(())
}

fn tell_damage(viewer: Viewer<'_>) {
    let Viewer(world) = viewer;
    if let Some(damage) = world.resource::<Source>().damage() {
        print_stderr(&damage);
        world.resource_mut::<Playback>().damage = Some(damage);
    }
}

fn shoot(screen: &mut Offscreen) -> Result<RgbaImage, Failure> {
    screen.shoot().map_err(Failure::internal)
}

fn save(path: &PathBuf, picture: &RgbaImage) -> Result<(), Failure> {
    picture
        .save_with_format(path, image::ImageFormat::Png)
        .map_err(|error| {
            Failure::internal(format!("{} cannot be written: {error}", path.display()))
        })
}

/// Seconds as whole microseconds.
#[must_use]
pub fn micros(seconds: f64) -> u64 {
    to_u64((seconds * 1e6).round())
}

/// A folder that goes when the pictures are taken.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("crawlfield-stills-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| {
            Failure::internal(format!("cannot make {}: {error}", folder.display()))
        })?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
