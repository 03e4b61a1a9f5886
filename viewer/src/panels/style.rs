//! One visual language: type scale, spacing, colours and glyphs, and the few widgets made of them.

use std::sync::Arc;

use bevy_egui::egui::{
    self, Align, Align2, Color32, ColorImage, CornerRadius, FontFamily, FontId, Layout, Margin,
    Pos2, Rect, Response, RichText, Sense, Stroke, TextStyle, TextureHandle, TextureOptions, Ui,
    Vec2,
};

use crate::{
    history::Severity,
    numbers::{float, index, narrow, number, to_u32, wide},
    theme::{Theme, ThemeName},
};

/// Pixels along a glyph's edge in the atlas.
const EDGE: u32 = 32;
/// Glyphs, by sign from 1.
const GLYPHS: u32 = 14;
/// Pixels along a tile's edge in the sheet, and its columns.
const TILE: u32 = 128;
const COLUMNS: u32 = 5;
const SHEET: &[u8] = include_bytes!("../../../assets/sprites/glyphs.png");

/// The theme, and the glyphs in its colours.
#[derive(Clone)]
pub(super) struct Style {
    /// All colours, of states and of panels.
    pub(super) theme: &'static Theme,
    glyphs: TextureHandle,
}

/// `0xRRGGBB` as egui has it.
pub(super) fn colour(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// Half-way between two colours, `share` of the second.
pub(super) fn mixed(first: u32, second: u32, share: f32) -> Color32 {
    colour(first).lerp_to_gamma(colour(second), share)
}

impl Style {
    /// The style of a theme: what is kept from the last paint, or new where the theme is.
    pub(super) fn of(
        kept: &mut Option<Self>,
        ctx: &egui::Context,
        name: ThemeName,
        is_still: bool,
    ) -> Self {
        if let Some(kept) = kept
            && kept.theme.name == name
        {
            return kept.clone();
        }
        let theme = name.theme();
        ctx.all_styles_mut(|style| restyle(style, theme, is_still));
        let glyphs = ctx.load_texture("glyphs", atlas(theme), TextureOptions::LINEAR);
        kept.insert(Self { theme, glyphs }).clone()
    }

    /// Draws the glyph of a sign (1 to 14) into a rectangle.
    pub(super) fn glyph(&self, painter: &egui::Painter, rect: Rect, sign: u32) {
        self.faded_glyph(painter, rect, sign, 1.0);
    }

    /// The same, fainter by `alpha`.
    pub(super) fn faded_glyph(&self, painter: &egui::Painter, rect: Rect, sign: u32, alpha: f32) {
        let left = float(sign.clamp(1, GLYPHS) - 1) / float(GLYPHS);
        let uv = Rect::from_min_max(
            Pos2::new(left, 0.0),
            Pos2::new(left + 1.0 / float(GLYPHS), 1.0),
        );
        painter.image(
            self.glyphs.id(),
            rect,
            uv,
            Color32::WHITE.gamma_multiply(alpha),
        );
    }

    /// A glyph in the line of text.
    pub(super) fn sign(&self, ui: &mut Ui, sign: u32) {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
        self.glyph(ui.painter(), rect, sign);
    }

    /// For what matters less.
    pub(super) fn faint(&self) -> Color32 {
        colour(self.theme.faint)
    }

    pub(super) fn text(&self) -> Color32 {
        colour(self.theme.text)
    }

    pub(super) fn line(&self) -> Color32 {
        colour(self.theme.line)
    }

    pub(super) fn raised(&self) -> Color32 {
        colour(self.theme.raised)
    }

    /// A state's colour made to be read as text on a panel.
    pub(super) fn written(&self, hex: u32) -> Color32 {
        mixed(hex, self.theme.text, 0.35)
    }

    /// A heading of a section.
    pub(super) fn section(&self, ui: &mut Ui, title: &str) {
        ui.add_space(6.0);
        ui.label(RichText::new(title).color(self.faint()).small().strong());
        ui.add_space(1.0);
    }

    /// A name at the left and a figure at the right.
    pub(super) fn pair(&self, ui: &mut Ui, name: &str, value: impl Into<String>) -> Response {
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).color(self.faint()));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(value.into()).color(self.text())).truncate());
            });
        })
        .response
    }

    /// A word on a colour of its own.
    pub(super) fn chip(ui: &mut Ui, text: &str, fill: u32) {
        let ink = readable(fill);
        egui::Frame::NONE
            .fill(colour(fill))
            .corner_radius(CornerRadius::same(3))
            .inner_margin(Margin::symmetric(6, 1))
            .show(ui, |ui| {
                ui.label(RichText::new(text).color(ink).small().strong());
            });
    }

    /// A bar of a share, with its name and figure above it.
    pub(super) fn bar(&self, ui: &mut Ui, share: f64, hex: u32) {
        let size = Vec2::new(ui.available_width(), 3.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let painter = ui.painter();
        painter.rect_filled(rect, 1.5, self.raised());
        let mut full = rect;
        full.set_width(rect.width() * narrow(share.clamp(0.0, 1.0)));
        painter.rect_filled(full, 1.5, colour(hex));
    }
}

/// Ink that can be read on a colour.
fn readable(fill: u32) -> Color32 {
    let [_, r, g, b] = fill.to_be_bytes();
    let light = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    if light > 140.0 {
        Color32::from_rgb(10, 12, 16)
    } else {
        Color32::WHITE
    }
}

/// Text that may be cut at the right, at a place.
pub(super) fn write(
    painter: &egui::Painter,
    at: Pos2,
    anchor: Align2,
    text: impl ToString,
    size: f32,
    ink: Color32,
) -> Rect {
    painter.text(at, anchor, text, FontId::proportional(size), ink)
}

/// Text that ends in `…` where there is no room.
pub(super) fn cut(
    painter: &egui::Painter,
    text: &str,
    size: f32,
    ink: Color32,
    width: f32,
) -> Arc<egui::Galley> {
    let mut job =
        egui::text::LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(size), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(8.0));
    painter.layout_job(job)
}

/// The same at a place; its rectangle.
pub(super) fn write_cut(
    painter: &egui::Painter,
    at: Pos2,
    text: &str,
    size: f32,
    ink: Color32,
    width: f32,
) -> Rect {
    let galley = cut(painter, text, size, ink, width);
    let rect = Align2::LEFT_CENTER.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, ink);
    rect
}

/// Fonts, spacing and colours of egui's own widgets.
fn restyle(style: &mut egui::Style, theme: &Theme, is_still: bool) {
    let font = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, font(11.0)),
        (TextStyle::Body, font(12.5)),
        (TextStyle::Button, font(12.5)),
        (TextStyle::Heading, font(15.0)),
        (
            TextStyle::Monospace,
            FontId::new(11.5, FontFamily::Monospace),
        ),
    ]
    .into();
    style.spacing.item_spacing = Vec2::new(6.0, 3.0);
    style.spacing.button_padding = Vec2::new(7.0, 2.0);
    style.spacing.interact_size = Vec2::new(24.0, 19.0);
    style.spacing.window_margin = Margin::same(14);
    style.interaction.selectable_labels = false;
    if is_still {
        style.animation_time = 0.0;
    }
    style.visuals = visuals(theme);
    style.visuals.text_cursor.blink = !is_still;
}

fn visuals(theme: &Theme) -> egui::Visuals {
    let is_dark = theme.name == ThemeName::Dark;
    let mut visuals = if is_dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    if !is_dark {
        // The font is a light one: dark on light it wants more weight.
        visuals.text_options.color_transfer_function =
            egui::epaint::FontColorTransferFunction::Gamma(0.6);
    }
    visuals.panel_fill = colour(theme.panel);
    visuals.window_fill = colour(theme.panel);
    visuals.window_stroke = Stroke::new(1.0, colour(theme.line));
    visuals.extreme_bg_color = colour(theme.background);
    visuals.faint_bg_color = colour(theme.raised);
    visuals.weak_text_color = Some(colour(theme.faint));
    visuals.hyperlink_color = colour(theme.states.running);
    visuals.selection.bg_fill = colour(theme.states.running).gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, colour(theme.text));
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, colour(theme.line));
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, colour(theme.text));
    let states = [
        (&mut widgets.inactive, theme.raised, theme.text),
        (&mut widgets.hovered, theme.line, theme.text),
        (&mut widgets.active, theme.line, theme.text),
        (&mut widgets.open, theme.raised, theme.text),
    ];
    for (state, fill, ink) in states {
        state.weak_bg_fill = colour(fill);
        state.bg_fill = colour(fill);
        state.bg_stroke = Stroke::NONE;
        state.fg_stroke = Stroke::new(1.0, colour(ink));
        state.corner_radius = CornerRadius::same(4);
        state.expansion = 0.0;
    }
    visuals
}

/// The glyphs side by side, each in its sign's colour.
fn atlas(theme: &Theme) -> ColorImage {
    let sheet = image::load_from_memory_with_format(SHEET, image::ImageFormat::Png)
        .expect("the embedded sheet is a PNG file")
        .into_rgba8();
    let mut picture = ColorImage::filled([index(EDGE * GLYPHS), index(EDGE)], Color32::TRANSPARENT);
    let step = TILE / EDGE;
    for glyph in 0..GLYPHS {
        let corner = (glyph % COLUMNS * TILE, glyph / COLUMNS * TILE);
        let shades = [theme.states.of_sign(glyph + 1), theme.ink, theme.light];
        for y in 0..EDGE {
            for x in 0..EDGE {
                let place = (corner.0 + x * step, corner.1 + y * step);
                let pixel = shaded(&sheet, place, step, shades);
                picture[(index(glyph * EDGE + x), index(y))] = pixel;
            }
        }
    }
    picture
}

/// The mean of a square of the sheet, its shares of three colours mixed.
fn shaded(sheet: &image::RgbaImage, (left, top): (u32, u32), step: u32, inks: [u32; 3]) -> Color32 {
    let mut sums = [0_u32; 4];
    for y in top..top + step {
        for x in left..left + step {
            for (sum, part) in sums.iter_mut().zip(sheet.get_pixel(x, y).0) {
                *sum += u32::from(part);
            }
        }
    }
    let full = wide(u64::from(step * step)) * 255.0;
    let parts = sums.map(|sum| f64::from(sum) / full);
    let mut channels = [0.0; 3];
    for (share, ink) in parts.iter().zip(inks) {
        let [_, r, g, b] = ink.to_be_bytes();
        for (channel, part) in channels.iter_mut().zip([r, g, b]) {
            *channel += share * f64::from(part);
        }
    }
    let byte =
        |value: f64| u8::try_from(to_u32(value.round()).min(255)).expect("it is at most 255");
    let [r, g, b] = channels.map(byte);
    Color32::from_rgba_premultiplied(r, g, b, byte(parts[3] * 255.0))
}

/// The bit of a stage's number in a mask; none beyond the mask.
pub(super) fn bit(at: usize) -> u32 {
    1_u32.checked_shl(number(at)).unwrap_or(0)
}

/// The colour of a severity.
pub(super) const fn severity_colour(theme: &Theme, severity: Severity) -> u32 {
    match severity {
        Severity::Plain => theme.states.queued,
        Severity::Good => theme.states.done,
        Severity::Warning => theme.states.retry,
        Severity::Bad => theme.states.fatal,
    }
}
