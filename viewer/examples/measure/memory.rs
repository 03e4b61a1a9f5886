//! Bytes a task, URL aside: columns of the mirror, cells, texels on the GPU.

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::{
    field::layout::Rect,
    headless::{self, Viewer},
    theme::Appearance,
};

use crate::{
    grouped,
    load::{Load, run_up},
};

pub fn print(is_quick: bool) {
    let loads: &[(u32, u32)] = if is_quick {
        &[(100_000, 6)]
    } else {
        &[
            (100_000, 6),
            (100_000, 200),
            (1_000_000, 1),
            (1_000_000, 12),
        ]
    };
    let mut rows = Vec::new();
    for &(tasks, hosts) in loads {
        let load = Load {
            tasks,
            hosts,
            changes_per_second: f64::from(tasks) / 10.0,
        };
        let mut app = headless::app(load.source(1.0), Appearance::default());
        let mut viewer = Viewer(app.world_mut());
        viewer.set_area(Rect::new(0.0, 0.0, 1280.0, 720.0), 1.0);
        run_up(&mut viewer);
        let gpu_bytes = viewer.compose().gpu_bytes();
        let a_task = |bytes: usize| bytes as f64 / f64::from(tasks);
        let cells = &viewer.field().cells;
        let cpu = a_task(viewer.feed().mirror.column_bytes()) + a_task(cells.bytes());
        let told = format!("{} tasks, {hosts} hosts", grouped(tasks));
        rows.push(Row::figure(format!("{told}: mirror and cells"), cpu).bound(Bound::AtMost(64.0)));
        let gpu = a_task(gpu_bytes);
        rows.push(Row::figure(format!("{told}: on the GPU"), gpu).bound(Bound::AtMost(32.0)));
    }
    println!(
        "{}",
        Table {
            name: "memory",
            title: "bytes a task, its URL aside".to_owned(),
            rows,
        }
    );
}
