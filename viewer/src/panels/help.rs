//! The list of keys.

use bevy_egui::egui::{Align2, Context, Grid, RichText, Window};

use super::{Desk, keys::LIST};

pub(super) fn draw(ctx: &Context, desk: &mut Desk<'_>) {
    let mut is_open = desk.panels.is_help_open;
    Window::new("Keys")
        .open(&mut is_open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            Grid::new("keys").spacing([18.0, 4.0]).show(ui, |ui| {
                for (key, act) in LIST {
                    ui.label(RichText::new(key).strong());
                    ui.label(RichText::new(act).color(desk.look.faint()));
                    ui.end_row();
                }
            });
        });
    desk.panels.is_help_open = is_open;
}
