//! Pictures without a window.

use std::{fs, path::Path};

use super::{has_adapter, record, run, text, viewer};

/// The picture of a recording at this second, and what was told on stderr.
fn shot(recording: &Path, at: &str) -> (Vec<u8>, String) {
    let out = recording.with_extension("png");
    let ended = run(viewer(&[
        "--replay",
        &recording.display().to_string(),
        "--screenshot",
        &out.display().to_string(),
        "--at",
        at,
    ]));
    let told = text(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    (fs::read(out).expect("the picture is there"), told)
}

#[test]
#[cfg(target_os = "linux")]
fn a_picture_without_an_adapter_is_an_error_and_no_crawl() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let out = folder.path().join("out.png");
    let mut command = viewer(&["--demo", "--screenshot", &out.display().to_string()]);
    command
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .env("WGPU_BACKEND", "vulkan");
    let ended = run(command);
    let err = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{err}");
    assert!(err.contains("mesa-vulkan-drivers"), "{err}");
    assert!(ended.stdout.is_empty() && !out.exists());
}

#[test]
fn the_demo_gives_a_picture_of_the_size_asked_for() {
    if !has_adapter() {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let out = folder.path().join("out.png");
    let path = out.display().to_string();
    let flags = [
        "--demo",
        "--products",
        "60",
        "--at",
        "2",
        "--size",
        "800x600",
    ];
    let ended = run(viewer(&[&flags[..], &["--screenshot", &path]].concat()));
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let picture = image::open(&out).expect("a picture").into_rgba8();
    assert_eq!(picture.dimensions(), (800, 600));
    let first = picture.get_pixel(0, 0);
    assert!(picture.pixels().any(|pixel| pixel != first));
}

#[test]
fn the_same_time_of_a_recording_is_the_same_picture() {
    if !has_adapter() {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let recording = folder.path().join("run.cfr");
    record(&recording, 80);
    let (first, _) = shot(&recording, "0.6");
    assert!(first == shot(&recording, "0.6").0, "byte for byte");
    assert!(
        first != shot(&recording, "0.3").0,
        "another time is another picture"
    );

    let film = |name: &str| -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let frames = folder.path().join(name);
        let ended = run(viewer(&[
            "--replay",
            &recording.display().to_string(),
            "--frames",
            &frames.display().to_string(),
            "--fps",
            "10",
            "--for",
            "0.4",
        ]));
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        let mut pictures: Vec<_> = fs::read_dir(frames)
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be read"))
            .map(|entry| {
                (
                    entry.file_name(),
                    fs::read(entry.path()).expect("a picture"),
                )
            })
            .collect();
        pictures.sort();
        pictures
    };
    let first = film("frames");
    assert_eq!(
        first.first().and_then(|(name, _)| name.to_str()),
        Some("000000.png")
    );
    assert_eq!(first.len(), 5);
    assert!(first == film("again"), "byte for byte, frame by frame");
    assert!(first[0].1 != first[4].1, "something moves");
}

#[test]
fn a_damaged_recording_is_shown_up_to_the_damage() {
    if !has_adapter() {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let recording = folder.path().join("run.cfr");
    record(&recording, 300);
    let whole = fs::read(&recording).expect("it was just written");
    let (before, told) = shot(&recording, "0.2");
    assert!(!told.contains("damaged"), "{told}");
    // The end is lost, and then a byte in the middle turned over as well.
    let cut = whole.len() * 9 / 10;
    fs::write(&recording, &whole[..cut]).expect("the folder is ours");
    let (_, told) = shot(&recording, "99");
    assert!(told.contains("damaged"), "{told}");
    let mut turned = whole;
    turned[cut] ^= 0xff;
    fs::write(&recording, &turned).expect("the folder is ours");
    let (end, told) = shot(&recording, "99");
    assert!(told.contains("damaged"), "{told}");
    assert!(before != end);
}

#[test]
fn what_is_no_recording_is_refused() {
    if !has_adapter() {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("note.txt");
    fs::write(&path, "no recording").expect("the folder is ours");
    let ended = run(viewer(&[
        "--replay",
        &path.display().to_string(),
        "--screenshot",
        "never.png",
    ]));
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("not a Crawlfield recording"));
}
