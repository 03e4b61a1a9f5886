//! What may leave neither in a recording nor in an event: user names and passwords in URLs.

use std::{borrow::Cow, sync::Arc};

use crate::feed::{
    frame::{Change, ChangeFrame, Detail},
    key_frame::KeyFrame,
    task_record::TaskRecord,
};

impl ChangeFrame {
    /// The same without user names and passwords in any URL.
    pub(super) fn without_secrets(&self) -> Self {
        let mut tick = self.clone();
        for change in &mut tick.changes {
            match change {
                Change::Admitted(task) => redact_url(task),
                Change::Notice { text, .. } | Change::HostAdmitted { name: text, .. } => {
                    redact(text);
                }
                Change::Moved(step) => {
                    if let Detail::Error(fault) = &mut step.detail {
                        redact(&mut fault.message);
                    }
                }
                _ => {}
            }
        }
        tick
    }
}

impl KeyFrame {
    /// The same without user names and passwords in any URL.
    pub(super) fn without_secrets(&self) -> Self {
        let mut frame = self.clone();
        frame.tasks.iter_mut().for_each(redact_url);
        frame
    }
}

fn redact_url(task: &mut TaskRecord) {
    if let Cow::Owned(clean) = without_userinfo(&task.url) {
        task.url = clean.as_str().into();
    }
}

fn redact(text: &mut Arc<str>) {
    if let Cow::Owned(clean) = without_userinfo(text) {
        *text = clean.into();
    }
}

/// `text` with `user:password@` taken out of every URL in it.
fn without_userinfo(text: &str) -> Cow<'_, str> {
    if !text.contains('@') || !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, after) = rest.split_at(at + 3);
        clean.push_str(scheme);
        let end = after
            .find(|c: char| {
                matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>') || c.is_whitespace()
            })
            .unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(&after[host..end]);
        rest = &after[end..];
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_and_passwords_are_taken_out_of_any_text() {
        for (text, clean) in [
            (
                "http://u:p@a.test/x?y=http://v@b.test/",
                "http://a.test/x?y=http://b.test/",
            ),
            ("see https://me:secret@c.test", "see https://c.test"),
            ("http://a.test/@user", "http://a.test/@user"),
            ("mail me@a.test", "mail me@a.test"),
        ] {
            assert_eq!(without_userinfo(text), clean);
        }
    }
}
