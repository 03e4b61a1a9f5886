//! Motion: at any distance many completions a second make the picture shimmer, never flicker; and what
//! is marked still shows its state.

use crawlfield_engine::model::phase::Phase;
use crawlfield_viewer::{
    field::{Arrangement, slot_set::SlotSet},
    numbers::floor_u32,
    offscreen::Offscreen,
    source::Source,
    theme::{Appearance, Motion},
};
use image::RgbaImage;

use super::{
    has_adapter,
    synthetic::{Plan, Synthetic},
};

const SIZE: (u32, u32) = (1280, 720);
/// Edge of what is looked at as one spot, in pixels.
const SPOT: u32 = 12;
const FRAME_US: u64 = 33_333;
const BEGIN_US: u64 = 6_000_000;

fn opened(tasks: u32, moves_per_second: f64, motion: Motion) -> Offscreen {
    let crawl = Synthetic::new(Plan {
        tasks,
        hosts: 4,
        moves_per_second,
        failing: 0.02,
        broken: None,
        seed: 3,
    });
    let appearance = Appearance {
        motion,
        ..Appearance::default()
    };
    let mut screen = Offscreen::open(Source::Frames(Box::new(crawl)), appearance, SIZE);
    screen.viewer().arrange(Arrangement::Territory);
    for step in 1..=BEGIN_US / 100_000 {
        screen.viewer().advance(step * 100_000);
    }
    screen.settle();
    screen
}

/// Brightness of each spot, 0 to 1.
fn spots(picture: &RgbaImage) -> Vec<f64> {
    let (columns, rows) = (SIZE.0.div_ceil(SPOT), SIZE.1.div_ceil(SPOT));
    let mut sums = vec![(0.0, 0_u32); (columns * rows) as usize];
    for (x, y, pixel) in picture.enumerate_pixels() {
        let [r, g, b] = [0, 1, 2].map(|at| f64::from(pixel.0[at]) / 255.0);
        let spot = &mut sums[(y / SPOT * columns + x / SPOT) as usize];
        spot.0 += 0.2126 * r + 0.7152 * g + 0.0722 * b;
        spot.1 += 1;
    }
    sums.iter()
        .map(|(sum, count)| sum / f64::from(*count))
        .collect()
}

/// The largest change from one frame to the next, of a spot and of the whole picture.
fn changes(screen: &mut Offscreen, frames: u64) -> (f64, f64) {
    let mut before: Option<Vec<f64>> = None;
    let (mut of_spot, mut of_all) = (0.0_f64, 0.0_f64);
    for frame in 1..=frames {
        screen.viewer().advance(BEGIN_US + frame * FRAME_US);
        let now = spots(&screen.shoot().expect("a picture"));
        if let Some(before) = before {
            let pairs = now.iter().zip(&before);
            let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let count = f64::from(u32::try_from(now.len()).expect("few"));
            let mean = |spots: &[f64]| spots.iter().sum::<f64>() / count;
            of_spot = of_spot.max(largest);
            of_all = of_all.max((mean(&now) - mean(&before)).abs());
        }
        before = Some(now);
    }
    (of_spot, of_all)
}

#[test]
fn two_thousand_pages_a_second_do_not_flicker_at_any_distance() {
    if !has_adapter() {
        return;
    }
    // Eight moves a page.
    for (tasks, most) in [(4_000, 0.35), (20_000, 0.12), (120_000, 0.08)] {
        let mut screen = opened(tasks, 16_000.0, Motion::Full);
        let (of_spot, of_all) = changes(&mut screen, 24);
        println!("{tasks} tasks: a spot changes by {of_spot:.4}, all by {of_all:.4}");
        assert!(
            of_spot <= most,
            "{tasks} tasks: a spot changes by {of_spot}"
        );
        assert!(of_all <= 0.005, "{tasks} tasks: all changes by {of_all}");
    }
}

#[test]
fn a_few_completions_pop_near_by_and_only_where_things_may_move() {
    if !has_adapter() {
        return;
    }
    let near = |motion| changes(&mut opened(40, 60.0, motion), 24).0;
    let (full, none) = (near(Motion::Full), near(Motion::None));
    println!("near: {full:.4} with motion, {none:.4} without");
    assert!(full > 0.02, "a completion near by is seen: {full}");
    assert!(none < full, "{none} without motion, {full} with it");
}

#[test]
fn what_is_marked_still_shows_its_state() {
    if !has_adapter() {
        return;
    }
    // Squares, and cells of a colour.
    for tasks in [12_000, 60_000] {
        let mut screen = opened(tasks, f64::from(tasks) / 2.0, Motion::None);
        let mut viewer = screen.viewer();
        let all: SlotSet = viewer.feed().mirror.slots().collect();
        viewer.select(all);
        let picture = screen.shoot().expect("a picture");
        let viewer = screen.viewer();
        let (field, mirror) = (viewer.field(), &viewer.feed().mirror);
        let mut seen = std::collections::BTreeMap::<Phase, [u32; 3]>::new();
        for slot in mirror.slots() {
            let phase = mirror.phase_at(slot).expect("it is there");
            let (block, cell) = field.cells.place_of(slot).expect("it has a cell");
            let rect = field.placed[block as usize].cell_rect(cell);
            let rect = viewer.view().rect_to_screen(rect);
            let middle = [
                f32::midpoint(rect.left, rect.right),
                f32::midpoint(rect.top, rect.bottom),
            ];
            let [x, y] = middle.map(floor_u32);
            let pixel = picture.get_pixel(x, y).0;
            seen.insert(phase, [0, 1, 2].map(|at| u32::from(pixel[at])));
        }
        let distinct = [Phase::Queued, Phase::Fetching, Phase::Backoff];
        for (at, one) in distinct.iter().enumerate() {
            for other in &distinct[at + 1..] {
                let (a, b) = (seen[one], seen[other]);
                let apart: u32 = a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).sum();
                assert!(apart > 40, "{tasks} tasks: {one:?} {a:?}, {other:?} {b:?}");
            }
        }
    }
}
