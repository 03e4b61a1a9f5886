//! Golden pictures: six views of a made-up crawl, compared by the mean colours of blocks, so that
//! another version of a software driver passes and a moved sprite, colour or panel does not.
//!
//! `UPDATE_EXPECT=1 cargo test --workspace --test window goldens` renews them.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crawlfield_engine::model::phase::Phase;
use crawlfield_viewer::{
    field::Arrangement,
    offscreen::Offscreen,
    panels::{self, LastPaint, Panels, Tab},
    source::Source,
    theme::{Appearance, ThemeName},
};
use image::{
    DynamicImage, Rgba, RgbaImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::{
    has_adapter,
    synthetic::{Plan, Synthetic},
};

/// Edge of a block in pixels.
const BLOCK: u32 = 16;
/// Between the means of two blocks, in steps of 255 a channel, at most.
const TOLERANCE: f64 = 1.0;
/// The crawl's clock goes on by this a frame.
const STEP_US: u64 = 100_000;

/// One view.
struct Golden {
    name: &'static str,
    size: (u32, u32),
    tasks: u32,
    hosts: u32,
    seconds: u64,
    theme: ThemeName,
    arrangement: Arrangement,
    /// Much fails, and the first host's breaker opens after four seconds.
    is_bad_day: bool,
    /// What stands below the field; the field alone without.
    tab: Option<Tab>,
    /// A task of this phase is selected.
    selected: Option<Phase>,
}

const PLAIN: Golden = Golden {
    name: "",
    size: (1280, 720),
    tasks: 1_200,
    hosts: 6,
    seconds: 7,
    theme: ThemeName::Dark,
    arrangement: Arrangement::Territory,
    is_bad_day: false,
    tab: Some(Tab::Charts),
    selected: None,
};

const GOLDENS: [Golden; 6] = [
    Golden {
        name: "near",
        size: (640, 360),
        tasks: 60,
        hosts: 2,
        tab: None,
        ..PLAIN
    },
    Golden {
        name: "glyphs",
        size: (640, 360),
        tab: None,
        ..PLAIN
    },
    Golden {
        name: "whole",
        tasks: 20_000,
        ..PLAIN
    },
    Golden {
        name: "flow",
        tasks: 600,
        arrangement: Arrangement::Flow,
        tab: Some(Tab::Events),
        ..PLAIN
    },
    Golden {
        name: "bad-day",
        hosts: 4,
        seconds: 40,
        is_bad_day: true,
        tab: Some(Tab::DeadLetters),
        selected: Some(Phase::Dead),
        ..PLAIN
    },
    Golden {
        name: "light",
        theme: ThemeName::Light,
        tab: Some(Tab::Hosts),
        selected: Some(Phase::Backoff),
        ..PLAIN
    },
];

impl Golden {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/window/goldens")
            .join(self.name)
            .with_extension("png")
    }

    fn draw(&self) -> RgbaImage {
        let (turns, failing) = if self.is_bad_day {
            (2.0, 0.4)
        } else {
            (0.33, 0.1)
        };
        let crawl = Synthetic::new(Plan {
            tasks: self.tasks,
            hosts: self.hosts,
            moves_per_second: f64::from(self.tasks) * turns,
            failing,
            broken: self.is_bad_day.then_some(0),
            seed: 11,
        });
        let appearance = Appearance {
            theme: self.theme,
            ..Appearance::default()
        };
        let source = Source::Frames(Box::new(crawl));
        let mut screen = Offscreen::open_with(source, appearance, self.size, |app| {
            app.add_plugins(panels::plugin);
            let world = app.world_mut();
            world.resource_mut::<LastPaint>().is_still = true;
            let mut panels = world.resource_mut::<Panels>();
            panels.is_bare = self.tab.is_none();
            panels.tab = self.tab.unwrap_or_default();
        });
        screen.viewer().arrange(self.arrangement);
        screen.settle();
        for step in 1..=self.seconds * 1_000_000 / STEP_US {
            screen.viewer().advance(step * STEP_US);
        }
        if let Some(phase) = self.selected {
            let mut viewer = screen.viewer();
            let mirror = &viewer.feed().mirror;
            let slot = mirror
                .slots()
                .find(|slot| mirror.phase_at(*slot) == Some(phase));
            viewer.select(vec![slot.expect("some task is in this phase")]);
        }
        screen.settle();
        screen.shoot().expect("a picture")
    }

    /// As small as it gets: it lies in the repository.
    fn renew(&self, actual: &RgbaImage) {
        let file = fs::File::create(self.path()).expect("the repository is ours");
        let encoder =
            PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
        let opaque = DynamicImage::ImageRgba8(actual.clone()).into_rgb8();
        opaque
            .write_with_encoder(encoder)
            .expect("the repository is ours");
    }

    /// What differs; both pictures lie where it says.
    fn differs(&self) -> Option<String> {
        let actual = self.draw();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            self.renew(&actual);
            return None;
        }
        let Ok(wanted) = image::open(self.path()) else {
            return Some(format!("{} cannot be read", self.path().display()));
        };
        let blocks = differing(&wanted.into_rgba8(), &actual);
        let ((x, y), by) = *blocks.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("goldens");
        fs::create_dir_all(&folder).expect("the target folder is ours");
        let written =
            ["actual", "difference"].map(|kind| folder.join(format!("{}-{kind}.png", self.name)));
        let marked = marked(&actual, &blocks);
        for (picture, path) in [&actual, &marked].into_iter().zip(&written) {
            picture.save(path).expect("the target folder is ours");
        }
        Some(format!(
            "{}: {} blocks differ, most by {by:.1} at {x},{y}\n  wanted     {}\n  \
             actual     {}\n  difference {}",
            self.name,
            blocks.len(),
            self.path().display(),
            written[0].display(),
            written[1].display(),
        ))
    }
}

/// The corners of blocks whose mean colours are too far from each other, and how far.
fn differing(wanted: &RgbaImage, actual: &RgbaImage) -> Vec<((u32, u32), f64)> {
    if wanted.dimensions() != actual.dimensions() {
        return vec![((0, 0), f64::INFINITY)];
    }
    let (width, height) = actual.dimensions();
    let rows = (0..height).step_by(BLOCK as usize);
    let corners = rows.flat_map(|y| (0..width).step_by(BLOCK as usize).map(move |x| (x, y)));
    corners
        .map(|corner| {
            let (a, b) = (mean(wanted, corner), mean(actual, corner));
            let by = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            (corner, by.fold(0.0, f64::max))
        })
        .filter(|(_, by)| *by > TOLERANCE)
        .collect()
}

fn mean(picture: &RgbaImage, (left, top): (u32, u32)) -> [f64; 3] {
    let (right, bottom) = (
        (left + BLOCK).min(picture.width()),
        (top + BLOCK).min(picture.height()),
    );
    let mut sums = [0.0; 3];
    for y in top..bottom {
        for x in left..right {
            for (sum, part) in sums.iter_mut().zip(picture.get_pixel(x, y).0) {
                *sum += f64::from(part);
            }
        }
    }
    sums.map(|sum| sum / f64::from((right - left) * (bottom - top)))
}

/// The picture in grey, and red where it differs.
fn marked(picture: &RgbaImage, blocks: &[((u32, u32), f64)]) -> RgbaImage {
    let mut marked = picture.clone();
    for pixel in marked.pixels_mut() {
        let [r, g, b, _] = pixel.0.map(u16::from);
        let grey = u8::try_from((r + g + b) / 6).unwrap_or(u8::MAX);
        *pixel = Rgba([grey, grey, grey, 255]);
    }
    for ((left, top), _) in blocks {
        for y in *top..(top + BLOCK).min(marked.height()) {
            for x in *left..(left + BLOCK).min(marked.width()) {
                marked.get_pixel_mut(x, y).0[0] = 255;
            }
        }
    }
    marked
}

#[test]
fn the_goldens_are_what_is_drawn() {
    if !has_adapter() {
        return;
    }
    let differences: Vec<String> = GOLDENS.iter().filter_map(Golden::differs).collect();
    let mut told = String::new();
    for difference in &differences {
        writeln!(told, "{difference}").ok();
    }
    assert!(
        differences.is_empty(),
        "{told}where that is wanted, look at the actual pictures and renew the goldens with \
         UPDATE_EXPECT=1"
    );
}

#[test]
fn a_block_differs_where_something_moved_and_not_where_edges_are_smoothed_otherwise() {
    let mut wanted = RgbaImage::from_pixel(64, 40, Rgba([11, 13, 18, 255]));
    for y in 4..12 {
        for x in 4..12 {
            wanted.put_pixel(x, y, Rgba([101, 154, 254, 255]));
        }
    }
    assert!(differing(&wanted, &wanted).is_empty());
    let mut smoothed = wanted.clone();
    for y in 4..12 {
        smoothed.put_pixel(12, y, Rgba([24, 30, 48, 255]));
    }
    assert!(differing(&wanted, &smoothed).is_empty());
    let mut moved = wanted.clone();
    for y in 4..12 {
        moved.put_pixel(4, y, Rgba([11, 13, 18, 255]));
        moved.put_pixel(12, y, Rgba([101, 154, 254, 255]));
    }
    // Inside its block the mean stays: only what crosses an edge counts.
    assert!(differing(&wanted, &moved).is_empty());
    for y in 4..12 {
        for x in 4..20 {
            moved.put_pixel(x, y, *wanted.get_pixel(4, 4));
        }
    }
    let blocks = differing(&wanted, &moved);
    let corners: Vec<_> = blocks.iter().map(|(corner, _)| *corner).collect();
    assert_eq!(corners, [(0, 0), (16, 0)]);
    let resized = RgbaImage::new(64, 48);
    assert_eq!(differing(&wanted, &resized).len(), 1);
}
