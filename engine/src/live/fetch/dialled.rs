//! Whether a request dialled a connection of its own. One that was sent over a pooled
//! connection and lost it before the first byte is sent again; any other is not.

use std::{
    cell::Cell,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static DIALLED: Cell<bool>;
}

/// Runs a request and says whether it dialled.
pub(super) async fn watched<T>(request: impl Future<Output = T>) -> (T, bool) {
    DIALLED
        .scope(Cell::new(false), async {
            let result = request.await;
            (result, DIALLED.with(Cell::get))
        })
        .await
}

/// Wraps the connector of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoteDials;

impl<S> Layer<S> for NoteDials {
    type Service = Noted<S>;

    fn layer(&self, inner: S) -> Noted<S> {
        Noted(inner)
    }
}

/// A connector that notes its calls.
#[derive(Debug, Clone)]
pub(super) struct Noted<S>(S);

impl<S: Service<R>, R> Service<R> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: R) -> S::Future {
        // Outside a watched request nobody asks.
        let _ = DIALLED.try_with(|dialled| dialled.set(true));
        self.0.call(target)
    }
}
