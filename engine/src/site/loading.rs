//! What is known while a site file is being read, and the values that many places name: a stage, a
//! page's URL.

use std::ops::Range;

use url::Url;

use super::{
    problems::{Problems, shown},
    reading::Node,
};
use crate::model::ids::StageId;

/// What is known while a file is being read.
pub(super) struct Loading<'a> {
    pub(super) problems: Problems<'a>,
    /// In the order of the file; `StageId` is the index.
    pub(super) stage_names: Vec<String>,
    /// Where the file asks for carried fields.
    pub(super) carried: Vec<CarriedUse>,
    /// Record kinds, to find the second of a name.
    pub(super) kinds: Vec<String>,
    /// Page patterns, which must lead into the scope.
    pub(super) addresses: Vec<(Range<usize>, String, Url)>,
}

/// One `carried = "…"`.
pub(super) struct CarriedUse {
    pub(super) stage: StageId,
    pub(super) span: Range<usize>,
    pub(super) field: String,
    pub(super) name: String,
}

/// An absolute http(s) URL without user name and password.
pub(super) fn absolute(node: &Node<'_>, text: &str, problems: &mut Problems<'_>) -> Option<Url> {
    let reason = match Url::parse(text) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            "is not absolute; expected one that begins with http:// or https://".to_owned()
        }
        Err(error) => format!("cannot be read: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            format!("has the scheme `{}`; expected http or https", url.scheme())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            // The message does not repeat the URL: it holds a password.
            let message = "a URL holds no user name; use `politeness.basic_auth`";
            problems.error(
                &(node.span.start..node.span.start),
                "politeness.basic_auth",
                message,
            );
            return None;
        }
        Ok(url) => return Some(url),
    };
    node.error(format!("the URL {} {reason}", shown(text)), problems);
    None
}

/// The stage that a value names.
pub(super) fn stage_id(
    node: &Node<'_>,
    stage_names: &[String],
    problems: &mut Problems<'_>,
) -> Option<StageId> {
    let text = node.text_as("the name of a stage", problems)?;
    if let Some(index) = stage_names.iter().position(|name| name == text) {
        return u16::try_from(index).ok().map(StageId);
    }
    let known = stage_names.iter().map(String::as_str);
    let list = stage_names.join(", ");
    let message = format!("there is no stage {}; the file has: {list}", shown(text));
    problems.unknown(&node.span, &node.field, message, text, known);
    None
}
