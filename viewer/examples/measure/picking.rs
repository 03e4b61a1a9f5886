//! What a hand waits for: hover, a click, a lasso round everything, a search.

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::{
    field::{layout::Rect, picking},
    headless::{self, Viewer},
    theme::Appearance,
};

use crate::{
    grouped,
    load::{Load, run_up},
    usage::this_thread,
};

const SIZE: [f32; 2] = [1280.0, 720.0];

pub fn print(is_quick: bool) {
    let loads: &[u32] = if is_quick {
        &[100_000]
    } else {
        &[100_000, 1_000_000]
    };
    let mut rows = Vec::new();
    for &tasks in loads {
        let load = Load {
            tasks,
            hosts: 12,
            changes_per_second: f64::from(tasks) / 10.0,
        };
        let mut app = headless::app(load.source(1.0), Appearance::default());
        let mut viewer = Viewer(app.world_mut());
        viewer.set_area(Rect::new(0.0, 0.0, SIZE[0], SIZE[1]), 1.0);
        run_up(&mut viewer);
        ready(&mut viewer);
        let mut row = |what: &str, ms: f64| {
            let row = Row::figure(format!("{} tasks: {what}", grouped(tasks)), ms);
            rows.push(row.bound(Bound::AtMost(16.0)));
        };
        let hover = mean(20_000, &mut |at| {
            let slot = pick(&viewer, at);
            viewer.hover(slot);
            ready(&mut viewer);
        });
        row("hover", hover);
        let click = mean(20_000, &mut |at| {
            let slot = pick(&viewer, at);
            viewer.select(slot.into_iter().collect::<Vec<_>>());
            ready(&mut viewer);
        });
        row("select", click);
        for (what, right) in [("lasso of half", SIZE[0] / 2.0), ("lasso of all", SIZE[0])] {
            let ms = mean(30, &mut |at| {
                // A shape with many corners, as a hand draws one.
                let mut polygon: Vec<(f32, f32)> = (0..200_u8)
                    .map(|n| (right * f32::from(n) / 199.0, f32::from(n % 2) * 3.0))
                    .collect();
                polygon.extend([(right, SIZE[1]), (0.0, SIZE[1])]);
                let field = viewer.field();
                let slots = picking::tasks_in(&polygon, &field.cells, &field.placed);
                assert!(at > 0 || slots.len() as f32 > 0.3 * f32::from(u16::MAX));
                viewer.select(slots);
                ready(&mut viewer);
            });
            row(what, ms);
        }
        viewer.select(Vec::new());
        let search = mean(20, &mut |at| {
            viewer.search(["product/77", "product/1"][at % 2]);
            ready(&mut viewer);
        });
        rows.push(Row::figure(
            format!("{} tasks: a letter of a search", grouped(tasks)),
            search,
        ));
    }
    println!(
        "{}",
        Table {
            name: "picking",
            title: "ms of CPU until the next frame's upload is ready".to_owned(),
            rows,
        }
    );
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
fn mean(tries: u32, act: &mut dyn FnMut(usize)) -> f64 {
    act(0);
    let before = this_thread();
    for at in 1..=tries {
        act(at as usize);
    }
    let spent = this_thread().saturating_sub(before);
    spent.as_secs_f64() * 1e3 / f64::from(tries)
}
