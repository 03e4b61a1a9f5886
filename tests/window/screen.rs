//! What a person would see: the screen's own pixels, and whether each panel stands in them.
#![cfg(target_os = "linux")]

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crawlfield_viewer::theme::{Theme, ThemeName};
use image::{Rgb, RgbImage};

use super::LONGEST;

/// A screen of Xvfb in its own file, which is a picture in XWD's form: a head of big-endian words,
/// a table of colours, rows.
pub(super) fn grab(folder: &Path) -> RgbImage {
    let bytes = fs::read(folder.join("Xvfb_screen0")).expect("the server keeps its screen there");
    let word = |at: usize| {
        let word = bytes[at * 4..at * 4 + 4].try_into().expect("four bytes");
        u32::from_be_bytes(word) as usize
    };
    let (head, width, height) = (word(0), word(4), word(5));
    let (is_big_endian, bits, row, colours) = (word(7) == 1, word(11), word(12), word(19));
    assert!(!is_big_endian && bits == 32, "24 bits of colour in 32");
    let pixels = &bytes[head + colours * 12..];
    RgbImage::from_fn(
        u32::try_from(width).expect("a screen"),
        u32::try_from(height).expect("a screen"),
        |x, y| {
            let at = y as usize * row + x as usize * 4;
            Rgb([pixels[at + 2], pixels[at + 1], pixels[at]])
        },
    )
}

/// A panel, and pixels that nobody else draws on in a window of 1280 by 720: left, top, right,
/// bottom.
struct Part(&'static str, [u32; 4]);

const PANELS: [Part; 6] = [
    Part("the top bar", [4, 2, 1276, 32]),
    Part("the strip with the ETA", [216, 38, 1020, 88]),
    Part("the legend", [4, 38, 208, 684]),
    Part("the inspector", [1028, 38, 1276, 684]),
    Part("what lies below the field", [216, 530, 1020, 684]),
    Part("the time line", [216, 694, 1020, 718]),
];

/// A panel without so many pixels of text or curves is empty.
const INK: usize = 120;

/// The panels that do not stand in this picture, with what does.
fn missing(picture: &RgbImage, theme: &Theme) -> String {
    let mut told = String::new();
    for Part(name, [left, top, right, bottom]) in PANELS {
        let pixels = || {
            (left..right)
                .flat_map(move |x| (top..bottom).map(move |y| (x, y)))
                .map(|(x, y)| picture.get_pixel(x, y).0)
        };
        let away = |pixel: [u8; 3]| {
            let [_, r, g, b] = theme.panel.to_be_bytes();
            let steps = pixel.iter().zip([r, g, b]).map(|(a, b)| a.abs_diff(b));
            steps.max().unwrap_or_default()
        };
        let all = pixels().count();
        let filled = pixels().filter(|pixel| away(*pixel) <= 1).count();
        let ink = pixels().filter(|pixel| away(*pixel) > 60).count();
        if filled * 5 < all || ink < INK {
            let _ = write!(told, "{name}: {filled} of {all} filled, {ink} of ink; ");
        }
    }
    told
}

/// Keeps what was seen where somebody can look at it.
fn kept(picture: &RgbImage) -> String {
    let path = std::env::temp_dir().join(format!("crawlfield-seen-{}.png", std::process::id()));
    match picture.save(&path) {
        Ok(()) => path.display().to_string(),
        Err(error) => error.to_string(),
    }
}

/// Waits until all panels stand on the screen.
pub(super) fn wait_for_panels(folder: &Path) {
    let began = Instant::now();
    loop {
        let picture = grab(folder);
        let missing = missing(&picture, ThemeName::Dark.theme());
        if missing.is_empty() {
            return;
        }
        let seen = || kept(&picture);
        assert!(began.elapsed() < LONGEST, "{missing}see {}", seen());
        thread::sleep(Duration::from_millis(20));
    }
}

/// They must stand on the screen now.
fn hold_panels(picture: &RgbImage, when: &str) {
    let missing = missing(picture, ThemeName::Dark.theme());
    assert!(missing.is_empty(), "{when}: {missing}see {}", kept(picture));
}

/// So many pictures that differ from one another, one after the other: all panels stand in each.
pub(super) fn hold_while_it_runs(folder: &Path, pictures: u32) {
    let mut before = grab(folder);
    let began = Instant::now();
    let mut seen = 0;
    while seen < pictures {
        assert!(began.elapsed() < LONGEST, "the picture stands still");
        let now = grab(folder);
        if now == before {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        seen += 1;
        hold_panels(&now, &format!("picture {seen} of a run"));
        before = now;
    }
}

/// Waits until the screen has not changed for a while, and holds the panels to that picture.
pub(super) fn hold_at_rest(folder: &Path) {
    const REST: Duration = Duration::from_secs(4);
    let began = Instant::now();
    let (mut before, mut since) = (grab(folder), Instant::now());
    while since.elapsed() < REST {
        assert!(began.elapsed() < LONGEST, "the picture never rests");
        thread::sleep(Duration::from_millis(100));
        let now = grab(folder);
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
    hold_panels(&before, "at rest");
}
