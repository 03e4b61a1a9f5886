use encoding_rs::Encoding;
use serde_json::Value as Json;

use super::{Decoded, declared, decode, header_label, resolve};

#[track_caller]
fn check(header: Option<&str>, body: &[u8], charset: &str, text: &str) {
    let decoded = decode(header, body);
    assert_eq!((decoded.encoding.name(), &*decoded.text), (charset, text));
}

#[test]
fn the_bom_beats_the_header_and_the_header_beats_the_page() {
    check(
        Some("text/html; charset=shift_jis"),
        b"\xef\xbb\xbf\xc3\xa9",
        "UTF-8",
        "é",
    );
    check(
        Some("text/html; charset=latin1"),
        b"<meta charset=utf-8>\xe9",
        "windows-1252",
        "<meta charset=utf-8>é",
    );
    check(
        Some("text/html"),
        b"<meta charset=windows-1250>\xe8",
        "windows-1250",
        "<meta charset=windows-1250>č",
    );
    check(
        Some("text/html; charset=bogus"),
        b"<meta charset=koi8-r>\xc1",
        "KOI8-R",
        "<meta charset=koi8-r>а",
    );
}

#[test]
fn a_page_that_names_utf_16_in_its_markup_is_utf_8() {
    check(
        None,
        "<meta charset=utf-16>é".as_bytes(),
        "UTF-8",
        "<meta charset=utf-16>é",
    );
    check(
        None,
        b"<meta charset=x-user-defined>\xe9",
        "windows-1252",
        "<meta charset=x-user-defined>é",
    );
}

#[test]
fn declarations_beyond_the_first_kib_do_not_count() {
    let mut page = b" ".repeat(1_100);
    page.extend_from_slice(b"<meta charset=koi8-r>");
    assert!(declared(&page).is_none());
}

#[test]
fn content_declares_only_where_it_stands_for_the_header() {
    for (page, charset) in [
        (
            "<meta name=\"description\" content=\"all of charset=koi8-r\"><meta charset=\"utf-8\">",
            Some("UTF-8"),
        ),
        ("<meta name=description content='charset=koi8-r'>", None),
        (
            "<meta http-equiv=refresh content='9; url=/?charset=koi8-r'>",
            None,
        ),
        (
            "<META content='text/html; charset=koi8-r' HTTP-EQUIV='Content-TYPE'>",
            Some("KOI8-R"),
        ),
        (
            "<meta http-equiv=content-type content='charset; charset = \"koi8-r\";x'>",
            Some("KOI8-R"),
        ),
        (
            "<meta http-equiv=content-type content='charset=\"koi8-r'>",
            None,
        ),
        ("<meta charset=bogus><meta charset=koi8-r>", Some("KOI8-R")),
        ("<meta/charset=koi8-r>", Some("KOI8-R")),
        ("<meta-x charset=koi8-r><metadata charset=koi8-r>", None),
        (
            "<a title='<meta charset=koi8-r>'><!-- > --><!-><!--><meta charset=utf-8>",
            Some("UTF-8"),
        ),
        (
            "<?php <meta charset=koi8-r> ?><!x <meta charset=koi8-r>",
            None,
        ),
        ("<a title='never closed <meta charset=koi8-r>", None),
        (
            "<?xml version='1.0' encoding='koi8-r'?><meta charset=utf-8>",
            Some("UTF-8"),
        ),
        ("<?xml version='1.0' encoding='koi8-r'?><p>", Some("KOI8-R")),
    ] {
        let found = declared(page.as_bytes()).map(Encoding::name);
        assert_eq!(found, charset, "{page}");
    }
}

#[test]
fn of_xml_the_declaration_counts() {
    let page = b"<?xml version='1.0' encoding='koi8-r'?><meta charset='utf-8'/>\xc1";
    let read = |kind| decode(Some(kind), page).encoding.name();
    assert_eq!(read("application/xhtml+xml"), "KOI8-R");
    assert_eq!(read("text/html"), "UTF-8");
}

#[test]
fn utf_16_without_a_bom_is_told_by_its_zeros() {
    check(None, b"<\0p\0>\0x\0", "UTF-16LE", "<p>x");
    check(None, b"\0<\0p\0>\0x", "UTF-16BE", "<p>x");
}

#[test]
fn without_any_word_the_bytes_decide() {
    check(None, "žluťoučký".as_bytes(), "UTF-8", "žluťoučký");
    let russian = encoding_rs::WINDOWS_1251
        .encode("Это просто текст на русском языке")
        .0;
    check(
        None,
        &russian,
        "windows-1251",
        "Это просто текст на русском языке",
    );
}

fn bytes(json: &Json) -> Option<Vec<u8>> {
    let hex = json.get("bytes_hex")?.as_str()?;
    let pairs = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    pairs.collect::<Result<_, _>>().ok()
}

/// The encoding that a Python codec name means; `gb18030` and `big5hkscs` stand for the WHATWG
/// encodings that decode alike.
fn named(name: &str) -> &'static Encoding {
    match name {
        "gb18030" => encoding_rs::GBK,
        "big5hkscs" => encoding_rs::BIG5,
        name => {
            let label = name.replace("utf-16-", "utf-16");
            Encoding::for_label(label.as_bytes()).expect("a codec that WHATWG knows")
        }
    }
}

/// What our decision for a recorded call is, in the form that the recording has.
fn agrees(call: &Json) -> bool {
    let result = &call["result"];
    let argument = |at: usize| &call["args"][at];
    let same = |got: Option<&'static Encoding>, wanted: &Json| match wanted.as_str() {
        Some(wanted) => got == Some(named(wanted)),
        None => got.is_none(),
    };
    match call["function"]
        .as_str()
        .unwrap()
        .rsplit('.')
        .next()
        .unwrap()
    {
        "read_bom" => {
            let body = bytes(argument(0)).unwrap();
            let got = Encoding::for_bom(&body);
            same(got.map(|(encoding, _)| encoding), &result[0])
                && got.is_none_or(|(_, length)| bytes(&result[1]).unwrap().len() == length)
        }
        "resolve_encoding" => same(resolve(argument(0).as_str().unwrap(), b""), result),
        "http_content_type_encoding" => {
            let label = argument(0).as_str().and_then(header_label);
            same(label.and_then(|label| resolve(label, b"")), result)
        }
        "html_body_declared_encoding" => {
            let body = bytes(argument(0));
            let body = body.unwrap_or_else(|| argument(0).as_str().unwrap().as_bytes().to_vec());
            same(declared(&body), result)
        }
        "html_to_unicode" => {
            let body = bytes(argument(1)).unwrap();
            let Decoded { text, encoding, .. } = decode(argument(0).as_str(), &body);
            // Plain ASCII is what a guess may call either.
            let wanted = result[0].as_str().unwrap();
            let same = wanted == "ascii" && body.is_ascii() || encoding == named(wanted);
            same && text == result[1].as_str().unwrap()
        }
        other => panic!("unknown recorded function {other}"),
    }
}

#[test]
fn recorded_decisions_of_another_library_agree() {
    let Some(cases) = std::env::var_os("CRAWLFIELD_CASES") else {
        println!("SKIPPED: CRAWLFIELD_CASES is not set");
        return;
    };
    let path = std::path::Path::new(&cases).join("encoding/w3lib_encoding_calls.jsonl");
    let recorded = std::fs::read_to_string(path).expect("the recorded calls");
    let calls: Vec<Json> = recorded
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    let (utf32, known): (Vec<_>, Vec<_>) = calls
        .iter()
        .partition(|call| call["result"].to_string().contains("utf-32"));
    assert_eq!((utf32.len(), known.len()), (11, 137));
    let wrong: Vec<_> = known.into_iter().filter(|call| !agrees(call)).collect();
    assert!(wrong.is_empty(), "{} disagree: {wrong:#?}", wrong.len());
}

#[test]
fn all_labels_of_the_standard_are_known() {
    let Some(cases) = std::env::var_os("CRAWLFIELD_CASES") else {
        println!("SKIPPED: CRAWLFIELD_CASES is not set");
        return;
    };
    let path = std::path::Path::new(&cases).join("encoding/whatwg_encodings_labels.json");
    let groups: Json = serde_json::from_slice(&std::fs::read(path).expect("the labels")).unwrap();
    let encodings = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["encodings"].as_array().unwrap());
    for encoding in encodings {
        for label in encoding["labels"].as_array().unwrap() {
            let got = Encoding::for_label(label.as_str().unwrap().as_bytes()).map(Encoding::name);
            assert_eq!(got, encoding["name"].as_str(), "{label}");
        }
    }
}
