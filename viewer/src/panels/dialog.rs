//! The two small forms: a start URL, a setting.

use bevy_egui::egui::{self, Align2, Key, TextEdit};
use crawlfield_engine::{message::commands::Command, model::ids::SessionId};

use super::Desk;
use crate::story::Weight;

/// What is being filled in.
#[derive(Debug, Default)]
pub(super) enum Dialog {
    /// Nothing.
    #[default]
    Closed,
    /// A start URL.
    StartUrl(String),
    /// A setting's dotted name and its value.
    Setting(String, String),
}

impl Dialog {
    pub(super) const fn start_url() -> Self {
        Self::StartUrl(String::new())
    }

    pub(super) const fn setting() -> Self {
        Self::Setting(String::new(), String::new())
    }
}

pub(super) fn draw(ctx: &egui::Context, desk: &mut Desk<'_>) {
    let mut dialog = core::mem::take(&mut desk.panels.dialog);
    let title = match &dialog {
        Dialog::Closed => return,
        Dialog::StartUrl(_) => "Add a start URL",
        Dialog::Setting(..) => "Change a setting",
    };
    let mut is_open = true;
    let mut is_sent = false;
    egui::Window::new(title)
        .open(&mut is_open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            ui.set_width(380.0);
            match &mut dialog {
                Dialog::StartUrl(url) => {
                    let line = TextEdit::singleline(url)
                        .hint_text("https://…")
                        .desired_width(f32::INFINITY);
                    ui.add(line).request_focus();
                }
                Dialog::Setting(name, value) => {
                    let line = TextEdit::singleline(name)
                        .hint_text("politeness.max_rate")
                        .desired_width(f32::INFINITY);
                    ui.add(line);
                    let line = TextEdit::singleline(value)
                        .hint_text("value, e.g. 2.5 or \"30s\"")
                        .desired_width(f32::INFINITY);
                    ui.add(line);
                }
                Dialog::Closed => {}
            }
            is_sent =
                ui.button("Send").clicked() || ui.input(|input| input.key_pressed(Key::Enter));
        });
    if is_sent {
        send(&dialog, desk);
        dialog = Dialog::Closed;
    }
    if !is_open || ctx.input(|input| input.key_pressed(Key::Escape)) {
        dialog = Dialog::Closed;
    }
    desk.panels.dialog = dialog;
}

fn send(dialog: &Dialog, desk: &mut Desk<'_>) {
    match dialog {
        Dialog::Closed => {}
        Dialog::StartUrl(url) => {
            let Some(session) = desk
                .session()
                .map(|snapshot| SessionId(snapshot.session.id))
            else {
                let text = "no session runs that could take a start URL".to_owned();
                desk.panels.asking.say(Weight::Warning, text);
                return;
            };
            let url = url.trim().to_owned();
            let command = Command::AddStart { session, url };
            desk.panels
                .asking
                .ask(desk.show, "add a start URL", command);
        }
        Dialog::Setting(name, value) => {
            let value = read(value);
            let name = name.trim().to_owned();
            let what = format!("{name} = {value}");
            desk.panels
                .asking
                .ask(desk.show, what, Command::Set { name, value });
        }
    }
}

/// A value as JSON; what is no JSON is a text.
fn read(text: &str) -> serde_json::Value {
    serde_json::from_str(text.trim())
        .unwrap_or_else(|_| serde_json::Value::String(text.trim().to_owned()))
}
