//! One plain sign for each state, and the digits: what is read where a crawler is too small.

use core::f32::consts::{PI, TAU};

use crate::brush::{BODY, INK, Point, Tile, arc, disc, either, line, ring, slab, without};

/// The signs, in the order of the shader's state codes from 1.
pub const GLYPHS: [fn(&mut Tile); 14] = [
    queued, fetching, fetched, parsing, parsed, saving, done, backoff, failed, dead, skipped,
    cancelled, parked, paused,
];

const C: Point = (32.0, 32.0);

fn queued(tile: &mut Tile) {
    tile.fill(BODY, 1.0, disc(C, 13.0));
}

fn on_disc(tile: &mut Tile, mark: impl Fn(Point) -> f32 + Copy) {
    tile.fill(BODY, 1.0, disc(C, 27.0));
    tile.fill(INK, 1.0, mark);
}

/// A disc with an arrow down: a page is on its way.
fn fetching(tile: &mut Tile) {
    let shaft = line((32.0, 17.0), (32.0, 42.0), 7.5);
    let head = either(
        line((20.0, 33.0), (32.0, 46.0), 7.5),
        line((44.0, 33.0), (32.0, 46.0), 7.5),
    );
    on_disc(tile, either(shaft, head));
}

/// A ring with a full centre: the page is here and waits.
fn fetched(tile: &mut Tile) {
    tile.fill(BODY, 1.0, ring(C, 22.5, 9.0));
    tile.fill(BODY, 1.0, disc(C, 9.0));
}

/// A disc with lines of text.
fn parsing(tile: &mut Tile) {
    let rows = either(
        either(
            line((19.0, 23.0), (45.0, 23.0), 6.0),
            line((19.0, 33.0), (45.0, 33.0), 6.0),
        ),
        line((19.0, 43.0), (36.0, 43.0), 6.0),
    );
    on_disc(tile, rows);
}

/// A ring with a gem: the record is here and waits.
fn parsed(tile: &mut Tile) {
    tile.fill(BODY, 1.0, ring(C, 22.5, 9.0));
    tile.fill(BODY, 1.0, |(x, y)| {
        ((x - 32.0).abs() + (y - 32.0).abs() - 11.0) * 0.7
    });
}

/// A disc with a tray.
fn saving(tile: &mut Tile) {
    let tray = either(
        either(
            line((18.0, 32.0), (18.0, 44.0), 6.5),
            line((46.0, 32.0), (46.0, 44.0), 6.5),
        ),
        line((18.0, 44.0), (46.0, 44.0), 6.5),
    );
    on_disc(tile, either(tray, slab((32.0, 25.0), (6.0, 8.0), 1.0)));
}

/// A tick.
fn done(tile: &mut Tile) {
    tile.fill(
        BODY,
        1.0,
        either(
            line((11.0, 34.0), (26.0, 49.0), 11.0),
            line((26.0, 49.0), (53.0, 17.0), 11.0),
        ),
    );
}

/// A square with an hourglass.
fn backoff(tile: &mut Tile) {
    tile.fill(BODY, 1.0, slab(C, (26.0, 26.0), 6.0));
    let glass = |p: Point| {
        let waist = 1.5 + (p.1 - 32.0).abs() * 0.75;
        ((p.0 - 32.0).abs() - waist).max((p.1 - 32.0).abs() - 17.0)
    };
    tile.fill(INK, 1.0, glass);
}

/// A cross.
fn failed(tile: &mut Tile) {
    tile.fill(
        BODY,
        1.0,
        either(
            line((13.0, 13.0), (51.0, 51.0), 12.0),
            line((51.0, 13.0), (13.0, 51.0), 12.0),
        ),
    );
}

/// An envelope.
fn dead(tile: &mut Tile) {
    tile.fill(BODY, 1.0, slab(C, (28.0, 21.0), 4.0));
    let flap = either(
        line((7.0, 16.0), (32.0, 36.0), 5.5),
        line((32.0, 36.0), (57.0, 16.0), 5.5),
    );
    tile.fill(INK, 1.0, flap);
}

/// Two chevrons.
fn skipped(tile: &mut Tile) {
    for x in [14.0, 33.0] {
        tile.fill(
            BODY,
            1.0,
            either(
                line((x, 15.0), (x + 17.0, 32.0), 9.0),
                line((x + 17.0, 32.0), (x, 49.0), 9.0),
            ),
        );
    }
}

/// A ring with a bar through it.
fn cancelled(tile: &mut Tile) {
    tile.fill(
        BODY,
        1.0,
        either(ring(C, 22.0, 8.0), line((17.0, 47.0), (47.0, 17.0), 8.0)),
    );
}

/// A gate: ring with a wall.
fn parked(tile: &mut Tile) {
    tile.fill(
        BODY,
        1.0,
        without(ring(C, 23.0, 8.5), slab((32.0, 32.0), (40.0, 9.0), 0.0)),
    );
    tile.fill(BODY, 1.0, slab(C, (28.0, 5.5), 1.0));
}

/// Two bars.
fn paused(tile: &mut Tile) {
    for x in [20.0, 44.0] {
        tile.fill(BODY, 1.0, slab((x, 32.0), (7.5, 24.0), 2.0));
    }
}

/// Digits 0 to 9 and a plus, in light on nothing.
pub fn digit(tile: &mut Tile, which: usize) {
    let mut stroke = |a: Point, b: Point| tile.fill(BODY, 1.0, line(a, b, 10.0));
    match which {
        1 => {
            stroke((22.0, 20.0), (34.0, 10.0));
            stroke((34.0, 10.0), (34.0, 54.0));
        }
        4 => {
            stroke((40.0, 54.0), (40.0, 10.0));
            stroke((40.0, 10.0), (16.0, 40.0));
            stroke((16.0, 40.0), (50.0, 40.0));
        }
        7 => {
            stroke((16.0, 10.0), (46.0, 10.0));
            stroke((46.0, 10.0), (28.0, 54.0));
        }
        10 => {
            stroke((32.0, 14.0), (32.0, 50.0));
            stroke((14.0, 32.0), (50.0, 32.0));
        }
        _ => curved(tile, which),
    }
}

fn curved(tile: &mut Tile, which: usize) {
    let upper = (32.0, 21.0);
    let lower = (32.0, 42.0);
    let bow = |c: Point, from: f32, sweep: f32| arc(c, 11.5, 10.0, from, sweep);
    match which {
        0 => tile.fill(BODY, 1.0, |p| {
            let d = slab(C, (16.5, 24.0), 16.0)(p);
            (d + 3.0).abs() - 5.0
        }),
        2 => {
            tile.fill(BODY, 1.0, bow(upper, PI, PI + 0.6));
            tile.fill(BODY, 1.0, line((41.0, 28.0), (18.0, 53.0), 10.0));
            tile.fill(BODY, 1.0, line((18.0, 53.0), (47.0, 53.0), 10.0));
        }
        3 => {
            tile.fill(BODY, 1.0, bow(upper, PI, PI * 1.5));
            tile.fill(BODY, 1.0, bow(lower, -PI / 2.0, PI * 1.5));
        }
        5 => {
            tile.fill(BODY, 1.0, line((44.0, 10.0), (22.0, 10.0), 10.0));
            tile.fill(BODY, 1.0, line((22.0, 10.0), (20.0, 30.0), 10.0));
            tile.fill(BODY, 1.0, arc((31.0, 40.0), 13.0, 10.0, -2.4, PI * 1.6));
        }
        6 => {
            tile.fill(BODY, 1.0, ring((32.0, 41.0), 12.5, 10.0));
            tile.fill(BODY, 1.0, line((20.5, 37.0), (37.0, 10.0), 10.0));
        }
        8 => {
            tile.fill(BODY, 1.0, bow(upper, 0.0, TAU));
            tile.fill(BODY, 1.0, bow(lower, 0.0, TAU));
        }
        _ => {
            tile.fill(BODY, 1.0, ring((32.0, 23.0), 12.5, 10.0));
            tile.fill(BODY, 1.0, line((43.5, 27.0), (27.0, 54.0), 10.0));
        }
    }
}
