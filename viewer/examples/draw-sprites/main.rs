//! Draws the sprites of the viewer: `cargo run -p crawlfield-viewer --example draw-sprites`.
//!
//! Each picture holds tiles of 128 pixels whose red, green and blue are shares of the state's
//! colour, of ink and of light (premultiplied); the shader mixes them with the theme's colours.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::similar_names,
    unreachable_pub,
    reason = "a drawing program: pixels and angles are small numbers, and nobody imports it"
)]

mod brush;
mod creature;
mod glyphs;
mod poses;

use std::path::Path;

use brush::{TILE, Tile};
use image::{ImageResult, Rgba, RgbaImage};

fn main() -> ImageResult<()> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sprites").to_owned());
    let folder = Path::new(&folder);
    let mut poses = Vec::new();
    for pose in poses::POSES {
        for frame in 0..poses::FRAMES {
            let mut tile = Tile::new();
            pose(&mut tile, frame);
            poses.push(tile);
        }
    }
    sheet(&poses, poses::FRAMES).save(folder.join("crawler.png"))?;
    let mut glyphs = Vec::new();
    for glyph in glyphs::GLYPHS {
        let mut tile = Tile::new();
        glyph(&mut tile);
        glyphs.push(tile);
    }
    for digit in 0..=10 {
        let mut tile = Tile::new();
        glyphs::digit(&mut tile, digit);
        glyphs.push(tile);
    }
    sheet(&glyphs, 5).save(folder.join("glyphs.png"))
}

/// Tiles row by row, left to right.
fn sheet(tiles: &[Tile], columns: usize) -> RgbaImage {
    let rows = tiles.len().div_ceil(columns);
    let edge = u32::try_from(TILE).expect("a tile is small");
    let (width, height) = (columns * TILE, rows * TILE);
    let mut picture = RgbaImage::new(
        u32::try_from(width).expect("a sheet is small"),
        u32::try_from(height).expect("a sheet is small"),
    );
    for (number, tile) in tiles.iter().enumerate() {
        let number = u32::try_from(number).expect("a sheet is small");
        let columns = picture.width() / edge;
        let (left, top) = ((number % columns) * edge, (number / columns) * edge);
        for (at, texel) in (0_u32..).zip(tile.bytes()) {
            picture.put_pixel(left + at % edge, top + at / edge, Rgba(texel));
        }
    }
    picture
}
