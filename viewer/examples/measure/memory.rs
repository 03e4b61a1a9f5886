//! Bytes a task, URL aside: columns of the mirror, cells of the board, texels on the GPU.

use crawlfield_viewer::{compose::compose, field::layout::Rect, render::Scene};

use crate::{
    grouped,
    load::{Load, run_up},
};

pub fn print(is_quick: bool) {
    println!("\nMemory a task, URL aside (wanted: at most 64 bytes CPU, 32 GPU)");
    println!(
        "{:>10} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "tasks", "hosts", "mirror", "board", "CPU", "GPU"
    );
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
        let mirror = a_task(show.mirror.column_bytes());
        let board = a_task(show.board.bytes());
        println!(
            "{:>10} {hosts:>6} {mirror:>8.1} {board:>8.1} {:>8.1} {:>8.1}",
            grouped(tasks),
            mirror + board,
            a_task(scene.gpu_bytes()),
        );
    }
}
