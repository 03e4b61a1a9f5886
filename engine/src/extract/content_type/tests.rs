use super::{Form, form};
use crate::model::class::ErrorClass;

#[track_caller]
fn check(content_type: Option<&str>, body: &[u8], expected: Result<Form, ErrorClass>) {
    assert_eq!(
        form(content_type, body).map_err(|error| error.class),
        expected,
        "{content_type:?}"
    );
}

#[test]
fn a_page_is_told_by_its_type_and_its_first_bytes() {
    let page = b"<html><p>Hello, page</p></html>";
    check(None, page, Ok(Form::Html));
    check(Some(""), page, Ok(Form::Html));
    check(Some("text/html; charset=utf-8"), page, Ok(Form::Html));
    check(Some("APPLICATION/XHTML+XML"), page, Ok(Form::Html));
    check(Some("application/octet-stream"), page, Ok(Form::Html));
    check(Some("application/xml"), page, Ok(Form::Html));
    check(Some("application/json"), b"{}", Ok(Form::Json));
    check(Some("application/ld+json; x=y"), b"{}", Ok(Form::Json));
    check(Some("image/png"), page, Err(ErrorClass::WrongType));
    check(Some("image/svg+xml"), page, Err(ErrorClass::WrongType));
    check(Some("application/pdf"), page, Err(ErrorClass::WrongType));
    check(Some("text/html"), b"%PDF-1.7 x", Err(ErrorClass::WrongType));
    check(
        Some("text/html"),
        b"\x89PNG\r\n\x1a\nxx",
        Err(ErrorClass::WrongType),
    );
}

#[test]
fn control_bytes_make_a_body_binary_but_a_stray_nul_does_not() {
    let rubbish: Vec<u8> = (0..2_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    check(Some("text/html"), &rubbish, Err(ErrorClass::WrongType));
    check(Some("text/html"), b"<p>a\0b</p>", Ok(Form::Html));
    check(None, b"<\0p\0>\0a\0b\0c\0d\0e\0f\0g\0h\0", Ok(Form::Html));
    check(None, b"\xff\xfe<\0p\0>\0", Ok(Form::Html));
}
