//! What a hand waits for: hover, a click, a lasso round everything, a search.

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::{
    compose::compose,
    field::{lasso, layout::Rect},
    render::Scene,
    show::Show,
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
        let mut show = load.show(1.0);
        show.set_area(Rect::new(0.0, 0.0, SIZE[0], SIZE[1]), 1.0);
        run_up(&mut show);
        let mut scene = Scene::default();
        let mut ready = |show: &mut Show| {
            compose(show, &mut scene, SIZE);
            (scene.refill, scene.points) = (None, Vec::new());
        };
        ready(&mut show);
        let pick = |show: &Show, at: usize| {
            let (x, y) = (
                40.0 + (at * 97 % 1200) as f32,
                60.0 + (at * 61 % 600) as f32,
            );
            let (block, cell) = show.view.pick(&show.placed, x, y)?;
            show.board.slot_in(block, cell?)
        };
        let mut row = |what: &str, ms: f64| {
            let row = Row::figure(format!("{} tasks: {what}", grouped(tasks)), ms);
            rows.push(row.bound(Bound::AtMost(16.0)));
        };
        let hover = mean(20_000, &mut |at| {
            let slot = pick(&show, at);
            show.hover(slot);
            ready(&mut show);
        });
        row("hover", hover);
        let click = mean(20_000, &mut |at| {
            let slot = pick(&show, at);
            show.select(slot.into_iter().collect::<Vec<_>>());
            ready(&mut show);
        });
        row("select", click);
        for (what, right) in [("lasso of half", SIZE[0] / 2.0), ("lasso of all", SIZE[0])] {
            let ms = mean(30, &mut |at| {
                // A shape with many corners, as a hand draws one.
                let mut polygon: Vec<(f32, f32)> = (0..200_u8)
                    .map(|n| (right * f32::from(n) / 199.0, f32::from(n % 2) * 3.0))
                    .collect();
                polygon.extend([(right, SIZE[1]), (0.0, SIZE[1])]);
                let slots = lasso::tasks_in(&polygon, &show.board, &show.placed);
                assert!(at > 0 || slots.len() as f32 > 0.3 * f32::from(u16::MAX));
                show.select(slots);
                ready(&mut show);
            });
            row(what, ms);
        }
        show.select(Vec::new());
        let search = mean(20, &mut |at| {
            show.sieve.search(["product/77", "product/1"][at % 2]);
            show.sift();
            ready(&mut show);
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
