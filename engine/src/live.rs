//! The real backend: threads, tokio, reqwest, the store. Never names `bevy_ecs`.

pub mod decode;
pub mod fetch;
pub mod guard;
pub mod meter;
pub mod parse;
pub mod store;

use std::any::Any;

use crossbeam_channel::{Sender, TrySendError};

use crate::message::reports::Report;

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", said.unwrap_or("without a message"))
}

/// Sends a report without waiting. That nobody listens any more is no error.
fn deliver(reports: &Sender<Report>, report: Report) {
    if let Err(TrySendError::Full(report)) = reports.try_send(report) {
        tracing::error!(
            order = ?report.id,
            "the channel of reports is full and one is lost; it must have room for every order in \
             flight"
        );
    }
}
