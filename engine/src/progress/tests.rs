use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

use super::*;
use crate::{
    feed::{
        frame::{Change, ChangeFrame, Frame},
        hub,
        snapshot::{Bottleneck, Prediction, Snapshot, StageInfo},
    },
    model::{
        ids::{SessionId, StageId},
        phase::{SessionPhase, StagePhase},
    },
};

fn snapshot(at: f64) -> Snapshot {
    let mut snapshot = Snapshot {
        at,
        prediction: Some(Prediction {
            eta_median: 180.0,
            eta80: [120.0, 300.0],
            ..Prediction::default()
        }),
        bottleneck: Some(Bottleneck {
            name: "site's rate".to_owned(),
            evidence: "4.0 of 4 requests/s at a.test".to_owned(),
            host: None,
        }),
        ..Snapshot::default()
    };
    snapshot.session.id = 1;
    snapshot.session.site = "books".to_owned();
    snapshot.session.mode = "new".to_owned();
    snapshot.session.profile = "balanced".to_owned();
    snapshot.session.state = "running".to_owned();
    snapshot.session.source = Some("demo".to_owned());
    snapshot.progress.records = 34;
    snapshot.rates.pages_per_minute = 35.4;
    snapshot.rates.bytes_per_second = 12_345.0;
    snapshot.progress.stages = vec![
        StageInfo {
            name: "list".to_owned(),
            discovered: 4,
            done: 4,
            ..StageInfo::default()
        },
        StageInfo {
            name: "detail".to_owned(),
            discovered: 80,
            done: 34,
            in_flight: 3,
            failed: 1,
            ..StageInfo::default()
        },
    ];
    snapshot.waiting.insert("pace".to_owned(), 42);
    snapshot.waiting.insert("breaker".to_owned(), 0);
    snapshot.errors.insert("http_server".to_owned(), 7);
    snapshot
}

fn changes(seq: u64) -> Frame {
    Frame::Changes(ChangeFrame {
        seq,
        at_us: 0,
        changes: vec![
            Change::SessionAdmitted {
                session: SessionId(1),
                site: Arc::from("books"),
                source: Some(Arc::from("demo")),
                stages: vec![Arc::from("list"), Arc::from("detail")],
            },
            Change::SessionMoved {
                session: SessionId(1),
                from: SessionPhase::Planning,
                to: SessionPhase::Running,
            },
            Change::StageMoved {
                session: SessionId(1),
                stage: StageId(1),
                from: StagePhase::Waiting,
                to: StagePhase::Running,
            },
            Change::Notice {
                session: SessionId(1),
                text: Arc::from("page count shrank\u{1b}]0;owned\u{7} \u{202e}gpj"),
            },
        ],
    })
}

/// The plain lines that these frames give.
fn check(frames: Vec<Frame>, expected: &Expect) {
    let (mut feeder, hub) = hub::start().unwrap();
    let subscription = hub.subscribe(64);
    // The key frame first, so that the frames arrive as changes.
    while hub_is_silent(&subscription) {}
    for frame in frames {
        feeder.send(frame);
    }
    drop(feeder);
    let mut out = Vec::new();
    lines(&subscription, Charset::Unicode, &mut out).unwrap();
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

fn hub_is_silent(subscription: &Subscription) -> bool {
    subscription.recv_timeout(Duration::from_secs(20)).is_none()
}

#[test]
fn a_pipe_gets_moves_at_once_and_a_line_every_few_seconds() {
    let snapshots = [0.0, 1.0, 4.9, 5.0, 6.0].map(|at| Frame::Snapshot(Box::new(snapshot(at))));
    let mut frames = vec![changes(0)];
    frames.extend(snapshots);
    check(
        frames,
        &expect![[r"
            DEMO · books: session 1
            books: session 1 planning → running
            books: stage detail waiting → running
            books: page count shrank\u{1b}]0;owned\u{7} \u{202e}gpj
            DEMO · books · new · balanced · running | list 4/4 | detail 34/80, 3 in flight, 1 failed | 35 pages/min · 12 kB/s · 34 records · about 3 min left (80 %: 2–5 min) | errors: 7 http_server | waiting: 42 for the host's pace | limited by site's rate (4.0 of 4 requests/s at a.test)
            DEMO · books · new · balanced · running | list 4/4 | detail 34/80, 3 in flight, 1 failed | 35 pages/min · 12 kB/s · 34 records · about 3 min left (80 %: 2–5 min) | errors: 7 http_server | waiting: 42 for the host's pace | limited by site's rate (4.0 of 4 requests/s at a.test)
            DEMO · books · new · balanced · running | list 4/4 | detail 34/80, 3 in flight, 1 failed | 35 pages/min · 12 kB/s · 34 records · about 3 min left (80 %: 2–5 min) | errors: 7 http_server | waiting: 42 for the host's pace | limited by site's rate (4.0 of 4 requests/s at a.test)
        "]],
    );
}

/// What is drawn last on a terminal of this width.
fn drawn(width: usize, charset: Charset) -> Vec<String> {
    let (mut feeder, hub) = hub::start().unwrap();
    let subscription = hub.subscribe(64);
    while hub_is_silent(&subscription) {}
    let mut early = snapshot(0.0);
    early.prediction = None;
    early.progress.stages.truncate(1);
    feeder.send(Frame::Snapshot(Box::new(early)));
    feeder.send(Frame::Snapshot(Box::new(snapshot(1.0))));
    drop(feeder);
    let paper = Paper::of(width);
    let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
    let screen = MultiProgress::with_draw_target(target);
    draw(&subscription, &screen, charset, &|| width);
    let drawn = paper.text.lock().unwrap().clone();
    let last = drawn.rfind("DEMO").expect("the banner is drawn");
    // Each line is filled up to the width.
    let letters: Vec<char> = drawn[last..].chars().filter(|c| *c != '\n').collect();
    let lines = letters.chunks(width).map(|line| line.iter().collect());
    lines
        .map(|line: String| line.trim_end().to_owned())
        .collect()
}

#[test]
fn a_terminal_gets_a_header_a_bar_per_stage_and_what_is_in_the_way() {
    let expected = [
        "DEMO · books · new · balanced · running",
        "  ━━━━━━━━━━━━━━━━━━━━━━━━ 100 %  list 4/4",
        "  ━━━━━━━━━━╸─────────────  42 %  detail 34/80, 3 in flight, 1 failed",
        "35 pages/min · 12 kB/s · 34 records · about 3 min left (80 %: 2–5 min)",
        "errors: 7 http_server",
        "waiting: 42 for the host's pace",
        "limited by site's rate (4.0 of 4 requests/s at a.test)",
    ];
    assert_eq!(drawn(100, Charset::Unicode), expected);
}

#[test]
fn a_narrow_terminal_keeps_the_counts_and_the_time_left() {
    let expected = [
        "DEMO · books · new · balanced · running",
        "100 %  list 4/4",
        " 42 %  detail 34/80, 3 in flight, 1",
        "       failed",
        "35 pages/min · 12 kB/s · 34 records ·",
        "  about 3 min left (80 %: 2–5 min)",
        "errors: 7 http_server",
        "waiting: 42 for the host's pace",
        "limited by site's rate (4.0 of 4",
        "  requests/s at a.test)",
    ];
    assert_eq!(drawn(40, Charset::Unicode), expected);
}

#[test]
fn a_terminal_without_utf_8_gets_ascii() {
    let lines = drawn(100, Charset::Ascii);
    assert!(lines.iter().all(|line| line.is_ascii()), "{lines:#?}");
    let bar = "  ==========>-------------  42 %  detail 34/80, 3 in flight, 1 failed";
    assert_eq!(lines[2], bar);
    assert!(lines[3].ends_with("about 3 min left (80 %: 2-5 min)"));
}

#[test]
fn the_first_locale_that_says_anything_decides() {
    let of = |all: &str, kind: &str, lang: &str| {
        let said = |name: &str| Some(name.to_owned());
        Charset::of_locale([said(all), said(kind), said(lang)])
    };
    assert_eq!(of("", "", "de_DE.UTF-8"), Charset::Unicode);
    assert_eq!(of("", "C.utf8", "C"), Charset::Unicode);
    assert_eq!(of("C", "", "en_US.UTF-8"), Charset::Ascii);
    assert_eq!(of("", "", "de_DE.ISO-8859-1"), Charset::Ascii);
    assert_eq!(Charset::of_locale([None, None, None]), Charset::Ascii);
}

/// A terminal that keeps all that is written.
#[derive(Debug, Clone)]
struct Paper {
    width: u16,
    text: Arc<Mutex<String>>,
}

impl Paper {
    fn of(width: usize) -> Self {
        Self {
            width: u16::try_from(width).unwrap(),
            text: Arc::default(),
        }
    }
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        self.width
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(&format!("{text}\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.text.lock().unwrap().push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_hung_up_reader_does_not_stop_the_reading() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (mut feeder, hub) = hub::start().unwrap();
    let subscription = hub.subscribe(64);
    while hub_is_silent(&subscription) {}
    feeder.send(changes(0));
    feeder.send(Frame::Snapshot(Box::new(snapshot(9.0))));
    drop(feeder);
    assert!(lines(&subscription, Charset::Unicode, &mut Closed).is_err());
    assert!(matches!(subscription.try_recv(), Some(Item::Closed)));
}

#[test]
fn nothing_is_left_of_a_session_that_is_over() {
    let mut over = snapshot(9.0);
    assert!(status::speed(&over).ends_with(" left (80 %: 2–5 min)"));
    over.session.state = "completed".to_owned();
    assert!(status::speed(&over).ends_with(" records"));
}

#[test]
fn the_time_left_is_told_in_fitting_units_or_as_unknown() {
    let tell = |median: f64, low: f64, high: f64| {
        text::eta(Some(&Prediction {
            eta_median: median,
            eta80: [low, high],
            ..Prediction::default()
        }))
    };
    assert_eq!(text::eta(None), "time left unknown");
    assert_eq!(tell(42.0, 30.0, 55.5), "about 42 s left (80 %: 30–56 s)");
    assert_eq!(
        tell(210.0, 150.0, 9_000.0),
        "about 3.5 min left (80 %: 0–2.5 h)"
    );
    assert_eq!(text::duration(259_200.0), "3 d");
}

#[test]
fn remote_text_cannot_steer_the_terminal() {
    assert_eq!(safe("a\u{9b}31mb\r\n"), "a\\u{9b}31mb\\u{d}\\u{a}");
    assert_eq!(safe("\u{2066}x\u{feff}"), "\\u{2066}x\\u{feff}");
    assert_eq!(safe(&"é".repeat(300)).chars().count(), 257);
    assert_eq!(safe("Ærø – 東京"), "Ærø – 東京");
}
