//! A panic inside a fetch becomes its outcome.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use crate::message::reports::Outcome;

/// Runs the fetch; the unwind drops nothing that is looked at again.
pub(super) async fn caught(fetch: impl Future<Output = Outcome>) -> Outcome {
    let mut fetch = pin!(fetch);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| fetch.as_mut().poll(context))) {
            Ok(polled) => polled,
            Err(payload) => Poll::Ready(Outcome::Panicked(text_of(payload.as_ref()))),
        },
    )
    .await
}

/// What the panic said.
pub(in crate::live) fn text_of(payload: &(dyn Any + Send)) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", said.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_fetch_is_its_outcome() {
        let outcome = caught(async {
            tokio::task::yield_now().await;
            panic!("page {}", 7)
        })
        .await;
        assert!(matches!(outcome, Outcome::Panicked(text) if text == "panicked: page 7"));
    }
}
