//! Bytes a task, URL aside: columns of the mirror, cells of the board, texels on the GPU.

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::{compose::compose, field::layout::Rect, render::Scene};

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
        let mut show = load.show(1.0);
        show.set_area(Rect::new(0.0, 0.0, 1280.0, 720.0), 1.0);
        run_up(&mut show);
        let mut scene = Scene::default();
        compose(&mut show, &mut scene, [1280.0, 720.0]);
        let a_task = |bytes: usize| bytes as f64 / f64::from(tasks);
        let cpu = a_task(show.mirror.column_bytes()) + a_task(show.board.bytes());
        let told = format!("{} tasks, {hosts} hosts", grouped(tasks));
        rows.push(Row::figure(format!("{told}: mirror and board"), cpu).bound(Bound::AtMost(64.0)));
        let gpu = a_task(scene.gpu_bytes());
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
