//! Pages in the markup of the Matter catalogue: one buffer a page, what all pages share made once.

mod detail;
mod home;
mod layout;
mod list;

use std::fmt::Write as _;

pub(super) use self::{
    detail::detail_page,
    home::home_page,
    layout::Layout,
    list::{ListView, list_page},
};

/// The query of the catalogue's list pages, as the site writes it.
pub(super) const LIST_QUERY: &str =
    "p_keywords&p_type%5B0%5D=14&p_program_type%5B0%5D=1049&p_certificate&p_family&p_firmware_ver";

/// Appends text as HTML text or as a quoted attribute's value.
fn escape(into: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        into.push_str(&rest[..at]);
        into.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &rest[at + 1..];
    }
    into.push_str(rest);
}

/// `write!` into a string, which cannot fail.
pub(super) fn put(into: &mut String, text: std::fmt::Arguments<'_>) {
    into.write_fmt(text)
        .expect("writing to a string cannot fail");
}
