//! The two small forms: a start URL, a setting.

use bevy_egui::egui::{self, Align2, Key, TextEdit};
use crawlfield_engine::{message::commands::Command, model::ids::SessionId};

use super::{PendingCommands, format};
use crate::history::Severity;

/// What is open in front of the panels.
#[derive(Debug, Default)]
pub(super) struct Dialogs {
    pub(super) form: Form,
    /// The list of keys is open.
    pub(super) is_help_open: bool,
}

/// What is being filled in.
#[derive(Debug, Default)]
pub(super) enum Form {
    /// No form is open.
    #[default]
    Closed,
    /// A start URL that is added.
    StartUrl(String),
    /// A setting's dotted name and its value.
    Setting(String, String),
}

impl Form {
    pub(super) const fn start_url() -> Self {
        Self::StartUrl(String::new())
    }

    pub(super) const fn setting() -> Self {
        Self::Setting(String::new(), String::new())
    }
}

/// Draws the open form; a start URL goes to `session`.
pub(super) fn draw_form(
    ctx: &egui::Context,
    dialogs: &mut Dialogs,
    session: Option<SessionId>,
    commands: &mut PendingCommands,
) {
    let form = &mut dialogs.form;
    let title = match form {
        Form::Closed => return,
        Form::StartUrl(_) => "Add a start URL",
        Form::Setting(..) => "Change a setting",
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
            match form {
                Form::StartUrl(url) => {
                    let line = TextEdit::singleline(url)
                        .hint_text("https://…")
                        .desired_width(f32::INFINITY);
                    ui.add(line).request_focus();
                }
                Form::Setting(name, value) => {
                    let line = TextEdit::singleline(name)
                        .hint_text("politeness.max_rate")
                        .desired_width(f32::INFINITY);
                    ui.add(line);
                    let line = TextEdit::singleline(value)
                        .hint_text("value, e.g. 2.5 or \"30s\"")
                        .desired_width(f32::INFINITY);
                    ui.add(line);
                }
                Form::Closed => {}
            }
            is_sent =
                ui.button("Send").clicked() || ui.input(|input| input.key_pressed(Key::Enter));
        });
    if is_sent {
        send(form, session, commands);
    }
    if is_sent || !is_open || ctx.input(|input| input.key_pressed(Key::Escape)) {
        *form = Form::Closed;
    }
}

/// Asks before many pages are dropped; Enter says yes, Escape no.
pub(super) fn draw_question(ctx: &egui::Context, commands: &mut PendingCommands) {
    let Some(drops) = commands.question() else {
        return;
    };
    let text = format!("Drop {}?", drops.what);
    let count = format!("{} will be cancelled.", format::pages(drops.count));
    let mut answer = None;
    egui::Window::new(text)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            ui.label(count);
            ui.label("U brings back what was dropped last.");
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                if ui.button("Keep them").clicked() {
                    answer = Some(false);
                }
                if ui.button("Drop them").clicked() {
                    answer = Some(true);
                }
            });
        });
    let pressed = |key| ctx.input(|input| input.key_pressed(key));
    if pressed(Key::Escape) {
        answer = Some(false);
    } else if pressed(Key::Enter) {
        answer = Some(true);
    }
    if let Some(is_yes) = answer {
        commands.answer_question(is_yes);
    }
}

fn send(form: &Form, session: Option<SessionId>, commands: &mut PendingCommands) {
    match form {
        Form::Closed => {}
        Form::StartUrl(url) => {
            let Some(session) = session else {
                let text = "no session runs that could take a start URL".to_owned();
                commands.notify(Severity::Warning, text);
                return;
            };
            let url = url.trim().to_owned();
            commands.send("add a start URL", Command::AddStart { session, url });
        }
        Form::Setting(name, value) => {
            let value = json_or_text(value);
            let name = name.trim().to_owned();
            let what = format!("{name} = {value}");
            commands.send(what, Command::Set { name, value });
        }
    }
}

/// A value as JSON; what is no JSON is a text.
fn json_or_text(text: &str) -> serde_json::Value {
    serde_json::from_str(text.trim())
        .unwrap_or_else(|_| serde_json::Value::String(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_value_is_read_as_json_and_else_as_text() {
        let values = ["2.5", " none ", "\"30s\"", "[1, 2]", "30 s"].map(super::json_or_text);
        let wanted = [
            json!(2.5),
            json!("none"),
            json!("30s"),
            json!([1, 2]),
            json!("30 s"),
        ];
        assert_eq!(values, wanted);
    }
}
