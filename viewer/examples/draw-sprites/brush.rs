//! A small painter of signed-distance shapes: every mark is body, ink or light, never a colour,
//! so that one drawing serves every state and theme.

/// Pixels along a tile's edge.
pub const TILE: usize = 128;
/// Drawing units along a tile's edge.
const UNITS: f32 = 64.0;

/// A point in drawing units, y downwards.
pub type Point = (f32, f32);

/// What a mark is made of: shares of the state's colour, of ink and of light.
#[derive(Clone, Copy)]
pub struct Stuff(pub [f32; 3]);

/// The state's colour.
pub const BODY: Stuff = Stuff([1.0, 0.0, 0.0]);
/// The state's colour in shade.
pub const SHADE: Stuff = Stuff([0.72, 0.28, 0.0]);
/// The state's colour in the sun.
pub const SHINE: Stuff = Stuff([0.55, 0.0, 0.45]);
/// Outlines and pupils.
pub const INK: Stuff = Stuff([0.0, 1.0, 0.0]);
/// Eyes and paper.
pub const LIGHT: Stuff = Stuff([0.0, 0.0, 1.0]);

/// One tile: premultiplied shares of body, ink and light, and coverage.
pub struct Tile {
    texels: Vec<[f32; 4]>,
}

impl Tile {
    /// An empty tile.
    pub fn new() -> Self {
        Self {
            texels: vec![[0.0; 4]; TILE * TILE],
        }
    }

    /// Lays `stuff` wherever `distance` (in units, negative inside) says so.
    pub fn fill(&mut self, stuff: Stuff, alpha: f32, distance: impl Fn(Point) -> f32) {
        let scale = UNITS / TILE as f32;
        for (at, texel) in self.texels.iter_mut().enumerate() {
            let x = ((at % TILE) as f32 + 0.5) * scale;
            let y = ((at / TILE) as f32 + 0.5) * scale;
            let cover = (0.5 - distance((x, y)) / scale).clamp(0.0, 1.0) * alpha;
            if cover > 0.0 {
                for (old, new) in texel
                    .iter_mut()
                    .zip([stuff.0[0], stuff.0[1], stuff.0[2], 1.0])
                {
                    *old = *old * (1.0 - cover) + new * cover;
                }
            }
        }
    }

    /// Fills a shape with an ink outline around it.
    pub fn outlined(&mut self, stuff: Stuff, outline: f32, distance: impl Fn(Point) -> f32 + Copy) {
        self.fill(INK, 1.0, |p| distance(p) - outline);
        self.fill(stuff, 1.0, distance);
    }

    /// As eight-bit shares.
    pub fn bytes(&self) -> impl Iterator<Item = [u8; 4]> + '_ {
        self.texels
            .iter()
            .map(|t| t.map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8))
    }
}

/// Distance to an ellipse (exact enough for fills).
pub fn ellipse(center: Point, radii: Point) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| {
        let (dx, dy) = ((x - center.0) / radii.0, (y - center.1) / radii.1);
        let k = dx.hypot(dy);
        let g = (dx / radii.0).hypot(dy / radii.1);
        if g < 1e-6 {
            -radii.0.min(radii.1)
        } else {
            k * (k - 1.0) / g
        }
    }
}

/// Distance to a disc.
pub fn disc(center: Point, radius: f32) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| (x - center.0).hypot(y - center.1) - radius
}

/// Distance to a circle's line.
pub fn ring(center: Point, radius: f32, width: f32) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| ((x - center.0).hypot(y - center.1) - radius).abs() - width / 2.0
}

/// Distance to a thick line with round ends.
pub fn line(a: Point, b: Point, width: f32) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| {
        let (px, py) = (x - a.0, y - a.1);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let t = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-6)).clamp(0.0, 1.0);
        (px - dx * t).hypot(py - dy * t) - width / 2.0
    }
}

/// Distance to a rounded rectangle.
pub fn slab(center: Point, half: Point, round: f32) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| {
        let (qx, qy) = (
            (x - center.0).abs() - half.0 + round,
            (y - center.1).abs() - half.1 + round,
        );
        qx.max(0.0).hypot(qy.max(0.0)) + qx.max(qy).min(0.0) - round
    }
}

/// Distance to an arc from angle `from` over `sweep` radians (clockwise from the right).
pub fn arc(
    center: Point,
    radius: f32,
    width: f32,
    from: f32,
    sweep: f32,
) -> impl Fn(Point) -> f32 + Copy {
    move |(x, y)| {
        let (dx, dy) = (x - center.0, y - center.1);
        let turn = (dy.atan2(dx) - from).rem_euclid(core::f32::consts::TAU);
        if turn <= sweep {
            (dx.hypot(dy) - radius).abs() - width / 2.0
        } else {
            let end = |a: f32| (dx - radius * a.cos()).hypot(dy - radius * a.sin()) - width / 2.0;
            end(from).min(end(from + sweep))
        }
    }
}

/// The nearer of two shapes.
pub fn either(
    a: impl Fn(Point) -> f32 + Copy,
    b: impl Fn(Point) -> f32 + Copy,
) -> impl Fn(Point) -> f32 + Copy {
    move |p| a(p).min(b(p))
}

/// The first shape without the second.
pub fn without(
    a: impl Fn(Point) -> f32 + Copy,
    b: impl Fn(Point) -> f32 + Copy,
) -> impl Fn(Point) -> f32 + Copy {
    move |p| a(p).max(-b(p))
}
