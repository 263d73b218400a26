//! A gRPC body on its way in: how many bytes came, and neither too many nor too slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::codegen::StdError;

use crate::error::Refusal;

/// Counts what passes and ends a body that breaks a limit.
pub(super) struct Metered<B> {
    body: Pin<Box<B>>,
    bytes: Arc<AtomicU64>,
    max_bytes: u64,
    read_timeout: Duration,
    deadline: Pin<Box<Sleep>>,
    refused: Box<dyn Fn(&Refusal) + Send>,
}

impl<B> Metered<B> {
    /// `refused` is told when the body is ended, since nobody else sees why.
    pub(super) fn new(
        body: B,
        max_bytes: u64,
        read_timeout: Duration,
        refused: impl Fn(&Refusal) + Send + 'static,
    ) -> Self {
        Self {
            body: Box::pin(body),
            bytes: Arc::default(),
            max_bytes,
            read_timeout,
            deadline: Box::pin(sleep(read_timeout)),
            refused: Box::new(refused),
        }
    }

    /// How many bytes have come, compressed as they are.
    pub(super) fn bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    fn refuse<T>(&self, refusal: &Refusal) -> Poll<Option<Result<T, StdError>>> {
        (self.refused)(refusal);
        // tonic answers with the status that it finds in the error.
        Poll::Ready(Some(Err(refusal.to_grpc().into())))
    }
}

impl<B> Body for Metered<B>
where
    B: Body,
    B::Error: Into<StdError>,
{
    type Data = B::Data;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, StdError>>> {
        let Poll::Ready(frame) = self.body.as_mut().poll_frame(context) else {
            ready!(self.deadline.as_mut().poll(context));
            return self.refuse(&Refusal::slow_body(self.read_timeout));
        };
        let Some(Ok(frame)) = frame else {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        };
        let more = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        if self.bytes.fetch_add(more, Ordering::Relaxed) + more > self.max_bytes {
            return self.refuse(&Refusal::BodyTooLarge { limit: self.max_bytes });
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
