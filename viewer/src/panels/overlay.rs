//! What stands over the field for a while: captions of the demo, and the card at the end of a run.

use bevy_egui::egui::{Rect, Ui};

use super::{
    Tab, WindowRequest, captions,
    ending::{self, AtEnd, Choices, EndCard},
    screen::Screen,
};
use crate::numbers::wide;

impl Screen<'_, '_, '_> {
    pub(super) fn overlays(&mut self, ui: &Ui, area: Rect) {
        if self.control.feed.is_over() {
            self.ending(ui, area);
        } else if !self.playback.is_replay {
            let now = wide(self.control.feed.now_us) / 1e6;
            captions::draw(ui, &self.style, &mut self.state.captions, now, area);
        }
    }

    fn ending(&mut self, ui: &Ui, area: Rect) {
        let (style, feed) = (&self.style, &self.control.feed);
        // A recording stands still at its end.
        let motion = self.control.appearance.motion;
        if !self.playback.is_replay && ending::is_feast(feed, motion) {
            ending::draw_feast(&ui.painter_at(area), style, feed, area);
            self.state.paint.animate();
        }
        if self.state.panels.end_card == EndCard::Closed {
            return;
        }
        let choices = Choices {
            has_store: self.state.inspector.store().is_some(),
            can_run_again: self.state.live.can_run_again,
        };
        let pressed = ending::draw(ui, style, feed, self.history, choices, area);
        if let Some(act) = pressed {
            self.act_at_end(act);
        }
    }

    fn act_at_end(&mut self, act: AtEnd) {
        let panels = &mut *self.state.panels;
        let tab = match act {
            AtEnd::Records => Tab::Records,
            AtEnd::DeadLetters => Tab::DeadLetters,
            AtEnd::Export => return self.state.inspector.export(),
            AtEnd::RunAgain => {
                self.state.window_requests.write(WindowRequest::RunAgain);
                return;
            }
            AtEnd::Close => panels.tab,
        };
        panels.tab = tab;
        panels.are_sides_shown = true;
        panels.small.is_below_open |= act != AtEnd::Close;
        panels.end_card = EndCard::Closed;
    }
}
