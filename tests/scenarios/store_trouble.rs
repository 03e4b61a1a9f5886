//! The store meets trouble.

use crawlfield_engine::{message::receipts::StoreError, model::phase::SessionPhase};

use crate::{catalogue, secs};

#[test]
fn a_busy_store_stops_dispatch_and_nothing_is_lost() {
    let mut crawl = catalogue(100)
        .settings(|settings| settings.store_patience = secs(600))
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 20);
    crawl.trouble(Some(StoreError::Busy("locked by another".to_owned())));
    crawl.advance(secs(5));
    let asked = crawl.backend.asked.len();
    crawl.advance(secs(120));
    assert_eq!(crawl.backend.asked.len(), asked, "dispatch rests");
    let notices = &crawl.transcript.notices;
    assert!(
        notices
            .iter()
            .any(|text| text.contains("locked by another"))
    );
    crawl.trouble(None);
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
}

#[test]
fn a_full_disk_stops_dispatch_until_there_is_room() {
    let mut crawl = catalogue(60)
        .settings(|settings| settings.store_patience = secs(600))
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 1);
    for _ in 0..4 {
        crawl.trouble(Some(StoreError::Full("no room".to_owned())));
        crawl.advance(secs(30));
        crawl.trouble(None);
        crawl.advance(crate::millis(1_500));
    }
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 60);
}

#[test]
fn a_lost_store_fails_the_session_with_the_reason() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 20);
    crawl.trouble(Some(StoreError::Fatal("the file is damaged".to_owned())));
    crawl.run_until(|crawl| crawl.session_phase() == Some(SessionPhase::Failed));
    assert!(crawl.result()["why"].as_str().unwrap().contains("damaged"));
    crawl.run_until(|crawl| crawl.engine.is_idle());
}

#[test]
fn trouble_while_the_store_dies_loses_nothing_that_was_said_done() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 20);
    crawl.trouble(Some(StoreError::Busy("locked".to_owned())));
    crawl.advance(secs(10));
    crawl.trouble(None);
    crawl.advance(crate::millis(700));
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
}

#[test]
fn a_store_that_stays_busy_past_all_patience_fails_the_session() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 20);
    crawl.trouble(Some(StoreError::Busy("locked for ever".to_owned())));
    crawl.run_until(|crawl| crawl.session_phase() == Some(SessionPhase::Failed));
    assert!(crawl.result()["why"].as_str().unwrap().contains("locked"));
    crawl.trouble(None);
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
}
