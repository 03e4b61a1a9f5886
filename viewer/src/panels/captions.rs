//! Captions of the demo's first minute: three, each about what can be seen just then.

use bevy::prelude::Resource;
use bevy_egui::egui::{self, Align2, Order, Rect, RichText, Ui};
use crawlfield_engine::run::job::story::{self, Trouble};

use super::style::Style;
use crate::numbers::wide;

/// Seconds after the beginning at which the first one stands.
const FIRST: f64 = 1.5;
/// Seconds that each one stands.
const STANDS: f64 = 10.0;
/// Seconds after its act has begun at which a caption comes: then it can be seen.
const AFTER: f64 = 3.0;

/// One caption: what it says, and from when on.
#[derive(Debug, Clone)]
struct Caption {
    /// Seconds of engine time.
    from: f64,
    title: &'static str,
    text: String,
}

/// The captions that are still to come, where the demo is shown as a story; none otherwise.
#[derive(Resource, Debug, Default)]
pub struct Captions {
    all: Vec<Caption>,
    /// So many of them are over or skipped.
    passed: usize,
}

impl Captions {
    /// Of the story with this seed.
    #[must_use]
    pub fn of_story(seed: u64) -> Self {
        let hosts = story::config(seed).host_names();
        let mut all = vec![Caption {
            from: FIRST,
            title: "Every page is a crawler",
            text: "It waits as a dot, is fetched in blue, and becomes a green tick when its record is \
                   saved. Each block is a host."
                .to_owned(),
        }];
        for act in story::acts(seed) {
            let host = &hosts[act.host];
            let (title, text) = match act.trouble {
                Trouble::Slow => (
                    "A host grows slow",
                    format!(
                        "{host} takes nine times as long to answer, so it is asked less often. The \
                         line under the time left says who sets the end."
                    ),
                ),
                Trouble::Outage => (
                    "A breaker trips",
                    format!(
                        "{host} fails. Its pages wait behind the hatched wall, and nobody asks in \
                         vain; a probe finds out when it is well again."
                    ),
                ),
                // By then one knows how to read it.
                Trouble::Flaky => continue,
            };
            let from = wide(act.from) + AFTER;
            all.push(Caption { from, title, text });
        }
        Self { all, passed: 0 }
    }

    /// The one that stands at this engine time, by its number.
    fn at(&mut self, now: f64) -> Option<usize> {
        while self
            .all
            .get(self.passed)
            .is_some_and(|next| now >= next.from + STANDS)
        {
            self.passed += 1;
        }
        let next = self.all.get(self.passed)?;
        (now >= next.from).then_some(self.passed)
    }

    /// Whether one stands at this engine time.
    pub(super) fn is_shown(&mut self, now: f64) -> bool {
        self.at(now).is_some()
    }

    /// The one that stands is not wanted.
    pub(super) fn skip(&mut self) {
        self.passed += 1;
    }
}

/// Draws the caption that stands at this engine time, at the foot of the field.
pub(super) fn draw(ui: &Ui, style: &Style, captions: &mut Captions, now: f64, area: Rect) {
    let Some(number) = captions.at(now) else {
        return;
    };
    let caption = &captions.all[number];
    let count = captions.all.len();
    let (mut skips, mut skips_all) = (false, false);
    let width = (area.width() - 60.0).clamp(180.0, 460.0);
    egui::Window::new("caption")
        .title_bar(false)
        .resizable(false)
        .order(Order::Middle)
        .pivot(Align2::CENTER_BOTTOM)
        .fixed_pos(area.center_bottom() - egui::vec2(0.0, 34.0))
        .show(ui.ctx(), |ui| {
            ui.set_width(width);
            ui.horizontal(|ui| {
                ui.label(RichText::new(caption.title).heading().strong());
                let place = format!("{} of {count}", number + 1);
                ui.label(RichText::new(place).small().color(style.faint()));
            });
            ui.label(&caption.text);
            ui.horizontal(|ui| {
                skips = ui.button("Skip").on_hover_text("Esc").clicked();
                skips_all = ui.button("Skip all").clicked();
            });
        });
    if skips_all {
        captions.passed = count;
    } else if skips {
        captions.skip();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_captions_stand_in_the_first_minute_each_for_a_while_unless_skipped() {
        let mut captions = Captions::of_story(1);
        assert_eq!(captions.all.len(), 3);
        assert!(!captions.is_shown(1.0));
        assert_eq!(captions.at(2.0), Some(0));
        assert_eq!(captions.at(2.0 + STANDS), None);
        for (number, act) in (1..).zip(&story::acts(1)[..2]) {
            let from = wide(act.from) + AFTER;
            assert!(from + STANDS < 60.0, "{from}");
            assert_eq!(captions.at(from), Some(number));
            captions.skip();
            assert_eq!(captions.at(from), None);
        }
        assert!(!captions.is_shown(59.0));
    }
}
