//! Bodies in every coding, whole, cut, damaged and malicious, in pieces of every size.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    decoded: 20 << 20,
    ratio: u32::MAX,
    cut: false,
};

fn decode(encodings: &[&str], coded: &[u8], piece: usize, limits: Limits) -> Result<Vec<u8>, Stop> {
    let mut body = BodyDecoder::new(encodings, limits)?;
    for piece in coded.chunks(piece.max(1)) {
        body.push(piece)?;
    }
    assert_eq!(body.wire_bytes(), coded.len() as u64);
    body.finish()
}

/// The same result in pieces of one byte, of a few, and in one piece.
fn in_all_pieces(encodings: &[&str], coded: &[u8]) -> Result<Vec<u8>, Stop> {
    let whole = decode(encodings, coded, coded.len(), LIMITS);
    for piece in [1, 7, 1460] {
        let again = decode(encodings, coded, piece, LIMITS);
        assert_eq!(again.is_ok(), whole.is_ok(), "{encodings:?} by {piece}");
        if let (Ok(again), Ok(whole)) = (&again, &whole) {
            assert!(again == whole, "{encodings:?} by {piece}");
        }
    }
    whole
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn cases() -> Option<PathBuf> {
    let folder = std::env::var_os("CRAWLFIELD_CASES").map(PathBuf::from);
    if folder.is_none() {
        println!("not run: CRAWLFIELD_CASES is not set");
    }
    folder.map(|folder| folder.join("compression"))
}

/// The recorded pages differ only in that each names its own coding.
fn neutral(page: &[u8]) -> String {
    let text = String::from_utf8_lossy(page).into_owned();
    let (before, after) = text.split_once("encoding `").unwrap();
    let (_, after) = after.split_once("'.").unwrap();
    format!("{before}{after}")
}

#[test]
fn gzip_that_nobody_named_is_unpacked_where_it_may_be() {
    let read = |coded: &[u8], piece: usize| {
        let mut body = BodyDecoder::new(&["identity"], LIMITS).unwrap().or_gzip();
        for piece in coded.chunks(piece) {
            body.push(piece)?;
        }
        assert_eq!(body.wire_bytes(), coded.len() as u64);
        body.finish()
    };
    let coded = gzip(b"<p>page");
    for piece in [1, 2, 3, 1460] {
        assert_eq!(read(&coded, piece).unwrap(), b"<p>page");
        for plain in [&b""[..], b"<", b"\x1f\x8b", b"<p>plain", b"\x1f\x8b\x01"] {
            assert_eq!(read(plain, piece).unwrap(), plain);
        }
        assert!(matches!(
            read(&coded[..coded.len() - 9], piece),
            Err(Stop::Damaged(_))
        ));
    }
    assert_eq!(decode(&[], &coded, 9, LIMITS).unwrap(), coded);
    let named = BodyDecoder::new(&["gzip"], LIMITS).unwrap().or_gzip();
    assert!(named.first.is_none());
    let bomb = gzip(&vec![0; 4 << 20]);
    let limits = Limits {
        ratio: 20,
        ..LIMITS
    };
    let mut body = BodyDecoder::new(&[], limits).unwrap().or_gzip();
    assert_eq!(body.push(&bomb), Err(Stop::Ratio(20)));
}

#[test]
fn recorded_bodies_decode_to_the_same_page() {
    let Some(folder) = cases() else { return };
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let page = in_all_pieces(&["gzip"], &read("html-gzip.bin")).unwrap();
    assert_eq!(page.len(), 74_837);
    for (name, encodings) in [
        ("html-gzip.bin", &["x-gzip"][..]),
        ("html-gzip.bin", &["GZIP"]),
        ("html-br.bin", &["br"]),
        ("html-zlibdeflate.bin", &["deflate"]),
        ("html-rawdeflate.bin", &["deflate"]),
        ("html-zstd-static-content-size.bin", &["zstd"]),
        ("html-zstd-static-no-content-size.bin", &["zstd"]),
        ("html-zstd-streaming-no-content-size.bin", &["zstd"]),
        ("html-gzip-deflate.bin", &["gzip, deflate"]),
        ("html-gzip-deflate.bin", &["gzip", "deflate"]),
        ("html-gzip-deflate-gzip.bin", &["gzip, deflate, gzip"]),
    ] {
        let decoded = in_all_pieces(encodings, &read(name)).unwrap();
        assert!(neutral(&decoded) == neutral(&page), "{name} {encodings:?}");
    }
    let feed = in_all_pieces(&["gzip"], &read("feed-sample1.xml.gz")).unwrap();
    assert!(feed == read("feed-sample1.xml"));
}

#[test]
fn recorded_damage_is_found() {
    let Some(folder) = cases() else { return };
    for name in [
        "truncated-crc-error.gz",
        "truncated-crc-error-short.gz",
        "unexpected-eof.gz",
    ] {
        let coded = fs::read(folder.join(name)).unwrap();
        let stopped = in_all_pieces(&["gzip"], &coded);
        assert!(matches!(stopped, Err(Stop::Damaged(_))), "{name}");
    }
}

#[test]
fn bombs_are_stopped_by_size_and_by_ratio_before_they_grow() {
    let Some(folder) = cases() else { return };
    for (name, encoding) in [
        ("bomb-br.bin", "br"),
        ("bomb-deflate.bin", "deflate"),
        ("bomb-gzip.bin", "gzip"),
        ("bomb-zstd.bin", "zstd"),
    ] {
        let coded = fs::read(folder.join(name)).unwrap();
        let whole = decode(&[encoding], &coded, coded.len(), LIMITS).unwrap();
        assert_eq!(whole.len(), 11_511_612, "{name}");
        let small = Limits {
            decoded: 1 << 20,
            ..LIMITS
        };
        let stopped = decode(&[encoding], &coded, coded.len(), small);
        assert_eq!(stopped, Err(Stop::TooLarge(1 << 20)), "{name}");
        let strict = Limits {
            ratio: 200,
            ..LIMITS
        };
        let stopped = decode(&[encoding], &coded, coded.len(), strict);
        assert_eq!(stopped, Err(Stop::Ratio(200)), "{name}");
    }
}

#[test]
fn every_early_end_is_found() {
    let plain = b"a page of some length, a page of some length".repeat(9);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(&plain).unwrap();
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    raw.write_all(&plain).unwrap();
    let mut br = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
    br.write_all(&plain).unwrap();
    let zstd = zstd::stream::encode_all(&plain[..], 3).unwrap();
    for (encoding, coded) in [
        ("gzip", gzip(&plain)),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("br", br.into_inner()),
        ("zstd", zstd),
    ] {
        assert!(in_all_pieces(&[encoding], &coded).is_ok_and(|decoded| decoded == plain));
        for end in 1..coded.len() {
            let stopped = decode(&[encoding], &coded[..end], end, LIMITS);
            assert!(
                matches!(stopped, Err(Stop::Damaged(_))),
                "{encoding} cut at {end}"
            );
        }
    }
}

#[test]
fn codings_that_are_none_leave_the_body_alone() {
    for encodings in [
        &[][..],
        &[""],
        &["identity"],
        &["none"],
        &["UTF-8"],
        &["identity, "],
    ] {
        assert_eq!(
            in_all_pieces(encodings, b"page").unwrap(),
            b"page",
            "{encodings:?}"
        );
    }
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(
            decode(&[encoding], b"", 1, LIMITS).unwrap(),
            b"",
            "{encoding}"
        );
    }
}

#[test]
fn what_does_not_fit_its_coding_is_refused() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let stopped = decode(&[encoding], b"<html><body>plain</body></html>", 99, LIMITS);
        assert!(
            matches!(stopped, Err(Stop::Damaged(_))),
            "{encoding}: {stopped:?}"
        );
    }
    let check = |encodings: &[&str]| {
        let stopped = decode(encodings, b"x", 1, LIMITS);
        assert!(matches!(stopped, Err(Stop::Unknown(_))), "{encodings:?}");
    };
    check(&["compress"]);
    check(&["gzip, gzip, gzip, gzip"]);
}

#[test]
fn gzip_members_are_joined_and_what_follows_is_ignored() {
    let two = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(in_all_pieces(&["gzip"], &two).unwrap(), b"one two");
    let padded = [gzip(b"one"), vec![0; 20]].concat();
    assert_eq!(in_all_pieces(&["gzip"], &padded).unwrap(), b"one");
    let mut wrong = gzip(b"one");
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    assert!(matches!(
        in_all_pieces(&["gzip"], &wrong),
        Err(Stop::Damaged(_))
    ));
}

#[test]
fn a_body_is_cut_at_its_limit_where_that_is_wanted() {
    let limits = Limits {
        decoded: 5,
        cut: true,
        ..LIMITS
    };
    for encodings in [&[][..], &["gzip"]] {
        let coded = if encodings.is_empty() {
            b"0123456789".to_vec()
        } else {
            gzip(b"0123456789")
        };
        let mut body = BodyDecoder::new(encodings, limits).unwrap();
        let stopped = coded.chunks(3).find_map(|piece| body.push(piece).err());
        assert_eq!(stopped, Some(Stop::Cut));
        assert_eq!(body.so_far(), b"01234");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic_or_pass_its_limit(
        encoding in prop::sample::select(vec!["", "gzip", "deflate", "br", "zstd", "gzip, deflate, br"]),
        start in prop::sample::select(vec![&b""[..], &[0x1f, 0x8b, 8, 0], &[0x78, 0x9c], &[0x28, 0xb5, 0x2f, 0xfd]]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
        piece in 1_usize..64,
    ) {
        let limits = Limits { decoded: 100, ratio: 2, cut: false };
        let coded = [start, &rest].concat();
        if let Ok(body) = decode(&[encoding], &coded, piece, limits) {
            prop_assert!(body.len() <= 100);
        }
    }
}
