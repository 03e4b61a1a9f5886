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
    is_cut: bool,
}

impl Page {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes),
            is_cut: false,
        }
    }

    /// Promises everything and ends after half of it.
    pub(super) fn cut(bytes: Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes.slice(..bytes.len() / 2)),
            is_cut: true,
        }
    }
}

impl Body for Page {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.rest.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.is_cut => Some(Err(io::Error::other("the demo cuts this body"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && !self.is_cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
