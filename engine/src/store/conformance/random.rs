//! Random verbs: the model and the file answer alike, word for word.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    extract::output::Value,
    message::{
        receipts::StoreError,
        store_verbs::{Alias, DeadSelector, Evidence, Mode, PageEnd, StoreVerb, StoredTask},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, SessionId},
        remark::Remark,
    },
    sim::store::ModelStore,
    store::conformance::{DETAIL, LIST, OnDisk, Subject, Talk, attempt, done, link, product},
};

#[derive(Debug, Clone)]
enum Step {
    Discover(Vec<u8>),
    Mark(u8, bool),
    End(u8, u8, Vec<u8>),
    Admit(u8, u8),
    RequeueFailed,
    CondemnFailed(u8),
    SkipFailed(u8, Vec<u8>),
    RequeueDead(u8),
    Drop(u8),
    Crash,
    NextSession(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let pages = || prop::collection::vec(0..24_u8, 0..6);
    prop_oneof![
        3 => pages().prop_map(Step::Discover),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(page, lone)| Step::Mark(page, lone)),
        8 => (any::<u8>(), 0..9_u8, pages()).prop_map(|(page, how, links)| Step::End(page, how, links)),
        3 => (0..3_u8, 0..4_u8).prop_map(|(batch, limit)| Step::Admit(batch, limit)),
        1 => Just(Step::RequeueFailed),
        1 => (0..3_u8).prop_map(Step::CondemnFailed),
        1 => (0..3_u8, pages()).prop_map(|(batch, pages)| Step::SkipFailed(batch, pages)),
        1 => any::<u8>().prop_map(Step::RequeueDead),
        1 => any::<u8>().prop_map(Step::Drop),
        1 => Just(Step::Crash),
        1 => any::<bool>().prop_map(Step::NextSession),
    ]
}

fn page(number: u8) -> crate::extract::output::Link {
    let stage = if number.is_multiple_of(3) {
        LIST
    } else {
        DETAIL
    };
    link(stage, &number.to_string())
}

fn ending(how: u8, page_number: u8, links: &[u8], is_detail: bool) -> PageEnd {
    let evidence = Evidence::default();
    match how {
        0 => PageEnd::Failed {
            evidence,
            records: Vec::new(),
            links: links.iter().map(|number| page(*number)).collect(),
        },
        1 => PageEnd::Dead {
            class: ErrorClass::NotFound,
            evidence,
        },
        2 => PageEnd::Backoff {
            due_in: Duration::from_millis(3),
            class: ErrorClass::Reset,
        },
        3 => PageEnd::Queued,
        4 => PageEnd::Skipped(SkipReason::Trap),
        5 => PageEnd::Cancelled,
        how => {
            let target = page(page_number.wrapping_add(how) % 24);
            let price = Value::Decimal(format!("{}.50", links.len()));
            let record = product(&page_number.to_string(), vec![Value::Null, price]);
            let records = if is_detail { vec![record] } else { vec![] };
            let mut end = done(records, links.iter().map(|n| page(*n)).collect());
            if let (PageEnd::Done { alias, .. }, true) = (&mut end, how == 7) {
                *alias = Some(Alias {
                    key: target.key,
                    url: target.url,
                });
            }
            end
        }
    }
}

/// Carries out these steps; what the store answered, as text.
fn run<S: Subject>(subject: S, steps: &[Step]) -> Vec<String> {
    let mut crawl = Talk::new(subject);
    let mut known: Vec<StoredTask> = Vec::new();
    let mut answers = Vec::new();
    for step in steps {
        answers.push(match step {
            Step::Discover(pages) => {
                let links = pages.iter().map(|n| page(*n)).collect();
                let found = crawl.discover(links);
                known.extend(found.new.iter().cloned());
                format!("{found:?}")
            }
            Step::Crash => format!("{:?}", crawl.crash()),
            Step::NextSession(is_full) => {
                crawl.state("completed");
                let mode = if *is_full { Mode::Full } else { Mode::New };
                known.clear();
                format!("{:?}", crawl.open(mode, None))
            }
            Step::Admit(batch, limit) => {
                let admitted = crawl.admit((*batch).into(), 0, (*limit).into());
                let answer = format!("{admitted:?}");
                // Numbers change when pages are queued again; ends come with either.
                known.extend(admitted.0);
                answer
            }
            step => {
                let Some(verb) = verb(crawl.session, step, &known) else {
                    continue;
                };
                match crawl.ask(verb) {
                    Err(StoreError::Refused(_)) => "refused".to_owned(),
                    other => format!("{other:?}"),
                }
            }
        });
    }
    answers.push(format!("{:?}", crawl.crash()));
    answers
}

/// The verb of a step that is one; none where no page is known for it.
fn verb(session: SessionId, step: &Step, known: &[StoredTask]) -> Option<StoreVerb> {
    let pick = |n: u8| known.get(usize::from(n) % known.len().max(1)).cloned();
    let key = |n: u8| (n < 128).then(|| page(n % 24).key);
    let selector = |n: u8| DeadSelector {
        keys: key(n).into_iter().collect(),
        ..DeadSelector::default()
    };
    Some(match step {
        Step::Discover(_) | Step::Crash | Step::NextSession(_) | Step::Admit(..) => return None,
        Step::Mark(n, lone) => StoreVerb::Mark {
            session,
            keys: vec![pick(*n)?.key],
            lone: *lone,
        },
        Step::End(n, how, links) => {
            let task = pick(*n)?;
            let end = ending(*how, *n, links, task.stage == DETAIL);
            let mut order = attempt(session, &task, end);
            for number in links.iter().filter(|number| **number < 8) {
                let kind = Remark::ALL[usize::from(*number)];
                order.remarks.add(kind, || format!("of {n}"));
            }
            StoreVerb::End(order.into())
        }
        Step::RequeueFailed => StoreVerb::RequeueFailed {
            session,
            batch: None,
            stage: DETAIL,
        },
        Step::CondemnFailed(batch) => StoreVerb::CondemnFailed {
            session,
            batch: Some(BatchId((*batch).into())),
            stage: LIST,
        },
        Step::SkipFailed(batch, pages) => StoreVerb::SkipFailed {
            session,
            batch: BatchId((*batch).into()),
            stage: DETAIL,
            keys: pages.iter().map(|number| page(*number).key).collect(),
            reason: SkipReason::PastTheEnd,
        },
        Step::RequeueDead(n) => StoreVerb::RequeueDead {
            session,
            selector: selector(*n),
        },
        Step::Drop(n) => StoreVerb::Drop {
            session,
            selector: selector(*n),
        },
    })
}

/// Found by the test below.
#[test]
fn a_redirects_target_that_an_earlier_session_completed_counts_as_known() {
    let steps = [
        Step::Discover(vec![3]),
        Step::End(0, 6, vec![]),
        Step::NextSession(false),
        Step::Discover(vec![0]),
        // Page 0 was redirected to page 3.
        Step::End(20, 7, vec![]),
        Step::Discover(vec![9, 3]),
    ];
    let on_disk = run(OnDisk::new(), &steps);
    assert_eq!(on_disk, run(ModelStore::default(), &steps));
    assert!(on_disk[5].contains("known: 1"), "{}", on_disk[5]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_file_and_the_model_say_the_same(steps in prop::collection::vec(step(), 1..60)) {
        let in_memory = run(ModelStore::default(), &steps);
        let on_disk = run(OnDisk::new(), &steps);
        for (step, (model, file)) in in_memory.iter().zip(&on_disk).enumerate() {
            prop_assert_eq!(model, file, "answer {}", step);
        }
    }
}
