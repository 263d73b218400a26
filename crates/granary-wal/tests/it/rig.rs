//! A log on a machine in memory, and the words the tests use.

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;

use bytesize::ByteSize;
use granary_wal::testing::FaultyFs;
use granary_wal::{
    Appended, Config, Log, Mark, OpenError, Opened, ReadError, Record, SEGMENT_HEADER_BYTES, SegmentNumber,
    Sequence, Writer, open_on,
};

/// A machine with settings for a log.
pub(crate) struct Rig {
    pub(crate) fs: FaultyFs,
    pub(crate) config: Config,
}

impl Rig {
    /// Segments large enough that everything is in one.
    pub(crate) fn new() -> Self {
        let config = Config {
            segment_bytes: ByteSize::mib(1),
            max_total_bytes: ByteSize::mib(64),
            max_record_bytes: ByteSize::mib(1),
            ..Config::new("/log")
        };
        Self { fs: FaultyFs::new(7), config }
    }

    /// Segments with room for so many bytes of records.
    pub(crate) fn with_segments_for(record_bytes: u64) -> Self {
        let mut rig = Self::new();
        rig.config.segment_bytes = ByteSize(SEGMENT_HEADER_BYTES + record_bytes);
        rig
    }

    pub(crate) fn try_open(&self) -> Result<Opened, OpenError> {
        open_on(Arc::new(self.fs.clone()), &self.config)
    }

    pub(crate) fn open(&self) -> Opened {
        self.try_open().unwrap()
    }

    /// Opens, with as many records as named, synced, and closes again.
    pub(crate) fn written(&self, payloads: &[&[u8]]) {
        let mut opened = self.open();
        for payload in payloads {
            opened.writer.put(payload);
        }
        opened.writer.sync().unwrap();
    }

    /// The file of a segment.
    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.config.dir.join(SegmentNumber::new(number).file_name())
    }

    /// The size of a segment's file.
    pub(crate) fn segment_size(&self, number: u64) -> u64 {
        self.fs.content(&self.segment(number)).unwrap().len() as u64
    }
}

/// Shorter ways to say things.
pub(crate) trait Put {
    fn put(&mut self, payload: &[u8]) -> Appended;
    fn put_synced(&mut self, payload: &[u8]) -> Mark;
}

impl Put for Writer {
    fn put(&mut self, payload: &[u8]) -> Appended {
        self.append(&[IoSlice::new(payload)]).unwrap()
    }

    fn put_synced(&mut self, payload: &[u8]) -> Mark {
        self.put(payload);
        self.sync().unwrap()
    }
}

/// Everything from the oldest record on; damage that opening did not know is an error.
pub(crate) fn read_all(log: &Log) -> Vec<Record> {
    read_from(log, log.oldest()).unwrap()
}

/// Everything from a mark on.
pub(crate) fn read_from(log: &Log, mark: Mark) -> Result<Vec<Record>, ReadError> {
    let mut reader = log.read_from(mark);
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record);
    }
    Ok(records)
}

/// The payloads of everything from the oldest record on.
pub(crate) fn payloads(log: &Log) -> Vec<Vec<u8>> {
    read_all(log).into_iter().map(|record| record.payload.to_vec()).collect()
}

/// The sequences of everything from the oldest record on.
pub(crate) fn sequences(log: &Log) -> Vec<u64> {
    read_all(log).into_iter().map(|record| record.sequence.get()).collect()
}

/// Sequence numbers as the log has them.
pub(crate) fn sequence(number: u64) -> Sequence {
    Sequence::new(number)
}
