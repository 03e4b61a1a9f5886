//! What the crawler does in each state, in four frames.

use crate::{
    brush::{BODY, INK, LIGHT, SHADE, SHINE, Tile, disc, either, ellipse, line, slab, without},
    creature::{Eyes, STILL, Stance, paper},
};

/// Frames of a pose.
pub const FRAMES: usize = 4;

/// One drawing of one pose.
pub type Pose = fn(&mut Tile, usize);

/// The poses, in the order of the shader's state codes from 1: the twelve phases, parked, paused.
pub const POSES: [Pose; 14] = [
    queued, fetching, fetched, parsing, parsed, saving, done, backoff, failed, dead, skipped,
    cancelled, parked, paused,
];

/// A value that swings once over the four frames.
fn swing(frame: usize) -> f32 {
    [0.0, 1.0, 0.0, -1.0][frame % FRAMES]
}

fn queued(tile: &mut Tile, frame: usize) {
    let breath = swing(frame) * 0.5;
    Stance {
        at: (32.0, 40.0 - breath),
        body: (18.0, 13.0 + breath),
        eyes: Eyes::Shut,
        antennae: -0.8,
        ..STILL
    }
    .draw(tile);
    let (x, y) = (48.0 + swing(frame), 17.0 - frame as f32);
    let zed = either(
        either(
            line((x, y), (x + 6.0, y), 2.2),
            line((x + 6.0, y), (x, y + 7.0), 2.2),
        ),
        line((x, y + 7.0), (x + 6.0, y + 7.0), 2.2),
    );
    tile.fill(SHINE, 1.0, zed);
}

fn fetching(tile: &mut Tile, frame: usize) {
    let lift = swing(frame) * 3.0;
    let bob = (frame % 2) as f32 * 1.6;
    for (row, y) in [24.0_f32, 34.0, 44.0].into_iter().enumerate() {
        let shift = ((frame + row) % FRAMES) as f32 * 2.0;
        tile.fill(SHINE, 0.9, line((2.0 + shift, y), (9.0 + shift, y), 2.0));
    }
    Stance {
        at: (36.0, 35.0 - bob),
        eyes: Eyes::Look(0.9, 0.1),
        feet: [
            lift.max(0.0),
            (-lift).max(0.0),
            lift.max(0.0),
            (-lift).max(0.0),
        ],
        antennae: -0.7,
        ..STILL
    }
    .draw(tile);
}

fn fetched(tile: &mut Tile, _frame: usize) {
    Stance {
        at: (32.0, 33.0),
        eyes: Eyes::Look(0.0, 0.7),
        antennae: 0.6,
        ..STILL
    }
    .draw(tile);
    paper(tile, (32.0, 50.0), (11.0, 9.0));
    hands(tile, 12.0, 50.0);
}

fn parsing(tile: &mut Tile, frame: usize) {
    let look = [-0.9, -0.2, 0.5, 1.0][frame];
    Stance {
        at: (32.0, 31.0),
        eyes: Eyes::Look(look, 0.9),
        antennae: 0.9,
        ..STILL
    }
    .draw(tile);
    paper(tile, (32.0, 50.0), (15.0, 9.0));
    hands(tile, 16.0, 50.0);
    let lens = (22.0 + 6.6 * frame as f32, 50.0);
    let handle = line(
        (lens.0 + 3.6, lens.1 + 3.6),
        (lens.0 + 8.0, lens.1 + 8.0),
        3.4,
    );
    tile.fill(INK, 1.0, handle);
    tile.outlined(SHINE, 1.8, disc(lens, 4.6));
}

fn parsed(tile: &mut Tile, _frame: usize) {
    Stance {
        at: (32.0, 34.0),
        eyes: Eyes::Look(0.0, -0.9),
        antennae: 1.0,
        cheer: true,
        ..STILL
    }
    .draw(tile);
    gem(tile, (32.0, 8.0));
}

fn saving(tile: &mut Tile, frame: usize) {
    Stance {
        at: (32.0, 27.0),
        body: (16.0, 14.0),
        eyes: Eyes::Look(0.0, 1.0),
        ..STILL
    }
    .draw(tile);
    gem(tile, (32.0, 36.0 + frame as f32 * 3.2));
    let crate_front = slab((32.0, 54.0), (18.0, 7.5), 2.0);
    tile.outlined(SHADE, 2.0, crate_front);
    tile.fill(INK, 0.8, line((17.0, 53.5), (47.0, 53.5), 1.6));
    tile.fill(SHINE, 1.0, slab((32.0, 53.5), (4.0, 2.2), 1.0));
}

fn done(tile: &mut Tile, frame: usize) {
    let jump = [0.0, 4.0, 6.0, 3.0][frame];
    Stance {
        at: (32.0, 36.0 - jump),
        eyes: Eyes::Joy,
        feet: [jump * 0.3; 4],
        antennae: 1.0,
        cheer: true,
        ..STILL
    }
    .draw(tile);
    let y = 40.0 - jump;
    tile.fill(
        INK,
        1.0,
        without(
            ellipse((32.0, y + 3.0), (4.6, 4.2)),
            slab((32.0, y - 0.6), (6.0, 3.2), 0.0),
        ),
    );
    for (x, y0) in [(8.0, 12.0), (56.0, 14.0), (12.0, 50.0), (53.0, 48.0)] {
        let r = 1.2 + (frame as f32) * 0.6;
        tile.fill(
            SHINE,
            1.0,
            either(
                line((x - r, y0), (x + r, y0), 1.6),
                line((x, y0 - r), (x, y0 + r), 1.6),
            ),
        );
    }
}

fn backoff(tile: &mut Tile, frame: usize) {
    Stance {
        at: (26.0, 38.0),
        body: (17.0, 15.0),
        eyes: Eyes::Bored,
        antennae: -0.5,
        ..STILL
    }
    .draw(tile);
    let (x, y) = (52.0, 40.0);
    let glass = |p: (f32, f32)| {
        let waist = 1.4 + (p.1 - y).abs() * 0.62;
        ((p.0 - x).abs() - waist).max((p.1 - y).abs() - 10.0)
    };
    tile.fill(INK, 1.0, |p| glass(p) - 2.0);
    tile.fill(LIGHT, 1.0, glass);
    let level = frame as f32 * 2.2;
    tile.fill(BODY, 1.0, |p| glass(p).max(y + 9.5 - level - p.1));
    tile.fill(BODY, 1.0, |p| {
        glass(p).max((y - 9.0 + level) - p.1).max(p.1 - y)
    });
    for cap in [-11.0, 11.0] {
        tile.fill(INK, 1.0, line((x - 7.5, y + cap), (x + 7.5, y + cap), 3.2));
    }
}

fn failed(tile: &mut Tile, frame: usize) {
    let tilt = swing(frame);
    Stance {
        at: (32.0 + tilt, 36.0),
        eyes: Eyes::Cross,
        antennae: -1.0,
        ..STILL
    }
    .draw(tile);
    let turn = frame as f32 * core::f32::consts::FRAC_PI_2;
    for k in 0..3 {
        let angle = turn + k as f32 * 2.094;
        let star = (32.0 + 15.0 * angle.cos(), 9.0 + 4.0 * angle.sin());
        tile.outlined(SHINE, 1.2, disc(star, 2.0));
    }
}

fn dead(tile: &mut Tile, frame: usize) {
    let rise = [0.0, 1.0, 2.0, 1.0][frame];
    let wings = 2.0 * swing(frame);
    for side in [-1.0, 1.0] {
        tile.outlined(
            SHINE,
            1.6,
            ellipse((32.0 + side * 25.0, 34.0 - rise - wings), (6.5, 4.0)),
        );
    }
    let (cx, cy) = (32.0, 41.0 - rise);
    tile.outlined(BODY, 2.2, slab((cx, cy), (20.0, 14.0), 2.5));
    let flap = either(
        line((cx - 19.0, cy - 12.5), (cx, cy + 1.5), 2.4),
        line((cx, cy + 1.5), (cx + 19.0, cy - 12.5), 2.4),
    );
    tile.fill(INK, 1.0, flap);
    for side in [-1.0, 1.0] {
        for flip in [-1.0, 1.0] {
            let x = cx + side * 9.0;
            let y = cy + 7.0;
            tile.fill(
                INK,
                1.0,
                line((x - 2.6, y - 2.6 * flip), (x + 2.6, y + 2.6 * flip), 2.2),
            );
        }
    }
    // A flat halo, well above: a round one that touches would be a padlock's shackle.
    let halo = without(
        ellipse((cx, 9.0 - rise), (12.0, 4.6)),
        ellipse((cx, 9.0 - rise), (8.6, 2.0)),
    );
    tile.outlined(LIGHT, 1.2, halo);
}

fn skipped(tile: &mut Tile, _frame: usize) {
    Stance {
        at: (32.0, 38.0),
        body: (17.0, 15.0),
        eyes: Eyes::Look(0.9, -0.4),
        ..STILL
    }
    .draw(tile);
    for x in [22.0, 34.0] {
        let chevron = either(
            line((x, 6.0), (x + 6.0, 12.0), 3.4),
            line((x + 6.0, 12.0), (x, 18.0), 3.4),
        );
        tile.fill(INK, 1.0, |p| chevron(p) - 1.4);
        tile.fill(SHINE, 1.0, chevron);
    }
}

fn cancelled(tile: &mut Tile, _frame: usize) {
    Stance {
        at: (32.0, 34.0),
        eyes: Eyes::Shut,
        antennae: -0.6,
        ..STILL
    }
    .draw(tile);
    let bar = line((10.0, 54.0), (54.0, 10.0), 5.0);
    tile.fill(INK, 1.0, |p| bar(p) - 1.6);
    tile.fill(SHINE, 1.0, bar);
}

fn parked(tile: &mut Tile, frame: usize) {
    Stance {
        at: (32.0, 28.0),
        eyes: Eyes::Look(0.7 * swing(frame), 0.4),
        antennae: 0.1,
        ..STILL
    }
    .draw(tile);
    tile.outlined(LIGHT, 2.0, slab((32.0, 50.0), (28.0, 6.0), 1.5));
    for k in 0..4 {
        let x = 9.0 + k as f32 * 14.0;
        let stripe = line((x, 56.0), (x + 8.0, 44.0), 5.0);
        let board = slab((32.0, 50.0), (27.0, 5.2), 1.0);
        tile.fill(BODY, 1.0, |p| stripe(p).max(board(p)));
    }
    for x in [10.0, 54.0] {
        tile.fill(INK, 1.0, line((x, 56.0), (x, 62.0), 3.6));
    }
}

fn paused(tile: &mut Tile, _frame: usize) {
    Stance {
        at: (32.0, 37.0),
        eyes: Eyes::Look(0.0, -0.5),
        ..STILL
    }
    .draw(tile);
    // The bars stand on a badge of their own: on the body they would be teeth.
    tile.fill(INK, 1.0, disc((46.0, 48.0), 14.0));
    for x in [41.4, 50.6] {
        tile.fill(LIGHT, 1.0, slab((x, 48.0), (2.6, 7.5), 0.8));
    }
}

/// Three hands' worth of nothing but two paws at the sides of what it holds.
fn hands(tile: &mut Tile, reach: f32, y: f32) {
    for side in [-1.0, 1.0] {
        tile.outlined(SHADE, 1.4, disc((32.0 + side * reach, y), 3.2));
    }
}

fn gem(tile: &mut Tile, center: (f32, f32)) {
    let cut =
        move |p: (f32, f32)| ((p.0 - center.0).abs() + (p.1 - center.1).abs() * 1.1 - 7.6) * 0.7;
    tile.outlined(LIGHT, 1.6, cut);
    tile.fill(SHINE, 1.0, move |p| cut(p).max(center.0 - p.0));
}
