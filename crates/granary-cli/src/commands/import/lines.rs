//! Lines of a file, plain or compressed, with a bound on the length of one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A longer line is skipped: a receiver takes no larger body by default.
const MAX_LINE_BYTES: u64 = 20 << 20;

/// What compressed data begin with.
const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// A file's bytes, decompressed as they are read, whatever the file is called. The window of a zstd frame is the only
/// thing its sender may choose the size of, and no more than 128 MiB, the library's own bound.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let beginning = file.fill_buf()?;
    if beginning.starts_with(&ZSTD) {
        Ok(Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(file)?)))
    } else if beginning.starts_with(&GZIP) {
        Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

/// A line, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    TooLong,
}

/// The next line without its line break; `None` is the end.
pub(super) fn next(reader: &mut dyn BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    if reader.take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 > MAX_LINE_BYTES {
        drop(line);
        pass_over_line(reader)?;
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Text(line)))
}

fn pass_over_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        if ended {
            return Ok(());
        }
    }
}

/// Why a line that is too long is skipped.
pub(super) fn too_long() -> String {
    format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20)
}

/// All of a small file.
pub(super) fn whole(reader: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(MAX_LINE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_LINE_BYTES).then_some(bytes))
}
