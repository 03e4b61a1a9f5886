//! Whole frames through Bevy and the driver: wall and CPU time, and what of it is ours.

use std::time::Instant;

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::{
    field::{Arrangement, layout::Rect, picking, view::View},
    headless::{self, Viewer},
    offscreen::Offscreen,
    theme::Appearance,
};

use crate::{
    grouped,
    load::{Load, RUN_UP_US, run_up},
    usage::{Usage, at_share},
};

/// Frames in one measurement of CPU time, and measurements.
const BATCH: u32 = 20;

/// What a run of frames cost, in milliseconds a frame.
struct Cost {
    median: f64,
    /// The lower tenth: others use the machine too.
    least: f64,
    ours: f64,
    driver: f64,
}

pub fn print_frames(is_quick: bool) {
    let mut screen = Offscreen::empty(1280, 720);
    let told = screen.adapter();
    let empty = run(&mut screen, None, batches(is_quick));
    drop(screen);
    let mut rows = vec![Row::figure(
        "an empty app, frames a second",
        1e3 / empty.least,
    )];
    let is_software = told.contains("software");
    let tasks: &[u32] = if is_quick {
        &[100_000]
    } else {
        &[10, 1_000, 10_000, 100_000, 1_000_000]
    };
    for &tasks in tasks {
        let load = Load {
            tasks,
            hosts: 6.min(tasks),
            changes_per_second: f64::from(tasks) / 10.0,
        };
        for arrangement in [Arrangement::Territory, Arrangement::Flow] {
            let mut screen = opened(load, (1280, 720), arrangement, is_quick);
            let step = if tasks < 1_000_000 { 40_000 } else { 50_000 };
            let cost = run(&mut screen, Some(step), batches(is_quick));
            let name = format!("{} tasks, {arrangement:?}", grouped(tasks));
            let rate = Row::figure(format!("{name}, frames a second"), 1e3 / cost.least);
            rows.push(match (tasks, is_software) {
                (100_000, true) => rate.bound(Bound::AtLeast(25.0)),
                (1_000_000, true) => rate.bound(Bound::AtLeast(20.0)),
                (1_000_000, false) => rate.bound(Bound::AtLeast(60.0)),
                _ => rate,
            });
            rows.push(Row::figure("   the same, median frame", 1e3 / cost.median));
            rows.push(Row::figure(
                "   ms of CPU a frame, the driver's",
                cost.driver,
            ));
            rows.push(Row::figure("   ms of CPU a frame, ours", cost.ours));
        }
    }
    println!(
        "{}",
        Table {
            name: "frames",
            title: format!("1280x720, field alone, off-screen, each frame waited for, on {told}"),
            rows,
        }
    );
}

pub fn print_cpu(is_quick: bool) {
    let mut screen = Offscreen::empty(64, 36);
    let empty = run(&mut screen, None, batches(is_quick)).ours;
    drop(screen);
    let mut rows = vec![Row::figure("an empty app, whole", empty)];
    let loads: &[(u32, f64, u32, f64)] = if is_quick {
        &[(100_000, 10_000.0, 30, 1.0)]
    } else {
        &[
            (100_000, 10_000.0, 60, 1.0),
            (100_000, 10_000.0, 25, 1.0),
            (1_000_000, 100_000.0, 60, 3.0),
            (1_000_000, 100_000.0, 20, 3.0),
        ]
    };
    for &(tasks, changes_per_second, fps, most) in loads {
        let load = Load {
            tasks,
            hosts: 12,
            changes_per_second,
        };
        let mut screen = opened(load, (64, 36), Arrangement::Territory, is_quick);
        let parts = parts(load, fps, is_quick);
        let cost = run(
            &mut screen,
            Some(1_000_000 / u64::from(fps)),
            batches(is_quick),
        );
        let name = format!(
            "{} tasks, {changes_per_second} changes and {fps} frames a second",
            grouped(tasks)
        );
        rows.push(Row::figure(name, cost.ours - empty).bound(Bound::AtMost(most)));
        rows.push(Row::figure("   of it mirror and cells", parts.0));
        rows.push(Row::figure("   of it the scene, hover, camera", parts.1));
    }
    println!(
        "{}",
        Table {
            name: "cpu",
            title: "ms of CPU of a frame above an empty app, the driver's threads aside".to_owned(),
            rows,
        }
    );
}

/// Median milliseconds of following the feed, and of writing the scene with hover and camera.
fn parts(load: Load, fps: u32, is_quick: bool) -> (f64, f64) {
    let source = load.source(seconds(is_quick));
    let mut app = headless::app(source, Appearance::default());
    let mut viewer = Viewer(app.world_mut());
    viewer.set_area(Rect::new(0.0, 0.0, 1280.0, 720.0), 1.0);
    run_up(&mut viewer);
    viewer.compose();
    let (mut follow, mut write) = (Vec::new(), Vec::new());
    let mut at = RUN_UP_US;
    for n in 0..batches(is_quick) * BATCH {
        at += 1_000_000 / u64::from(fps);
        let began = Instant::now();
        viewer.advance(at);
        follow.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        point(&mut viewer, n, 1280.0, 720.0);
        viewer.compose().updates.clear();
        write.push(began.elapsed().as_secs_f64() * 1e3);
    }
    follow.sort_by(f64::total_cmp);
    write.sort_by(f64::total_cmp);
    (at_share(&follow, 0.5), at_share(&write, 0.5))
}

/// The pointer moves and the camera with it.
fn point(viewer: &mut Viewer<'_>, n: u32, width: f32, height: f32) {
    let (x, y) = (width * 0.3 + (n % 50) as f32, height * 0.4 + (n % 7) as f32);
    let field = viewer.field();
    let under = picking::pick(viewer.view(), &field.placed, x, y);
    let slot = under.and_then(|(block, cell)| field.cells.slot_in(block, cell?));
    viewer.hover(slot);
    let by = if n.is_multiple_of(2) { 0.5 } else { -0.5 };
    viewer.0.resource_mut::<View>().drag(by, 0.0);
}

const fn batches(is_quick: bool) -> u32 {
    if is_quick { 4 } else { 12 }
}

/// Engine time that all measured frames cover, at most 20 a second slow.
fn seconds(is_quick: bool) -> f64 {
    f64::from(batches(is_quick) * BATCH + 60) / 20.0
}

fn opened(load: Load, size: (u32, u32), arrangement: Arrangement, is_quick: bool) -> Offscreen {
    let source = load.source(seconds(is_quick));
    let mut screen = Offscreen::open(source, Appearance::default(), size);
    run_up(&mut screen.viewer());
    screen.viewer().arrange(arrangement);
    screen
}

fn run(screen: &mut Offscreen, step_us: Option<u64>, batches: u32) -> Cost {
    let mut at = RUN_UP_US;
    let mut frame = |screen: &mut Offscreen, n: u32| {
        if let Some(step) = step_us {
            at += step;
            let mut viewer = screen.viewer();
            viewer.advance(at);
            let area = viewer.view().area;
            point(&mut viewer, n, area.width(), area.height());
        }
        screen.draw();
        screen.wait();
    };
    for n in 0..10 {
        frame(screen, n);
    }
    let (mut walls, mut ours, mut driver) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..batches {
        let before = Usage::now();
        for n in 0..BATCH {
            let began = Instant::now();
            frame(screen, n);
            walls.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let spent = Usage::now().since(before);
        ours.push(spent.ours.as_secs_f64() * 1e3 / f64::from(BATCH));
        driver.push(spent.driver.as_secs_f64() * 1e3 / f64::from(BATCH));
    }
    for times in [&mut walls, &mut ours, &mut driver] {
        times.sort_by(f64::total_cmp);
    }
    Cost {
        median: at_share(&walls, 0.5),
        least: at_share(&walls, 0.1),
        ours: at_share(&ours, 0.25),
        driver: at_share(&driver, 0.25),
    }
}
