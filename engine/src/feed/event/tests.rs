use expect_test::{Expect, expect};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::{
    feed::{
        frame::Fault,
        snapshot::{Bottleneck, HostInfo, Pool, Prediction, StageInfo},
    },
    model::ids::BatchId,
};

fn admitted() -> Change {
    Change::Admitted(Box::new(TaskRecord {
        key: PageKey(Uuid::from_u128(7)),
        batch: BatchId(2),
        host: HostId(3),
        ..TaskRecord::new(4, "http://a.test/x")
    }))
}

fn step(from: Phase, to: Phase, attempts: u16, detail: Detail) -> Change {
    Change::Moved(Move {
        slot: 4,
        from,
        to,
        attempts,
        detail,
    })
}

fn error(retry_at_us: Option<u64>) -> Detail {
    Detail::Error(Box::new(Fault {
        class: ErrorClass::HttpServer,
        message: Arc::from("503 from a.test"),
        retry_at_us,
    }))
}

fn took(ms: u32) -> Detail {
    Detail::Took { ms, bytes: 9 }
}

/// The events of a task after its admission, one JSON a line, each move a second after the last.
fn check(changes: Vec<Change>, expected: &Expect) {
    let mut events = Events::default();
    let mut events_so_far = events.of_changes(&ChangeFrame {
        seq: 0,
        at_us: 0,
        changes: vec![
            Change::SessionAdmitted {
                session: SessionId(1),
                site: Arc::from("books"),
                source: None,
                stages: vec![Arc::from("list")],
            },
            Change::HostAdmitted {
                host: HostId(3),
                name: Arc::from("a.test"),
            },
            admitted(),
        ],
    });
    let opening = events_so_far.len();
    for (n, change) in (1..).zip(changes) {
        events_so_far.extend(events.of_changes(&ChangeFrame {
            seq: n,
            at_us: n * 1_000_000,
            changes: vec![change],
        }));
    }
    for (n, event) in (0..).zip(&events_so_far) {
        assert_eq!(event.seq, n, "without a gap");
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), *event);
    }
    let lines = events_so_far[opening..].iter().map(|event| {
        let json = serde_json::to_string(event).unwrap() + "\n";
        json.replace("\"taskId\":\"00000000-0000-0000-0000-000000000007\",", "")
            .replace(",\"taskId\":\"00000000-0000-0000-0000-000000000007\"", "")
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn an_admission_has_the_field_names_of_the_contract() {
    let mut events = Events::default();
    let events_so_far = events.of_changes(&ChangeFrame {
        seq: 9,
        at_us: 12_001_000,
        changes: vec![admitted()],
    });
    let json = serde_json::to_value(&events_so_far[0]).unwrap();
    assert_eq!(json["type"], "TaskAdmitted");
    assert_eq!(json["seq"], 0);
    assert_eq!(json["at"], 12.001);
    assert_eq!(json["taskId"], "00000000-0000-0000-0000-000000000007");
    assert_eq!(json["url"], "http://a.test/x");
    assert!(json["stage"].is_string() && json["host"].is_string());
}

#[test]
fn a_task_that_goes_well_starts_and_completes_each_step() {
    use Phase::{Done, Fetched, Fetching, Parsed, Parsing, Queued, Saving};
    check(
        vec![
            step(Queued, Fetching, 0, Detail::None),
            step(Fetching, Fetched, 0, took(123)),
            step(Fetched, Parsing, 0, Detail::None),
            step(Parsing, Parsed, 0, took(4)),
            step(Parsed, Saving, 0, Detail::None),
            step(Saving, Done, 0, Detail::None),
            Change::Left { slot: 4 },
        ],
        &expect![[r#"
            {"seq":2,"at":1.0,"type":"TaskStarted","taskType":"fetch:list"}
            {"seq":3,"at":2.0,"type":"TaskCompleted","taskType":"fetch:list","durationMs":123}
            {"seq":4,"at":3.0,"type":"TaskStarted","taskType":"parse:list"}
            {"seq":5,"at":4.0,"type":"TaskCompleted","taskType":"parse:list","durationMs":4}
            {"seq":6,"at":5.0,"type":"TaskStarted","taskType":"save"}
            {"seq":7,"at":6.0,"type":"TaskCompleted","taskType":"save","durationMs":1000}
            {"seq":8,"at":6.0,"type":"TaskDone"}
            {"seq":9,"at":7.0,"type":"TaskLeft"}
        "#]],
    );
}

#[test]
fn a_failure_is_told_before_its_retry_and_its_death() {
    use Phase::{Backoff, Dead, Failed, Fetching, Queued};
    check(
        vec![
            step(Queued, Fetching, 0, Detail::None),
            step(Fetching, Backoff, 1, error(Some(5_500_000))),
            step(Backoff, Queued, 1, Detail::None),
            step(Queued, Fetching, 1, Detail::None),
            step(Fetching, Failed, 2, error(None)),
            step(Failed, Dead, 2, Detail::None),
            step(Dead, Queued, 0, Detail::None),
            step(Queued, Fetching, 0, Detail::None),
            step(Fetching, Dead, 1, error(None)),
        ],
        &expect![[r#"
            {"seq":2,"at":1.0,"type":"TaskStarted","taskType":"fetch:list"}
            {"seq":3,"at":2.0,"type":"TaskFailed","taskType":"fetch:list","errorClass":"http_server","errorMessage":"503 from a.test"}
            {"seq":4,"at":2.0,"type":"TaskRetrying","taskType":"fetch:list","retryCount":1,"retryAt":5.5}
            {"seq":5,"at":3.0,"type":"TaskQueued","from":"backoff"}
            {"seq":6,"at":4.0,"type":"TaskStarted","taskType":"fetch:list"}
            {"seq":7,"at":5.0,"type":"TaskFailed","taskType":"fetch:list","errorClass":"http_server","errorMessage":"503 from a.test"}
            {"seq":8,"at":6.0,"type":"TaskDead","errorClass":"http_server"}
            {"seq":9,"at":7.0,"type":"TaskQueued","from":"dead"}
            {"seq":10,"at":8.0,"type":"TaskStarted","taskType":"fetch:list"}
            {"seq":11,"at":9.0,"type":"TaskFailed","taskType":"fetch:list","errorClass":"http_server","errorMessage":"503 from a.test"}
            {"seq":12,"at":9.0,"type":"TaskDead","errorClass":"http_server"}
        "#]],
    );
}

#[test]
fn a_redirect_completes_its_fetch_and_a_duplicate_its_save() {
    use Phase::{Fetching, Queued, Saving, Skipped};
    check(
        vec![
            step(Fetching, Queued, 0, took(8)),
            step(Queued, Fetching, 0, Detail::None),
            step(Fetching, Queued, 0, Detail::None),
            step(Saving, Skipped, 0, Detail::Reason(SkipReason::Duplicate)),
            Change::StageMoved {
                session: SessionId(1),
                stage: StageId(0),
                from: StagePhase::Running,
                to: StagePhase::Success,
            },
            Change::SessionMoved {
                session: SessionId(1),
                from: SessionPhase::Running,
                to: SessionPhase::Completed,
            },
        ],
        &expect![[r#"
            {"seq":2,"at":1.0,"type":"TaskCompleted","taskType":"fetch:list","durationMs":8}
            {"seq":3,"at":1.0,"type":"TaskQueued","from":"fetching"}
            {"seq":4,"at":2.0,"type":"TaskStarted","taskType":"fetch:list"}
            {"seq":5,"at":3.0,"type":"TaskQueued","from":"fetching"}
            {"seq":6,"at":4.0,"type":"TaskCompleted","taskType":"save","durationMs":1000}
            {"seq":7,"at":4.0,"type":"TaskSkipped","reason":"duplicate"}
            {"seq":8,"at":5.0,"type":"StageMoved","id":"list","session":1,"from":"running","to":"success"}
            {"seq":9,"at":6.0,"type":"SessionMoved","id":1,"from":"running","to":"completed"}
        "#]],
    );
}

/// The whole form of SPEC H1.
const FORM: &str = r#"{"seq":0,"at":0,
 "session":{"id":0,"site":0,"state":0,"mode":0,"profile":0},
 "progress":{"discovered":0,"done":0,"failed":0,"skipped":0,"dead":0,"byState":{},"stages":[{}]},
 "prediction":{"etaMedian":0,"eta80":[0,0],"eta95":[0,0],"coverage80":0,"coverage95":0},
 "rates":{"pagesPerMinute":0,"recordsPerMinute":0,"bytesPerSecond":0},
 "pools":[{"workType":0,"active":0,"max":0,"utilisation":0,"queueDepth":0,"queueCapacity":0,"perMinute":0,"meanMs":0,"p95Ms":0}],
 "hosts":[{"host":0,"rate":0,"limit":0,"pace":0,"breaker":0,"waiting":0,"inFlight":0}],
 "waiting":{},
 "resources":{"rssBytes":0,"cpu":0,"netBytesPerSecond":0,"diskBytes":0,"uptimeSeconds":0},
 "errors":{},"bottleneck":{"name":0,"evidence":0},"lost":0}"#;

/// Every key of `form` is in `json`, all the way down.
fn contains(form: &Value, json: &Value, path: &str) {
    match (form, json) {
        (Value::Object(form), Value::Object(json)) => {
            for (name, inner) in form {
                let path = format!("{path}.{name}");
                let found = json.get(name);
                contains(inner, found.unwrap_or_else(|| panic!("no {path}")), &path);
            }
        }
        (Value::Array(form), Value::Array(json)) => {
            for (inner, found) in form.iter().zip(json) {
                contains(inner, found, path);
            }
            assert!(form.len() <= json.len(), "{path} is short");
        }
        (Value::Object(_) | Value::Array(_), _) => panic!("{path} has another shape: {json}"),
        _ => {}
    }
}

#[test]
fn a_snapshot_has_the_field_names_of_the_contract() {
    let mut snapshot = Snapshot {
        prediction: Some(Prediction::default()),
        pools: vec![Pool::default()],
        hosts: vec![HostInfo::default()],
        bottleneck: Some(Bottleneck::default()),
        ..Snapshot::default()
    };
    snapshot.progress.stages.push(StageInfo::default());
    let form: Value = serde_json::from_str(FORM).unwrap();
    contains(&form, &serde_json::to_value(&snapshot).unwrap(), "");
    let unknown = serde_json::to_value(Snapshot::default()).unwrap();
    assert!(unknown["prediction"].is_null() && unknown["bottleneck"].is_null());
}

/// What SPEC H1 lists: the fields of each event beside `seq`, `at` and `type`.
const EVENTS: [(&str, &[&str]); 15] = [
    ("TaskAdmitted", &["taskId", "url", "stage", "host"]),
    ("TaskQueued", &["taskId"]),
    ("TaskCancelled", &["taskId"]),
    ("TaskLeft", &["taskId"]),
    ("TaskStarted", &["taskId", "taskType"]),
    ("TaskCompleted", &["taskId", "taskType", "durationMs"]),
    ("TaskFailed", &["taskId", "errorClass", "errorMessage"]),
    ("TaskRetrying", &["taskId", "retryCount", "retryAt"]),
    ("TaskDone", &["taskId"]),
    ("TaskSkipped", &["taskId", "reason"]),
    ("TaskDead", &["taskId", "errorClass"]),
    ("SessionMoved", &["id", "from", "to"]),
    ("BatchMoved", &["id", "from", "to"]),
    ("StageMoved", &["id", "from", "to"]),
    ("BreakerMoved", &["id", "from", "to"]),
];

#[test]
fn every_event_of_the_contract_has_its_fields() {
    use Phase::{Backoff, Cancelled, Dead, Done, Fetched, Fetching, Queued, Saving, Skipped};
    let (session, host) = (SessionId(1), HostId(3));
    let stages = (StagePhase::Waiting, StagePhase::Running);
    let changes = vec![
        admitted(),
        step(Queued, Fetching, 0, Detail::None),
        step(Fetching, Backoff, 1, error(Some(5))),
        step(Backoff, Queued, 1, Detail::None),
        step(Queued, Fetching, 1, Detail::None),
        step(Fetching, Fetched, 1, took(8)),
        step(Saving, Skipped, 1, Detail::Reason(SkipReason::Duplicate)),
        step(Saving, Done, 1, Detail::None),
        step(Fetching, Dead, 1, error(None)),
        step(Dead, Cancelled, 1, Detail::None),
        Change::SessionMoved {
            session,
            from: SessionPhase::Planning,
            to: SessionPhase::Running,
        },
        Change::BatchMoved {
            session,
            batch: BatchId(0),
            from: stages.0,
            to: stages.1,
        },
        Change::StageMoved {
            session,
            stage: StageId(0),
            from: stages.0,
            to: stages.1,
        },
        Change::BreakerMoved {
            host,
            to: BreakerPhase::Open,
        },
        Change::Left { slot: 4 },
    ];
    let lines = Events::default().lines(&tick(changes));
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (name, fields) in EVENTS {
        let found: Vec<&Value> = lines.iter().filter(|line| line["type"] == name).collect();
        assert!(!found.is_empty(), "no {name}");
        for line in found {
            for field in ["seq", "at"].iter().chain(fields) {
                assert!(!line[field].is_null(), "{name} has no {field}: {line}");
            }
        }
    }
}

fn tick(changes: Vec<Change>) -> Item {
    Item::Changes(Arc::new(ChangeFrame {
        seq: 0,
        at_us: 0,
        changes,
    }))
}

#[test]
fn a_loss_is_told_and_then_all_that_is_resident() {
    let mut picture = Mirror::default();
    let session = Change::SessionAdmitted {
        session: SessionId(1),
        site: Arc::from("books"),
        source: None,
        stages: vec![Arc::from("list")],
    };
    picture.apply_change(0, &session);
    picture.apply_change(0, &admitted());
    let key = |lost| Item::Key {
        frame: Arc::new(picture.key_frames().remove(0)),
        lost,
    };
    let empty = Item::Key {
        frame: Arc::new(Mirror::default().key_frames().remove(0)),
        lost: 0,
    };
    let mut events = Events::default();
    let mut lines = events.lines(&empty);
    for item in [key(70), Item::Snapshot(Arc::default()), key(75)] {
        lines.push_str(&events.lines(&item));
    }
    let lines = lines.lines().map(|line| {
        let is_snapshot = line.contains("\"progress\"");
        line[..if is_snapshot { 17 } else { line.len() }].to_owned() + "\n"
    });
    expect![[r#"
        {"type":"Lost","n":70}
        {"seq":0,"at":0.0,"type":"SessionAdmitted","id":1,"site":"books"}
        {"seq":1,"at":0.0,"type":"TaskAdmitted","taskId":"00000000-0000-0000-0000-000000000007","url":"http://a.test/x","stage":"list","host":"","session":1,"batch":2,"state":"queued"}
        {"seq":2,"at":0.0
        {"type":"Lost","n":5}
        {"seq":2,"at":0.0,"type":"TaskAdmitted","taskId":"00000000-0000-0000-0000-000000000007","url":"http://a.test/x","stage":"list","host":"","session":1,"batch":2,"state":"queued"}
    "#]]
    .assert_eq(&lines.collect::<String>());
}

#[test]
fn no_event_has_a_password() {
    let task = TaskRecord::new(4, "http://me:secret@a.test/x");
    let lines = Events::default().lines(&tick(vec![
        Change::Admitted(Box::new(task)),
        Change::Notice {
            session: SessionId(1),
            text: Arc::from("see http://me:secret@a.test/"),
        },
    ]));
    assert!(
        !lines.contains("secret") && lines.contains("http://a.test/x"),
        "{lines}"
    );
}
