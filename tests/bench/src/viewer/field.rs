//! The field without Bevy: its colours, bytes a task, and what a hand waits for.

use crawlfield_viewer::{field::picking, headless::Viewer, theme::ThemeName};

use super::{
    Load,
    difference::{Vision, contrast, delta_e, lab, linear},
    tasks,
};
use crate::{
    Options,
    table::{Part, Row},
    timing::cpu_of_this_thread,
};

const SIZE: [f32; 2] = [1280.0, 720.0];

/// How far the eight colours of states lie apart, in four kinds of vision and two themes.
pub(crate) fn colours() -> Part {
    let mut rows = Vec::new();
    for name in [ThemeName::Dark, ThemeName::Light] {
        let theme = name.theme();
        let states = theme.states.all();
        for vision in Vision::ALL {
            let seen = states.map(|hex| lab(vision.see(linear(hex))));
            let pairs = (0..seen.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
            let least = pairs
                .map(|(a, b)| delta_e(seen[a], seen[b]))
                .fold(f64::MAX, f64::min);
            let what = format!("{name:?}, {vision:?}: least difference of two (ΔE2000)");
            rows.push(Row::figure(what, least).at_least(15.0));
        }
        let grounds = [theme.background, theme.panel];
        let least = states
            .iter()
            .flat_map(|hex| grounds.map(|ground| contrast(linear(*hex), linear(ground))))
            .fold(f64::MAX, f64::min);
        let what = format!("{name:?}: least contrast with its ground");
        rows.push(Row::figure(what, least).at_least(3.0));
    }
    Part {
        title: "the eight colours of states".to_owned(),
        rows,
    }
}

/// Bytes a task: columns of the mirror, cells, texels on the GPU.
pub(crate) fn memory(options: &Options) -> Part {
    let loads: &[(u32, u32)] = options.pick(
        &[
            (100_000, 6),
            (100_000, 200),
            (1_000_000, 1),
            (1_000_000, 12),
        ],
        &[(100_000, 6)],
        &[(5_000, 6)],
    );
    let mut rows = Vec::new();
    for &(n, hosts) in loads {
        let mut app = Load::usual(n, hosts).shown(1.0, SIZE);
        let mut viewer = Viewer(app.world_mut());
        let gpu_bytes = viewer.compose().gpu_bytes();
        let a_task = |bytes: usize| bytes as f64 / f64::from(n);
        let cpu =
            a_task(viewer.feed().mirror.column_bytes()) + a_task(viewer.field().cells.bytes());
        let told = format!("{}, {hosts} hosts", tasks(n));
        rows.push(Row::figure(format!("{told}: mirror and cells"), cpu).at_most(64.0));
        let gpu = a_task(gpu_bytes);
        rows.push(Row::figure(format!("{told}: on the GPU"), gpu).at_most(32.0));
    }
    Part {
        title: "bytes a task, its URL aside".to_owned(),
        rows,
    }
}

/// Hover, a click, a lasso round everything, a search.
pub(crate) fn picking(options: &Options) -> Part {
    let loads: &[u32] = options.pick(&[100_000, 1_000_000], &[100_000], &[5_000]);
    let mut rows = Vec::new();
    for &n in loads {
        pick_among(n, options, &mut rows);
    }
    Part {
        title: "ms of CPU until the next frame's upload is ready".to_owned(),
        rows,
    }
}

fn pick_among(n: u32, options: &Options, rows: &mut Vec<Row>) {
    let mut app = Load::usual(n, 12).shown(1.0, SIZE);
    let mut viewer = Viewer(app.world_mut());
    ready(&mut viewer);
    let mut row = |what: &str, ms: f64| {
        let row = Row::figure(format!("{}: {what}", tasks(n)), ms);
        rows.push(if what == "a letter of a search" {
            row
        } else {
            row.at_most(16.0)
        });
    };
    let often = options.pick(20_000, 20_000, 20);
    let hover = mean(often, &mut |at| {
        let slot = pick(&viewer, at);
        viewer.hover(slot);
        ready(&mut viewer);
    });
    row("hover", hover);
    let click = mean(often, &mut |at| {
        let slot = pick(&viewer, at);
        viewer.select(slot.into_iter().collect::<Vec<_>>());
        ready(&mut viewer);
    });
    row("select", click);
    for (what, right) in [("lasso of half", SIZE[0] / 2.0), ("lasso of all", SIZE[0])] {
        let ms = mean(options.pick(30, 30, 1), &mut |_| {
            // A shape with many corners, as a hand draws one.
            let mut polygon: Vec<(f32, f32)> = (0..200_u8)
                .map(|n| (right * f32::from(n) / 199.0, f32::from(n % 2) * 3.0))
                .collect();
            polygon.extend([(right, SIZE[1]), (0.0, SIZE[1])]);
            let field = viewer.field();
            let slots = picking::tasks_in(&polygon, &field.cells, &field.placed);
            assert!(slots.len() > n as usize / 6, "a lasso of half holds more");
            viewer.select(slots);
            ready(&mut viewer);
        });
        row(what, ms);
    }
    viewer.select(Vec::new());
    let search = mean(options.pick(20, 20, 1), &mut |at| {
        viewer.search(["product/77", "product/1"][at % 2]);
        ready(&mut viewer);
    });
    row("a letter of a search", search);
}

/// Makes the scene, as for the next frame.
fn ready(viewer: &mut Viewer<'_>) {
    let mut scene = viewer.compose();
    (scene.refill, scene.updates) = (None, Vec::new());
}

fn pick(viewer: &Viewer<'_>, at: usize) -> Option<u32> {
    let (x, y) = (
        40.0 + (at * 97 % 1200) as f32,
        60.0 + (at * 61 % 600) as f32,
    );
    let field = viewer.field();
    let (block, cell) = picking::pick(viewer.view(), &field.placed, x, y)?;
    field.cells.slot_in(block, cell?)
}

/// The mean of several tries, in milliseconds of this thread's CPU time: the kernel keeps its
/// books by ticks of some milliseconds. The first try grows what is kept.
fn mean(tries: usize, act: &mut dyn FnMut(usize)) -> f64 {
    act(0);
    let before = cpu_of_this_thread();
    for at in 1..=tries {
        act(at);
    }
    let spent = cpu_of_this_thread().saturating_sub(before);
    spent.as_secs_f64() * 1e3 / tries as f64
}
