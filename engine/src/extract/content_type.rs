//! Whether a body is HTML, JSON, or nothing that a stage can read.

use crate::{extract::output::ExtractError, model::class::ErrorClass};

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Parsed as HTML (XML and XHTML too).
    Html,
    /// Parsed as JSON: no selector finds anything in it.
    Json,
}

/// First bytes of formats that are never a page, with their names.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"\0asm", "a WebAssembly module"),
    (b"OggS", "an Ogg stream"),
    (b"ID3", "an MP3 file"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
];

/// Decides by the declared type, then by the first bytes.
pub(super) fn form(content_type: Option<&str>, body: &[u8]) -> Result<Form, ExtractError> {
    let essence = essence(content_type);
    if let Some(what) = refused(&essence) {
        return Err(wrong(&format!("the server says it is {what} ({essence})")));
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| body.starts_with(magic)) {
        return Err(wrong(&format!("its first bytes are those of {what}")));
    }
    if is_binary(body) {
        return Err(wrong("it is full of control bytes: binary, not text"));
    }
    let json = matches!(essence.as_str(), "application/json" | "text/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    Ok(if json { Form::Json } else { Form::Html })
}

/// The declared type without its parameters, in lower case.
fn essence(content_type: Option<&str>) -> String {
    let first = content_type.unwrap_or_default().split([';', ',']).next();
    first.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the declared type is XML, XHTML included: then an element may end where it begins.
pub(crate) fn is_xml(content_type: Option<&str>) -> bool {
    let essence = essence(content_type);
    matches!(essence.as_str(), "application/xml" | "text/xml") || essence.ends_with("+xml")
}

/// Whether the declared type is HTML or XML.
pub(crate) fn is_markup(content_type: Option<&str>) -> bool {
    is_xml(content_type) || essence(content_type) == "text/html"
}

fn wrong(why: &str) -> ExtractError {
    ExtractError {
        class: ErrorClass::WrongType,
        message: format!("not a page that can be read: {why}"),
    }
}

fn refused(essence: &str) -> Option<&'static str> {
    if essence == "image/svg+xml" {
        return Some("an image");
    }
    match essence.split_once('/')? {
        ("image", _) => Some("an image"),
        ("audio", _) => Some("sound"),
        ("video", _) => Some("a video"),
        ("font", _) => Some("a font"),
        ("model", _) => Some("a model"),
        ("application", "pdf") => Some("a PDF"),
        (
            "application",
            "zip" | "gzip" | "x-gzip" | "x-tar" | "x-7z-compressed" | "x-rar-compressed"
            | "vnd.rar" | "x-bzip2" | "java-archive",
        ) => Some("an archive"),
        ("application", "wasm" | "x-msdownload" | "vnd.microsoft.portable-executable") => {
            Some("a program")
        }
        ("application", "msword" | "vnd.ms-excel" | "vnd.ms-powerpoint") => {
            Some("an office document")
        }
        ("application", kind) if kind.starts_with("vnd.openxmlformats") => {
            Some("an office document")
        }
        _ => None,
    }
}

/// Whether the first KiB holds more control bytes than any text does. A BOM or the alternating
/// zeros of UTF-16 make them text; a stray NUL does too.
fn is_binary(body: &[u8]) -> bool {
    let head = &body[..body.len().min(1_024)];
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return false;
    }
    if super::charset::bare_utf16(head).is_some() {
        return false;
    }
    let control = head
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
        .count();
    control >= 4 && control * 25 > head.len()
}

#[cfg(test)]
mod tests;
