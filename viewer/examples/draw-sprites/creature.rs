//! The crawler: a round little beetle with big eyes, its moods and its four-beat walk.

use crate::brush::{
    BODY, INK, LIGHT, Point, SHADE, SHINE, Tile, disc, either, ellipse, line, slab, without,
};

/// How the eyes are.
#[derive(Clone, Copy)]
pub enum Eyes {
    /// Looking towards (x, y) in -1..1.
    Look(f32, f32),
    /// Asleep.
    Shut,
    /// Two happy arcs.
    Joy,
    /// Two crosses.
    Cross,
    /// Half closed.
    Bored,
}

/// A crawler as it stands in one frame.
#[derive(Clone, Copy)]
pub struct Stance {
    /// Centre of the body.
    pub at: Point,
    /// Radii of the body.
    pub body: Point,
    /// Eyes.
    pub eyes: Eyes,
    /// Lift of each of four feet in units.
    pub feet: [f32; 4],
    /// Lean of the antennae, -1..1 (negative droops backwards).
    pub antennae: f32,
    /// Arms up.
    pub cheer: bool,
}

/// A crawler standing still.
pub const STILL: Stance = Stance {
    at: (32.0, 35.0),
    body: (18.0, 16.0),
    eyes: Eyes::Look(0.0, 0.0),
    feet: [0.0; 4],
    antennae: 0.2,
    cheer: false,
};

impl Stance {
    /// Draws it.
    pub fn draw(&self, tile: &mut Tile) {
        self.draw_antennae(tile);
        self.draw_feet(tile);
        if self.cheer {
            self.draw_arms(tile);
        }
        self.draw_body(tile);
        self.draw_eyes(tile);
    }

    fn draw_antennae(&self, tile: &mut Tile) {
        let (x, y) = self.at;
        for side in [-1.0, 1.0] {
            let root = (x + side * 7.0, y - self.body.1 * 0.8);
            let knee = (x + side * 9.0, y - self.body.1 - 4.0);
            let tip = (
                x + side * 12.0 + self.antennae * 3.0,
                y - self.body.1 - 5.0 - self.antennae * 5.0,
            );
            let stem = either(line(root, knee, 2.4), line(knee, tip, 2.4));
            tile.fill(INK, 1.0, |p| stem(p) - 1.4);
            tile.fill(SHADE, 1.0, stem);
            tile.outlined(SHINE, 1.6, disc(tip, 2.8));
        }
    }

    fn draw_feet(&self, tile: &mut Tile) {
        let (x, y) = self.at;
        for (foot, lift) in self.feet.into_iter().enumerate() {
            let dx = [-13.0, -4.8, 4.8, 13.0][foot];
            let ground = y + self.body.1 - [2.5, -0.8, -0.8, 2.5][foot];
            tile.outlined(
                SHADE,
                1.6,
                ellipse((x + dx, ground + 2.0 - lift), (4.2, 3.4)),
            );
        }
    }

    fn draw_arms(&self, tile: &mut Tile) {
        let (x, y) = self.at;
        for side in [-1.0, 1.0] {
            let arm = line(
                (x + side * (self.body.0 - 3.0), y),
                (x + side * (self.body.0 + 6.0), y - 11.0),
                4.2,
            );
            tile.fill(INK, 1.0, |p| arm(p) - 1.6);
            tile.fill(SHADE, 1.0, arm);
        }
    }

    fn draw_body(&self, tile: &mut Tile) {
        let (x, y) = self.at;
        let shell = ellipse(self.at, self.body);
        tile.outlined(BODY, 2.0, shell);
        let belly = ellipse(
            (x, y + self.body.1 * 0.9),
            (self.body.0, self.body.1 * 0.75),
        );
        tile.fill(SHADE, 0.8, |p| shell(p).max(belly(p)));
        let glint = ellipse(
            (x - self.body.0 * 0.42, y - self.body.1 * 0.62),
            (self.body.0 * 0.34, self.body.1 * 0.15),
        );
        tile.fill(SHINE, 1.0, glint);
    }

    fn draw_eyes(&self, tile: &mut Tile) {
        let (x, y) = (self.at.0, self.at.1 - 1.5);
        for side in [-1.0_f32, 1.0] {
            let eye = (x + side * 7.2, y);
            match self.eyes {
                Eyes::Look(dx, dy) => {
                    tile.outlined(LIGHT, 1.2, ellipse(eye, (5.6, 6.4)));
                    let pupil = (eye.0 + dx * 2.0, eye.1 + dy * 2.6 + 0.4);
                    tile.fill(INK, 1.0, ellipse(pupil, (3.2, 3.8)));
                    tile.fill(LIGHT, 1.0, disc((pupil.0 - 1.0, pupil.1 - 1.4), 1.15));
                }
                Eyes::Bored => {
                    tile.outlined(LIGHT, 1.2, ellipse(eye, (5.6, 6.4)));
                    tile.fill(INK, 1.0, ellipse((eye.0, eye.1 + 2.4), (3.0, 3.0)));
                    let lid = ellipse(eye, (6.8, 7.6));
                    tile.fill(SHADE, 1.0, |p| lid(p).max(p.1 - eye.1));
                    tile.fill(
                        INK,
                        1.0,
                        line((eye.0 - 5.8, eye.1), (eye.0 + 5.8, eye.1), 2.0),
                    );
                }
                Eyes::Shut | Eyes::Joy => {
                    let up = if matches!(self.eyes, Eyes::Joy) {
                        -1.0
                    } else {
                        1.0
                    };
                    let bow = without(
                        ellipse(eye, (5.6, 5.0)),
                        ellipse((eye.0, eye.1 - up * 2.0), (5.4, 4.6)),
                    );
                    tile.fill(INK, 1.0, bow);
                }
                Eyes::Cross => {
                    for flip in [-1.0, 1.0] {
                        let stroke = line(
                            (eye.0 - 4.0, eye.1 - 4.0 * flip),
                            (eye.0 + 4.0, eye.1 + 4.0 * flip),
                            3.0,
                        );
                        tile.fill(INK, 1.0, stroke);
                    }
                }
            }
        }
    }
}

/// A sheet of paper with lines of text.
pub fn paper(tile: &mut Tile, center: Point, half: Point) {
    tile.outlined(LIGHT, 1.6, slab(center, half, 1.5));
    for row in [-0.5_f32, 0.0, 0.5] {
        let y = center.1 + half.1 * row;
        let right = if row > 0.2 { 0.1 } else { 0.62 };
        tile.fill(
            INK,
            0.75,
            line(
                (center.0 - half.0 * 0.62, y),
                (center.0 + half.0 * right, y),
                1.5,
            ),
        );
    }
}
