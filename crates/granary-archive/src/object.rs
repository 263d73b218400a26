//! An object's lines, checked while they are read.

use std::io;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use granary_model::TenantId;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;

use crate::format::Tally;
use crate::lines::LineBuffer;
use crate::{ArchiveError, ArchiveLine, LineKind, ObjectKey, ObjectReader, StoreError};

type Compressed = StreamReader<BoxStream<'static, io::Result<Bytes>>, Bytes>;

const CHUNK_BYTES: usize = 64 << 10;

/// An object being read line by line.
///
/// It ends well only where the header is the given session's, the trailer is there, says what was read, and is
/// the last line; anything else is [`ArchiveError::Corrupt`] in the place where it is noticed.
pub(crate) struct ObjectLines {
    key: ObjectKey,
    /// Whose lines are expected; `None` takes the session that the key names.
    expected: Option<(TenantId, String)>,
    decoder: GzipDecoder<Compressed>,
    buffer: LineBuffer,
    tally: Tally,
    lines: u64,
    ended: bool,
}

impl ObjectLines {
    pub(crate) fn new(reader: ObjectReader, key: ObjectKey, tenant: TenantId, session: String) -> Self {
        Self { expected: Some((tenant, session)), ..Self::of_key(reader, key) }
    }

    /// Reads an object of which nothing is known but its key.
    pub(crate) fn of_key(reader: ObjectReader, key: ObjectKey) -> Self {
        let chunks = stream::try_unfold(reader, |mut reader| async move {
            let chunk = reader.next_chunk().await.map_err(io::Error::other)?;
            Ok(chunk.map(|chunk| (chunk, reader)))
        });
        let mut decoder = GzipDecoder::new(StreamReader::new(chunks.boxed()));
        // Or bytes behind the object's end would be passed over.
        decoder.multiple_members(true);
        Self {
            key,
            expected: None,
            decoder,
            buffer: LineBuffer::default(),
            tally: Tally::default(),
            lines: 0,
            ended: false,
        }
    }

    /// The next line; `None` is the end of a sound object.
    pub(crate) async fn next(&mut self) -> Result<Option<ArchiveLine>, ArchiveError> {
        let line = loop {
            if let Some(line) = self.buffer.take_line() {
                break line;
            }
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            let read = self.decoder.read_buf(&mut chunk).await.map_err(|error| self.read_error(error))?;
            if read == 0 {
                return if self.ended && self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(self.corrupt("it ends before its trailer"))
                };
            }
            self.buffer.push(&chunk).map_err(|problem| self.corrupt(problem))?;
        };
        let text = String::from_utf8(line.to_vec()).map_err(|_| self.corrupt("a line is not UTF-8"))?;
        let line = ArchiveLine::parse(text).map_err(|problem| self.corrupt(problem))?;
        self.check(&line)?;
        self.tally.add(&line);
        self.lines += 1;
        Ok(Some(line))
    }

    fn check(&mut self, line: &ArchiveLine) -> Result<(), ArchiveError> {
        if self.ended {
            return Err(self.corrupt("it goes on after its trailer"));
        }
        match &line.kind {
            LineKind::Header(header) => {
                if self.lines > 0 {
                    return Err(self.corrupt(format!("line {} is a header", self.lines + 1)));
                }
                let is_expected = match &self.expected {
                    Some((tenant, session)) => header.tenant == *tenant && header.session == *session,
                    None => {
                        self.key.tenant().is(header.tenant.as_str()) && self.key.session().is(&header.session)
                    }
                };
                if !is_expected {
                    return Err(self.corrupt("it holds another session"));
                }
            }
            _ if self.lines == 0 => return Err(self.corrupt("it begins without a header")),
            LineKind::Event(_) => {}
            LineKind::Trailer(trailer) => {
                if *trailer != self.tally.trailer() {
                    return Err(self.corrupt("its trailer does not say what it holds"));
                }
                self.ended = true;
            }
        }
        Ok(())
    }

    /// What was read so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    fn corrupt(&self, problem: impl Into<String>) -> ArchiveError {
        ArchiveError::corrupt(&self.key, problem)
    }

    /// The store's own error where it is one; else the bytes are not what gzip writes.
    fn read_error(&self, error: io::Error) -> ArchiveError {
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => self.corrupt(format!("it is not sound gzip: {error}")),
        }
    }
}
