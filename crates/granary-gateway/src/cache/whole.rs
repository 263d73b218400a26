//! An answer that has come to its end, and one that was too large to wait for its end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use granary_model::TenantId;
use tokio::time::Instant;

use crate::RunError;
use crate::conditional::EntityTag;
use crate::digest::Digest;
use crate::encoding::Encoding;
use crate::run::Answer;

/// What an entry takes beside its bytes, roughly.
const ENTRY_BYTES: u64 = 512;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Whole {
    bytes: Bytes,
    hash: String,
    tenant: TenantId,
    made: Instant,
    keep: Duration,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
    zstd: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl Whole {
    /// It may be given again for `keep`, from now on.
    pub(crate) fn new(bytes: Bytes, tenant: TenantId, keep: Duration, next: Option<String>) -> Self {
        let hash = Digest::of(&bytes).short();
        let (zstd, gzip) = (OnceLock::new(), OnceLock::new());
        Self { bytes, hash, tenant, made: Instant::now(), keep, next, zstd, gzip }
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.age() < self.keep
    }

    /// With room for its compressed forms, of which none is kept that has more than a quarter of its size.
    pub(super) fn kept_bytes(&self) -> u64 {
        let bytes = self.bytes.len() as u64;
        bytes + bytes / 2 + ENTRY_BYTES
    }

    /// The bytes in an encoding, and their name.
    pub(crate) fn encoded(&self, encoding: Encoding) -> std::io::Result<(Bytes, EntityTag)> {
        let (kept, tag) = match encoding {
            Encoding::Identity => return Ok((self.bytes.clone(), EntityTag::strong(&self.hash))),
            Encoding::Zstd => (&self.zstd, EntityTag::strong(format!("{}-zstd", self.hash))),
            Encoding::Gzip => (&self.gzip, EntityTag::strong(format!("{}-gzip", self.hash))),
        };
        if let Some(bytes) = kept.get() {
            return Ok((bytes.clone(), tag));
        }
        let bytes = encoding.encode(&self.bytes)?;
        if bytes.len() <= self.bytes.len() / 4 {
            return Ok((kept.get_or_init(|| bytes).clone(), tag));
        }
        Ok((bytes, tag))
    }
}

/// An answer of which the beginning was read already.
#[derive(Debug)]
pub(crate) struct Rest {
    ahead: VecDeque<Bytes>,
    answer: Answer,
}

/// An answer that was read up to a bound.
#[derive(Debug)]
pub(crate) enum Collected {
    All(Bytes),
    Larger(Rest),
}

/// Reads an answer to its end, if that comes within so many bytes.
pub(crate) async fn collect(mut answer: Answer, max_bytes: u64) -> Result<Collected, RunError> {
    use futures::StreamExt;
    let mut ahead = VecDeque::new();
    let mut size = 0;
    while let Some(piece) = answer.next().await {
        let piece = piece?;
        size += piece.len();
        ahead.push_back(piece);
        if size as u64 > max_bytes {
            return Ok(Collected::Larger(Rest { ahead, answer }));
        }
    }
    Ok(Collected::All(match (ahead.pop_front(), ahead.is_empty()) {
        (Some(only), true) => only,
        (first, _) => first
            .into_iter()
            .chain(ahead)
            .fold(Vec::with_capacity(size), |mut all, piece| {
                all.extend_from_slice(&piece);
                all
            })
            .into(),
    }))
}

impl Stream for Rest {
    type Item = Result<Bytes, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.ahead.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => Pin::new(&mut self.answer).poll_next(context),
        }
    }
}
