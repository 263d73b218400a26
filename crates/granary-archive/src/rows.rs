//! A session's rows, of all tables, in the order of events, as lines.
//!
//! One statement reads all seven tables, so that the order is the server's. It runs page by page, each within a
//! stretch of the session's time ([`window`]), so that the first rows of a large session do not wait for the keys of
//! all the others. Between two pages nothing is held but the place where the last one ended, so a replay may last
//! for hours, and neither side needs more memory for a larger session. Small sessions can be read several at a time
//! (`many.rs`).

mod letters;
mod many;
mod parse;
mod records;
mod sql;
mod stored;
mod window;

use std::collections::VecDeque;

use bytes::BytesMut;
use futures::stream::{self, BoxStream, StreamExt};
use granary_clickhouse::{BytesCursor, ClickHouseError, Query, Warehouse};
use granary_model::TenantId;

use crate::hours::{self, Hours};
use crate::lines::LineBuffer;
use crate::tables::READ_TIMEOUT;
use crate::{ArchiveError, ArchiveLine};
pub(crate) use many::{FEW_ROWS, MAX_ROWS, rows_of};
use parse::RowKey;
pub use stored::{Facets, InsertRows, StoredInsert, StoredLog, inserts_since};
use window::Window;

pub(crate) use window::Extent;

/// The lines of one session's records, in order.
pub(crate) type RowStream = BoxStream<'static, Result<ArchiveLine, ArchiveError>>;

/// Rows of the first page of a small session, which is all of it.
const FIRST_PAGE_ROWS: u64 = 500;

/// Rows of the first page of a larger one: few, so that they are there soon.
const FIRST_ROWS: u64 = 100;

/// How large a later page may be. The reader keeps one in memory, and the server one of each table.
#[derive(Debug, Clone, Copy)]
struct PageSize {
    rows: u64,
    /// Of lines, after which a page ends early; the next one asks for as many rows as it expects to fit.
    bytes: u64,
}

/// For whoever takes events one by one.
const FOR_REPLAYS: PageSize = PageSize { rows: 8_000, bytes: 8 << 20 };

/// For the archiver, who takes all at once. A page's rows lie in as many places of the table as there are kinds of
/// events, and at each the server unpacks thousands of rows; so larger pages are less work a row.
const FOR_OBJECTS: PageSize = PageSize { rows: 32_000, bytes: 32 << 20 };

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
    /// Before the first row of that time or a later one.
    fn at(time: i64) -> Self {
        Self { key: RowKey { time, sequence: 0, kind: 0, id: 0 }, read_of_key: 0 }
    }

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

    /// Reads all rows, for an object. Where the extent is no more than a guess, rows before and behind it are looked for, too.
    pub(crate) fn stream(self, extent: Extent, is_all: bool) -> RowStream {
        let begin = if is_all {
            let position = Position::at(extent.first);
            Begin { position, window: Window::begin(extent, extent.first, FIRST_ROWS).closed(extent.last) }
        } else {
            Begin { position: Position::default(), window: Window::before(extent, FIRST_ROWS) }
        };
        self.pages(begin, extent, FOR_OBJECTS)
    }

    /// Reads the rows from a time on, in nanoseconds since 1970; where none is said from the first known one. To look for
    /// one before that would take longer than all else that a first event waits for: the server has to look through all hours
    /// of all months. What would be found are rows that a rollup is short of (ARCHITECTURE.md, power cuts), and those
    /// that were stored this moment.
    pub(crate) fn stream_from(self, from: Option<i64>, extent: Extent) -> RowStream {
        let position = match from {
            Some(from) => Position::at(from),
            None if extent.records >= FIRST_PAGE_ROWS => Position::at(extent.first),
            None => Position::default(),
        };
        let begin = Begin { position, window: Window::begin(extent, position.key.time, FIRST_ROWS) };
        self.pages(begin, extent, FOR_REPLAYS)
    }

    /// A few rows are one page.
    fn pages(self, begin: Begin, extent: Extent, size: PageSize) -> RowStream {
        let is_small = extent.records < FIRST_PAGE_ROWS;
        let pages = Pages {
            rows: self,
            position: begin.position,
            window: if is_small { begin.window.whole() } else { begin.window },
            limit: if is_small { FIRST_PAGE_ROWS } else { FIRST_ROWS },
            size,
            page: VecDeque::new(),
            ended: false,
        };
        stream::try_unfold(pages, |mut pages| async move {
            while pages.page.is_empty() && !pages.ended {
                pages.turn().await?;
            }
            Ok(pages.page.pop_front().map(|line| (line, pages)))
        })
        .boxed()
    }

    fn ask(&self, from: Position, window: Window, limit: u64) -> Result<Answer, ClickHouseError> {
        let hours = Hours::between(from.key.time, window.end());
        let sql = sql::page_of_rows(sql::Origin::of(&self.warehouse), hours);
        let query = self
            .warehouse
            .query(&sql)
            .param("tenant", self.tenant.as_str())
            .param("session", &self.session)
            .param("time", from.key.time)
            .param("until", window.end())
            .param("sequence", from.key.sequence)
            .param("kind", from.key.kind)
            .param("id", from.key.id.to_string())
            .param("limit", limit)
            .param("offset", from.read_of_key);
        Answer::of(hours::bind(query, hours))
    }
}

/// Where reading begins, and how far the first page looks.
#[derive(Debug, Clone, Copy)]
struct Begin {
    position: Position,
    window: Window,
}

/// A statement's answer while it is read. Dropped early, it ends the statement.
struct Answer {
    cursor: BytesCursor,
    buffer: LineBuffer,
}

impl Answer {
    fn of(query: Query) -> Result<Self, ClickHouseError> {
        let query =
            sql::SETTINGS.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value));
        Ok(Self { cursor: query.fetch_bytes("LineAsString")?, buffer: LineBuffer::default() })
    }

    async fn next_row(&mut self, session: &str) -> Result<Option<(RowKey, ArchiveLine)>, ArchiveError> {
        let unreadable = |problem| ArchiveError::Row { session: session.to_owned(), problem };
        let Some(line) = self.next_line(session).await? else { return Ok(None) };
        parse::row(&line).map(Some).map_err(unreadable)
    }

    async fn next_line(&mut self, session: &str) -> Result<Option<BytesMut>, ArchiveError> {
        let unreadable = |problem| ArchiveError::Row { session: session.to_owned(), problem };
        loop {
            if let Some(line) = self.buffer.take_line() {
                return Ok(Some(line));
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

/// Where a reader is.
struct Pages {
    rows: SessionRows,
    position: Position,
    window: Window,
    limit: u64,
    size: PageSize,
    page: VecDeque<ArchiveLine>,
    ended: bool,
}

impl Pages {
    /// Reads one page, which may be empty where the session has a pause.
    async fn turn(&mut self) -> Result<(), ArchiveError> {
        let mut answer = self.rows.ask(self.position, self.window, self.limit)?;
        let (mut rows, mut bytes) = (0, 0);
        while let Some((key, line)) = answer.next_row(&self.rows.session).await? {
            self.position.advance(key);
            rows += 1;
            bytes += line.json.len() as u64;
            self.page.push_back(line);
            if bytes >= self.size.bytes {
                break;
            }
        }
        let is_full = rows >= self.limit || bytes >= self.size.bytes;
        if rows > 0 {
            self.limit = (self.size.bytes * rows / bytes.max(1)).clamp(1, self.size.rows);
        }
        if is_full {
            self.window = self.window.narrowed(self.position.key.time);
        } else if self.window.is_last() {
            self.ended = true;
        } else {
            self.position = Position::at(self.window.end() + 1);
            // Aimed a little short: a page that just does not hold its stretch costs a second statement.
            self.window = self.window.next(rows, (self.limit * 3 / 4).max(1));
        }
        Ok(())
    }
}
