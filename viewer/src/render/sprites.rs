//! The sprite sheets as one texture array with mip levels: no sprite bleeds into its neighbour.

use image::RgbaImage;

/// Pixels along a tile's edge.
pub(super) const TILE: u32 = 128;
/// Mip levels: 128 down to 4.
pub(super) const LEVELS: u32 = 6;

/// Poses (14 × 4), then glyphs (14) and digits (11): see `examples/draw-sprites`.
const CRAWLER: &[u8] = include_bytes!("../../../assets/sprites/crawler.png");
const GLYPHS: &[u8] = include_bytes!("../../../assets/sprites/glyphs.png");

/// Layers in the array.
pub(super) const LAYERS: u32 = 14 * 4 + 14 + 11;

/// All layers with all their levels, in the order a texture array is filled in.
pub(super) fn layers() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (sheet, count) in [(CRAWLER, 14 * 4), (GLYPHS, 14 + 11)] {
        let picture = image::load_from_memory_with_format(sheet, image::ImageFormat::Png)
            .expect("the embedded sheets are PNG files")
            .into_rgba8();
        let columns = picture.width() / TILE;
        for number in 0..count {
            let (left, top) = ((number % columns) * TILE, (number / columns) * TILE);
            let mut level = image::imageops::crop_imm(&picture, left, top, TILE, TILE).to_image();
            bytes.extend_from_slice(level.as_raw());
            for _ in 1..LEVELS {
                level = half(&level);
                bytes.extend_from_slice(level.as_raw());
            }
        }
    }
    bytes
}

/// The mean of each four pixels; right because the sheets are premultiplied.
fn half(full: &RgbaImage) -> RgbaImage {
    RgbaImage::from_fn(full.width() / 2, full.height() / 2, |x, y| {
        let mut sum = [2_u16; 4];
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let pixel = full.get_pixel(x * 2 + dx, y * 2 + dy);
            for (total, &part) in sum.iter_mut().zip(&pixel.0) {
                *total += u16::from(part);
            }
        }
        image::Rgba(sum.map(|total| u8::try_from(total / 4).expect("a mean of bytes is a byte")))
    })
}
