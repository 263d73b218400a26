//! A session's rows with header and trailer around them: the lines of an archive, from the warehouse.

use futures::TryStreamExt as _;
use granary_model::TenantId;

use crate::format::{FORMAT_VERSION, Tally};
use crate::rows::RowStream;
use crate::{ArchiveError, ArchiveLine, Header, LineKind};

/// Lines as they are read from the warehouse.
pub(crate) struct SessionLines {
    rows: RowStream,
    tally: Tally,
    waiting: Vec<ArchiveLine>,
    ended: bool,
    first_time_unix_nano: u64,
}

impl SessionLines {
    /// Reads the first row, whose time the header has.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::SessionNotFound`] where there is none.
    pub(crate) async fn begin(
        mut rows: RowStream,
        tenant: &TenantId,
        session: &str,
    ) -> Result<Self, ArchiveError> {
        let Some(first) = rows.try_next().await? else {
            return Err(ArchiveError::SessionNotFound { session: session.to_owned() });
        };
        let first_time_unix_nano = match &first.kind {
            LineKind::Event(event) => event.time_unix_nano,
            LineKind::Header(_) | LineKind::Trailer(_) => 0,
        };
        let header = ArchiveLine::header(Header {
            format: FORMAT_VERSION,
            tenant: tenant.clone(),
            session: session.to_owned(),
            first_time_unix_nano,
        });
        Ok(Self {
            rows,
            tally: Tally::default(),
            waiting: vec![first, header],
            ended: false,
            first_time_unix_nano,
        })
    }

    /// When the session began.
    pub(crate) fn first_time_unix_nano(&self) -> u64 {
        self.first_time_unix_nano
    }

    /// The next line; `None` is the end.
    pub(crate) async fn next(&mut self) -> Result<Option<ArchiveLine>, ArchiveError> {
        let line = match self.waiting.pop() {
            Some(line) => line,
            None if self.ended => return Ok(None),
            None => self.rows.try_next().await?.unwrap_or_else(|| {
                self.ended = true;
                ArchiveLine::trailer(self.tally.trailer())
            }),
        };
        self.tally.add(&line);
        Ok(Some(line))
    }

    /// What the lines so far hold.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}
