//! Facts of the picture: the adapter holds what the board says, and where the layout says that a
//! task is, its colour is.

use crawlfield_engine::model::phase::Phase;
use crawlfield_viewer::{
    field::{
        board::Arrangement,
        texel::{FLAG_ALOFT, sign_of},
    },
    numbers::to_u32,
    picture::Studio,
    show::{Choices, Motion, Show},
    source::Source,
    theme::{Theme, ThemeName},
};
use image::RgbaImage;

use super::{
    has_adapter,
    synthetic::{Plan, Synthetic},
};

const SIZE: (u32, u32) = (1280, 720);

/// A crawl of so many tasks at four hosts, six seconds on, without motion.
fn studio(tasks: u32, arrangement: Arrangement, theme: ThemeName) -> Studio {
    let crawl = Synthetic::new(Plan {
        tasks,
        hosts: 4,
        moves_per_second: f64::from(tasks) / 2.0,
        failing: 0.1,
        broken: None,
        seed: 5,
    });
    let choices = Choices {
        theme,
        motion: Motion::None,
        ..Choices::default()
    };
    let show = Show::new(Source::Frames(Box::new(crawl)), choices);
    let mut studio = Studio::open(show, SIZE.0, SIZE.1);
    studio.show().arrange(arrangement);
    for step in 1..=60 {
        studio.show().advance(step * 100_000);
        // Changes go out frame by frame, as in a window.
        if step % 6 == 0 {
            studio.draw();
        }
    }
    studio
}

#[test]
fn the_adapter_holds_every_task_as_the_board_has_it() {
    if !has_adapter() {
        return;
    }
    for arrangement in [Arrangement::Territory, Arrangement::Flow] {
        let mut studio = studio(30_000, arrangement, ThemeName::Dark);
        studio.draw();
        studio.draw();
        let held = studio.states();
        let show = studio.show();
        let wanted = show.board.texels(&show.mirror);
        let tasks = wanted.iter().filter(|texel| !texel.is_empty()).count();
        assert_eq!(tasks, 30_000);
        // Free cells behind the last task of a block are not drawn, whatever they hold.
        for block in show.board.blocks() {
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
        .max_by_key(|pixel| distance(*pixel, theme.ground))
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
        let mut studio = studio(12_000, Arrangement::Territory, theme);
        let picture = studio.shoot().expect("a picture");
        let show = studio.show();
        let theme = theme.theme();
        let mut seen = std::collections::BTreeMap::<Phase, (u32, u32)>::new();
        for slot in show.mirror.slots() {
            let task = show.mirror.task(slot).expect("it is there");
            let (block, cell) = show.board.place_of(slot).expect("it has a cell");
            // What has just ended fades, and what flies is not at home.
            let is_calm = !matches!(task.phase, Phase::Done | Phase::Skipped);
            if !is_calm || show.board.flags_of(slot) & FLAG_ALOFT != 0 {
                continue;
            }
            let place = &show.placed[block as usize];
            let rect = show.view.rect_to_screen(place.cell_rect(cell));
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
