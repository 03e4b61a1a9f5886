//! Whole frames through Bevy and the driver: wall and CPU time, and what of it is ours.

use std::time::{Duration, Instant};

use crawlfield_viewer::{
    field::{Arrangement, picking, view::View},
    headless::Viewer,
    offscreen::Offscreen,
    probe::Requirement,
    theme::Appearance,
};

use super::{Load, RUN_UP_US, run_up, tasks};
use crate::{
    Options, Result,
    table::{Part, Row},
    timing::{median, millis_since, share, sorted, threads},
};

/// Frames in one measurement of CPU time.
const BATCH: u32 = 20;

/// What a run of frames cost, in milliseconds a frame.
struct Cost {
    median: f64,
    /// The lower tenth: others use the machine too.
    least: f64,
    /// CPU of the main thread and Bevy's pools.
    ours: f64,
    /// CPU of all other threads: the software renderer's own, and its queue's.
    driver: f64,
}

/// Frames a second on the adapter at hand.
pub(crate) fn measure(options: &Options) -> Result<Part> {
    has_adapter()?;
    let mut screen = Offscreen::empty(1280, 720);
    let adapter = screen.adapter();
    let empty = run(&mut screen, None, options);
    drop(screen);
    let mut rows = vec![Row::figure(
        "an empty app, frames a second",
        1e3 / empty.least,
    )];
    let is_software = adapter.contains("software");
    let loads: &[u32] = options.pick(
        &[10, 1_000, 10_000, 100_000, 1_000_000],
        &[100_000],
        &[1_000],
    );
    for &n in loads {
        for arrangement in [Arrangement::Territory, Arrangement::Flow] {
            let mut screen = opened(Load::usual(n, 6.min(n)), (1280, 720), options);
            screen.viewer().arrange(arrangement);
            let step = if n < 1_000_000 { 40_000 } else { 50_000 };
            let cost = run(&mut screen, Some(step), options);
            let name = format!("{}, {arrangement:?}", tasks(n));
            let rate = Row::figure(format!("{name}, frames a second"), 1e3 / cost.least);
            rows.push(match (n, is_software) {
                (100_000, true) => rate.at_least(25.0),
                (1_000_000, true) => rate.at_least(20.0),
                (1_000_000, false) => rate.at_least(60.0),
                _ => rate,
            });
            rows.extend([
                Row::figure("   the same, median frame", 1e3 / cost.median),
                Row::figure("   ms of CPU a frame, the driver's", cost.driver),
                Row::figure("   ms of CPU a frame, ours", cost.ours),
            ]);
        }
    }
    Ok(Part {
        title: format!("1280x720, field alone, off-screen, each frame waited for, on {adapter}"),
        rows,
    })
}

/// CPU of a frame above an empty app.
pub(crate) fn measure_cpu(options: &Options) -> Result<Part> {
    has_adapter()?;
    let mut screen = Offscreen::empty(64, 36);
    let empty = run(&mut screen, None, options).ours;
    drop(screen);
    let mut rows = vec![Row::figure("an empty app, whole", empty)];
    let loads: &[(u32, u32, f64)] = options.pick(
        &[
            (100_000, 60, 1.0),
            (100_000, 25, 1.0),
            (1_000_000, 60, 3.0),
            (1_000_000, 20, 3.0),
        ],
        &[(100_000, 30, 1.0)],
        &[(1_000, 30, 1.0)],
    );
    for &(n, fps, most) in loads {
        let load = Load::usual(n, 12);
        let step = 1_000_000 / u64::from(fps);
        let (follow, write) = parts(load, step, options);
        let mut screen = opened(load, (64, 36), options);
        let cost = run(&mut screen, Some(step), options);
        let changes = load.changes_per_second;
        let name = format!("{}, {changes} changes and {fps} frames a second", tasks(n));
        rows.extend([
            Row::figure(name, cost.ours - empty).at_most(most),
            Row::figure("   of it mirror and cells", follow),
            Row::figure("   of it the scene, hover, camera", write),
        ]);
    }
    Ok(Part {
        title: "ms of CPU of a frame above an empty app, the driver's threads aside".to_owned(),
        rows,
    })
}

fn has_adapter() -> Result<()> {
    Ok(Requirement::Adapter.check().map_err(|lack| lack.message)?)
}

/// Median milliseconds of following the feed, and of writing the scene with hover and camera.
fn parts(load: Load, step_us: u64, options: &Options) -> (f64, f64) {
    let size = [1280.0, 720.0];
    let mut app = load.shown(seconds(options), size);
    let mut viewer = Viewer(app.world_mut());
    viewer.compose();
    let (mut follow, mut write) = (Vec::new(), Vec::new());
    let mut at = RUN_UP_US;
    for n in 0..batches(options) * BATCH {
        at += step_us;
        let began = Instant::now();
        viewer.advance(at);
        follow.push(millis_since(began));
        let began = Instant::now();
        point(&mut viewer, n, size);
        viewer.compose().updates.clear();
        write.push(millis_since(began));
    }
    (median(follow), median(write))
}

/// The pointer moves and the camera with it.
fn point(viewer: &mut Viewer<'_>, n: u32, size: [f32; 2]) {
    let (x, y) = (
        size[0] * 0.3 + (n % 50) as f32,
        size[1] * 0.4 + (n % 7) as f32,
    );
    let field = viewer.field();
    let under = picking::pick(viewer.view(), &field.placed, x, y);
    let slot = under.and_then(|(block, cell)| field.cells.slot_in(block, cell?));
    viewer.hover(slot);
    let across = if n.is_multiple_of(2) { 0.5 } else { -0.5 };
    viewer.0.resource_mut::<View>().drag(across, 0.0);
}

/// Measurements of CPU time.
fn batches(options: &Options) -> u32 {
    options.pick(12, 4, 1)
}

/// Engine time that all measured frames cover, at most 20 a second slow.
fn seconds(options: &Options) -> f64 {
    f64::from(batches(options) * BATCH + 60) / 20.0
}

fn opened(load: Load, size: (u32, u32), options: &Options) -> Offscreen {
    let source = load.source(seconds(options));
    let mut screen = Offscreen::open(source, Appearance::default(), size);
    run_up(&mut screen.viewer());
    screen
}

/// Draws frames; with `step_us` the crawl goes on by so much before each.
fn run(screen: &mut Offscreen, step_us: Option<u64>, options: &Options) -> Cost {
    let mut at = RUN_UP_US;
    let mut frame = |screen: &mut Offscreen, n: u32| {
        if let Some(step) = step_us {
            at += step;
            let mut viewer = screen.viewer();
            viewer.advance(at);
            let area = viewer.view().area;
            point(&mut viewer, n, [area.width(), area.height()]);
        }
        screen.draw();
        screen.wait();
    };
    for n in 0..10 {
        frame(screen, n);
    }
    let (mut walls, mut ours, mut driver) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..batches(options) {
        let before = usage();
        for n in 0..BATCH {
            let began = Instant::now();
            frame(screen, n);
            walls.push(millis_since(began));
        }
        let after = usage();
        let a_frame = |spent: Duration| spent.as_secs_f64() * 1e3 / f64::from(BATCH);
        ours.push(a_frame(after.0.saturating_sub(before.0)));
        driver.push(a_frame(after.1.saturating_sub(before.1)));
    }
    let walls = sorted(walls);
    Cost {
        median: share(&walls, 0.5),
        least: share(&walls, 0.1),
        ours: share(&sorted(ours), 0.25),
        driver: share(&sorted(driver), 0.25),
    }
}

/// CPU time so far: of the main thread and Bevy's pools, and of all other threads, which are the
/// driver's and have no names.
fn usage() -> (Duration, Duration) {
    let pools = ["Compute Task", "Async Compute", "IO Task"];
    let mut usage = (Duration::ZERO, Duration::ZERO);
    for thread in threads() {
        let is_ours = thread.is_main || pools.iter().any(|pool| thread.name.starts_with(pool));
        *if is_ours { &mut usage.0 } else { &mut usage.1 } += thread.cpu;
    }
    usage
}
