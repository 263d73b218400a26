//! A session's rows, of all tables, in the order of events, as lines.
//!
//! One statement reads all seven tables, so that the order is the server's. It is used in two ways: to archive, it
//! runs once and is read to its end, with the server sorting on disk where the session is large; for a
//! reader of its own pace (a replay that lasts an hour, a slow client), it runs page by page, and
//! between two pages nothing is held but the place where the last one ended.

mod letters;
mod parse;
mod records;
mod sql;

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use granary_clickhouse::{BytesCursor, ClickHouseError, Warehouse};
use granary_model::TenantId;

use crate::lines::LineBuffer;
use crate::{ArchiveError, ArchiveLine};
use parse::RowKey;

/// The lines of one session's records, in order.
pub(crate) type RowStream = BoxStream<'static, Result<ArchiveLine, ArchiveError>>;

/// Rows a page may have; the server sorts no more than these at a time.
const PAGE_ROWS: u64 = 5_000;

/// Bytes of lines after which a page ends early.
const PAGE_BYTES: usize = 4 << 20;

/// How long the server may keep silent in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// Which session is read.
#[derive(Debug, Clone)]
pub(crate) struct SessionRows {
    warehouse: Warehouse,
    tenant: TenantId,
    session: String,
}

/// Where reading goes on: at this key, of which some rows were read already.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    key: RowKey,
    read_of_key: u64,
}

impl Position {
    fn advance(&mut self, key: RowKey) {
        if self.key == key {
            self.read_of_key += 1;
        } else {
            *self = Self { key, read_of_key: 1 };
        }
    }
}

impl SessionRows {
    pub(crate) fn new(warehouse: &Warehouse, tenant: &TenantId, session: &str) -> Self {
        Self { warehouse: warehouse.clone(), tenant: tenant.clone(), session: session.to_owned() }
    }

    /// All rows by one statement, for a reader that keeps up.
    pub(crate) fn at_once(self) -> RowStream {
        stream::try_unfold((self, None), |(rows, answer)| async move {
            let mut answer = match answer {
                Some(answer) => answer,
                None => rows.ask(sql::all_rows(), Position::default())?,
            };
            let row = answer.next_row(&rows.session).await?;
            Ok(row.map(|(_, line)| (line, (rows, Some(answer)))))
        })
        .boxed()
    }

    /// The same rows page by page, for a reader of its own pace.
    pub(crate) fn paged(self) -> RowStream {
        let pages = Pages { rows: self, position: Position::default(), page: VecDeque::new(), ended: false };
        stream::try_unfold(pages, |mut pages| async move {
            if pages.page.is_empty() && !pages.ended {
                pages.turn().await?;
            }
            Ok(pages.page.pop_front().map(|line| (line, pages)))
        })
        .boxed()
    }

    fn ask(&self, sql: &str, from: Position) -> Result<Answer, ClickHouseError> {
        let mut query = self
            .warehouse
            .query(sql)
            .param("tenant", self.tenant.as_str())
            .param("session", &self.session)
            .param("time", from.key.time)
            .param("sequence", from.key.sequence)
            .param("kind", from.key.kind)
            .param("id", from.key.id.to_string())
            .param("limit", PAGE_ROWS)
            .param("offset", from.read_of_key);
        for (name, value) in sql::SETTINGS {
            query = query.with_setting(name, value);
        }
        Ok(Answer { cursor: query.fetch_bytes("LineAsString")?, buffer: LineBuffer::default() })
    }
}

/// A statement's answer while it is read. Dropped early, it ends the statement.
struct Answer {
    cursor: BytesCursor,
    buffer: LineBuffer,
}

impl Answer {
    async fn next_row(&mut self, session: &str) -> Result<Option<(RowKey, ArchiveLine)>, ArchiveError> {
        let unreadable = |problem| ArchiveError::Row { session: session.to_owned(), problem };
        loop {
            if let Some(line) = self.buffer.take_line() {
                return parse::row(&line).map(Some).map_err(unreadable);
            }
            let chunk = tokio::time::timeout(READ_TIMEOUT, self.cursor.next())
                .await
                .map_err(|_| ClickHouseError::TimedOut { after: READ_TIMEOUT })?
                .map_err(ClickHouseError::from)?;
            match chunk {
                Some(chunk) => self.buffer.push(&chunk).map_err(unreadable)?,
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(unreadable("the answer ends within a line".to_owned())),
            }
        }
    }
}

/// The state of a reader that goes page by page.
struct Pages {
    rows: SessionRows,
    position: Position,
    page: VecDeque<ArchiveLine>,
    ended: bool,
}

impl Pages {
    async fn turn(&mut self) -> Result<(), ArchiveError> {
        let mut answer = self.rows.ask(sql::page_of_rows(), self.position)?;
        let mut bytes = 0;
        while let Some((key, line)) = answer.next_row(&self.rows.session).await? {
            self.position.advance(key);
            bytes += line.json.len();
            self.page.push_back(line);
            if bytes >= PAGE_BYTES {
                return Ok(());
            }
        }
        self.ended = (self.page.len() as u64) < PAGE_ROWS;
        Ok(())
    }
}
