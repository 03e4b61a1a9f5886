//! Facts of the picture: the adapter holds what the cells say, and where the layout says that a
//! task is, its colour is.

use crawlfield_engine::model::phase::Phase;
use crawlfield_viewer::{
    field::{
        Arrangement,
        texel::{FLAG_FLYING, sign_of},
    },
    numbers::to_u32,
    offscreen::Offscreen,
    source::Source,
    theme::{Appearance, Motion, Theme, ThemeName},
};
use image::RgbaImage;

use super::{
    has_adapter,
    synthetic::{Plan, Synthetic},
};

const SIZE: (u32, u32) = (1280, 720);

/// A crawl of so many tasks at four hosts, six seconds on, without motion.
fn screen(tasks: u32, arrangement: Arrangement, theme: ThemeName) -> Offscreen {
    let crawl = Synthetic::new(Plan {
        tasks,
        hosts: 4,
        moves_per_second: f64::from(tasks) / 2.0,
        failing: 0.1,
        broken: None,
        seed: 5,
    });
    let appearance = Appearance {
        theme,
        motion: Motion::None,
    };
    let source = Source::Frames(Box::new(crawl));
    let mut screen = Offscreen::open(source, appearance, SIZE);
    screen.viewer().arrange(arrangement);
    for step in 1..=60 {
        screen.viewer().advance(step * 100_000);
        // Changes go out frame by frame, as in a window.
        if step % 6 == 0 {
            screen.draw();
        }
    }
    screen
}

#[test]
fn the_adapter_holds_every_task_as_its_cell_has_it() {
    if !has_adapter() {
        return;
    }
    for arrangement in [Arrangement::Territory, Arrangement::Flow] {
        let mut screen = screen(30_000, arrangement, ThemeName::Dark);
        screen.draw();
        screen.draw();
        let held = screen.states();
        let viewer = screen.viewer();
        let cells = &viewer.field().cells;
        let wanted = cells.texels(&viewer.feed().mirror);
        let tasks = wanted.iter().filter(|texel| !texel.is_empty()).count();
        assert_eq!(tasks, 30_000);
        // Free cells behind the last task of a block are not drawn, whatever they hold.
        for block in cells.blocks() {
            let (from, to) = (block.base as usize, (block.base + block.used()) as usize);
            assert!(
                held[from..to] == wanted[from..to],
                "{arrangement:?}: {} texels differ",
                (from..to).filter(|at| held[*at] != wanted[*at]).count()
            );
        }
    }
}

fn distance([r, g, b]: [u8; 3], hex: u32) -> u32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    [(r, red), (g, green), (b, blue)]
        .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
        .iter()
        .sum()
}

/// The place of the colour in the theme's eight that is nearest to what stands out most in a cell.
fn colour_in(picture: &RgbaImage, cell: [u32; 4], theme: &Theme) -> u32 {
    let [left, top, right, bottom] = cell;
    let pixels = (left..right).flat_map(|x| (top..bottom).map(move |y| (x, y)));
    let pixel = pixels
        .map(|(x, y)| {
            let [r, g, b, _] = picture.get_pixel(x, y).0;
            [r, g, b]
        })
        .max_by_key(|pixel| distance(*pixel, theme.background))
        .expect("a cell has pixels");
    let all = theme.states.all();
    let nearest = all.iter().min_by_key(|hex| distance(pixel, **hex));
    *nearest.expect("there are eight")
}

#[test]
fn where_the_layout_says_that_a_task_is_stands_the_colour_of_its_state() {
    if !has_adapter() {
        return;
    }
    for theme in [ThemeName::Dark, ThemeName::Light] {
        let mut screen = screen(12_000, Arrangement::Territory, theme);
        let picture = screen.shoot().expect("a picture");
        let viewer = screen.viewer();
        let (mirror, field) = (&viewer.feed().mirror, viewer.field());
        let theme = theme.theme();
        let mut seen = std::collections::BTreeMap::<Phase, (u32, u32)>::new();
        for slot in mirror.slots() {
            let task = mirror.task(slot).expect("it is there");
            let (block, cell) = field.cells.place_of(slot).expect("it has a cell");
            // What has just ended fades, and what flies is not at home.
            let is_calm = !matches!(task.phase, Phase::Done | Phase::Skipped);
            if !is_calm || field.cells.flags_of(slot) & FLAG_FLYING != 0 {
                continue;
            }
            let place = &field.placed[block as usize];
            let rect = viewer.view().rect_to_screen(place.cell_rect(cell));
            let edges = [rect.left, rect.top, rect.right, rect.bottom]
                .map(|edge| to_u32(edge.round().into()));
            let found = colour_in(&picture, edges, theme);
            let wanted = theme.states.of_sign(sign_of(task.phase));
            let (right, all) = seen.entry(task.phase).or_default();
            *right += u32::from(found == wanted);
            *all += 1;
        }
        for (phase, (right, all)) in &seen {
            assert!(right == all, "{:?} {phase:?}: {right} of {all}", theme.name);
        }
        assert!(seen.len() >= 6, "{seen:?}");
    }
}
