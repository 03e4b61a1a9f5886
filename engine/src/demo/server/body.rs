//! A whole body, or one that ends in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A body of known length; `promised` is what `Content-Length` says.
#[derive(Debug)]
pub(super) struct Page {
    rest: Option<Bytes>,
    promised: u64,
    cut: Cut,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    No,
    /// Once what came before is flushed.
    Soon,
    Now,
}

impl Page {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes),
            cut: Cut::No,
        }
    }

    /// Promises everything and ends after half of it.
    pub(super) fn cut(bytes: &Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes.slice(..bytes.len() / 2)),
            cut: Cut::Soon,
        }
    }
}

impl Body for Page {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::Soon => {
                self.cut = Cut::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Now => Poll::Ready(Some(Err(io::Error::other("the demo cuts this body")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.cut == Cut::No
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
