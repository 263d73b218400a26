//! What is in the directory, and how does it hang together? Reads only; opening, inspecting and verifying
//! start here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::UNFINISHED;
use crate::checkpoint::{self, Found};
use crate::error::{IoFailure, OpenError};
use crate::fs::{DirectoryEntry, FileSystem};
use crate::header::{HEADER_BYTES, HEADER_SIZE, Header, HeaderPage, Previous, VERSION};
use crate::position::{Mark, Position, SegmentNumber, Sequence, Sequences};
use crate::problem::{Damage, Missing, Problem};
use crate::record::FRAME_BYTES;
use crate::scan::{Depth, SCAN_WINDOW, SegmentScan, scan};
use crate::window::Window;

/// The name of the lock file.
pub(crate) const LOCK_NAME: &str = "lock";

/// A directory that was looked through.
#[derive(Debug)]
pub(crate) struct Survey {
    /// By number.
    pub(crate) segments: Vec<Surveyed>,
    pub(crate) checkpoint: Found,
    pub(crate) problems: Vec<Problem>,
    /// What the next segment is to be.
    pub(crate) next: Next,
}

/// A segment's file.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) number: SegmentNumber,
    pub(crate) file_bytes: u64,
    /// `None` if the header cannot be read, and with it nothing.
    pub(crate) content: Option<(Header, SegmentScan)>,
}

/// How the log goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Next {
    pub(crate) number: SegmentNumber,
    pub(crate) sequence: Sequence,
    pub(crate) previous: Option<Previous>,
}

impl Survey {
    /// The checkpoint, if there is a readable one.
    pub(crate) fn confirmed(&self) -> Option<Mark> {
        match &self.checkpoint {
            Found::Intact(checkpoint) => Some(checkpoint.mark),
            Found::Nothing | Found::Damaged { .. } => None,
        }
    }
}

/// Looks through `dir`.
pub(crate) fn survey(fs: &dyn FileSystem, dir: &Path, depth: Depth) -> Result<Survey, OpenError> {
    let mut problems = Vec::new();
    let names = sort_names(fs.list(dir).map_err(IoFailure::at("listing", dir))?, &mut problems);
    let checkpoint = checkpoint::read(fs, dir)?;
    let files = read_headers(fs, dir, names, &mut problems)?;
    let segments = scan_all(fs, dir, &files, depth)?;

    let mut survey = Survey {
        next: Next { number: SegmentNumber::FIRST, sequence: Sequence::FIRST, previous: None },
        segments,
        checkpoint,
        problems,
    };
    let end = follow(&mut survey);
    conclude(&mut survey, end);
    Ok(survey)
}

/// The segments among the names of a directory, by number; what else there is goes to `problems`.
fn sort_names(entries: Vec<DirectoryEntry>, problems: &mut Vec<Problem>) -> Vec<(SegmentNumber, u64)> {
    let mut segments = Vec::new();
    for DirectoryEntry { name, bytes, is_dir } in entries {
        match SegmentNumber::from_file_name(&name) {
            Some(number) if !is_dir => segments.push((number, bytes)),
            // The quarantine, and what those who keep a log put beside it.
            _ if is_dir && !is_ours(&name) => {}
            _ if !is_dir && (name == checkpoint::FILE_NAME || name == LOCK_NAME) => {}
            _ if !is_dir && name.strip_suffix(UNFINISHED).is_some_and(is_ours) => {
                problems.push(Problem::Unfinished { name });
            }
            _ => problems.push(Problem::Unknown { name }),
        }
    }
    segments.sort_unstable();
    segments
}

fn is_ours(name: &str) -> bool {
    name == checkpoint::FILE_NAME || SegmentNumber::from_file_name(name).is_some()
}

struct SegmentFile {
    number: SegmentNumber,
    bytes: u64,
    header: Option<Header>,
}

fn read_headers(
    fs: &dyn FileSystem,
    dir: &Path,
    names: Vec<(SegmentNumber, u64)>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<SegmentFile>, OpenError> {
    let mut files = Vec::with_capacity(names.len());
    for (number, bytes) in names {
        let Some((path, mut window)) = open(fs, dir, number, HEADER_SIZE)? else { continue };
        let header = match HeaderPage::decode(window.peek(0, HEADER_SIZE, bytes)?, number) {
            HeaderPage::Intact { header, damaged_copy } => {
                if damaged_copy {
                    problems.push(Problem::HeaderCopyDamaged { segment: number });
                }
                Some(header)
            }
            HeaderPage::UnknownVersion(version) => {
                return Err(OpenError::UnknownVersion { path, version, known: VERSION });
            }
            HeaderPage::Unreadable => None,
        };
        files.push(SegmentFile { number, bytes, header });
    }
    // Too short for a header, so there can be no record in it.
    while let Some(file) = files.pop_if(|file| file.header.is_none() && file.bytes < HEADER_BYTES) {
        problems.push(Problem::Unfinished { name: file.number.file_name() });
    }
    Ok(files)
}

fn scan_all(
    fs: &dyn FileSystem,
    dir: &Path,
    files: &[SegmentFile],
    depth: Depth,
) -> Result<Vec<Surveyed>, OpenError> {
    let announced = files.iter().filter_map(|file| file.header?.previous);
    let announced: BTreeMap<_, _> = announced.map(|previous| (previous.number, previous)).collect();
    let mut segments = Vec::with_capacity(files.len());
    for SegmentFile { number, bytes, header } in files {
        let content = match header {
            None => None,
            Some(header) => {
                let Some((_, mut window)) = open(fs, dir, *number, SCAN_WINDOW)? else { continue };
                Some((*header, scan(&mut window, header, *bytes, announced.get(number), depth)?))
            }
        };
        segments.push(Surveyed { number: *number, file_bytes: *bytes, content });
    }
    Ok(segments)
}

/// `None` if a running writer has deleted it meanwhile.
fn open(
    fs: &dyn FileSystem,
    dir: &Path,
    number: SegmentNumber,
    size: usize,
) -> Result<Option<(PathBuf, Window)>, IoFailure> {
    let path = dir.join(number.file_name());
    match fs.open(&path) {
        Ok(file) => Ok(Some((path.clone(), Window::new(file, &path, size)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IoFailure::at("opening", &path)(error)),
    }
}

/// Follows the sequences from segment to segment; what does not join goes to the problems. Returns which
/// sequence would come after the last segment, unless there is none.
fn follow(survey: &mut Survey) -> Option<Sequence> {
    let confirmed = survey.confirmed().map(|mark| mark.sequence);
    let divide = |first, end, settled| Missing::divide(Sequences::new(first, end), confirmed, settled);

    let mut problems = Vec::new();
    // Before the oldest segment everything is deleted, and must have been confirmed.
    let mut expected = confirmed;
    let mut unreadable: Vec<&Surveyed> = Vec::new();
    for segment in &survey.segments {
        let Some((header, scan)) = &segment.content else {
            unreadable.push(segment);
            continue;
        };
        let number = segment.number;
        let follows = header.follows();
        // If nothing says where the log began, this is the most the unreadable segments can have had.
        let first = expected.unwrap_or_else(|| follows.saturating_sub(most_records_in(&unreadable)));
        let mut missing = divide(first, follows, follows);
        if unreadable.is_empty() && !missing.is_empty() {
            let missing = std::mem::take(&mut missing);
            problems.push(Problem::SegmentsMissing { before: number, missing });
        }
        for Surveyed { number, file_bytes, .. } in unreadable.drain(..) {
            // What is missing is missing once, however many segments it was in.
            let missing = std::mem::take(&mut missing);
            problems.push(Problem::HeaderUnreadable { segment: *number, bytes: *file_bytes, missing });
        }
        for hole in &scan.holes {
            let missing = divide(hole.missing.first, hole.missing.end, hole.settled);
            problems.push(Problem::Damaged(Damage {
                segment: number,
                from: hole.from,
                to: hole.to,
                missing,
            }));
        }
        expected = Some(scan.next_sequence);
    }
    for segment in unreadable {
        let Surveyed { number, file_bytes, .. } = *segment;
        let first = expected.unwrap_or(Sequence::FIRST);
        let end = first.saturating_add(most_records_in(&[segment]));
        problems.push(Problem::HeaderUnreadable {
            segment: number,
            bytes: file_bytes,
            missing: divide(first, end, first),
        });
        expected = Some(end);
    }
    survey.problems.append(&mut problems);
    expected
}

/// How many records can at most have begun in so many bytes.
const fn most_records(bytes: u64) -> u64 {
    bytes.div_ceil(FRAME_BYTES)
}

fn most_records_in(segments: &[&Surveyed]) -> u64 {
    segments.iter().map(|segment| most_records(segment.file_bytes.saturating_sub(HEADER_BYTES))).sum()
}

/// Decides how the log goes on, after everything that was ever given a number.
fn conclude(survey: &mut Survey, expected: Option<Sequence>) {
    let mut sequence = expected.unwrap_or(Sequence::FIRST);
    let last_readable =
        survey.segments.iter().rev().find_map(|segment| Some((segment, segment.content.as_ref()?)));
    let mut end = None;
    let mut previous = None;
    if let Some((segment, (_, scan))) = last_readable {
        let number = segment.number;
        end = Some(Mark::new(Position::new(number, scan.end), scan.next_sequence));
        previous =
            Some(Previous { number, end: scan.end, next_sequence: scan.next_sequence, is_closed: false });
        let torn = segment.file_bytes.saturating_sub(scan.end);
        if torn > 0 && survey.segments.last().is_some_and(|last| last.number == number) {
            survey.problems.push(Problem::TornTail { segment: number, from: scan.end, bytes: torn });
            sequence = sequence.saturating_add(most_records(torn));
        }
    }
    let mut number = survey.segments.last().map_or(SegmentNumber::FIRST, |last| last.number.next());
    if let Some(checkpoint) = survey.confirmed() {
        let is_beyond = |end: &Mark| checkpoint.sequence > end.sequence || checkpoint.position > end.position;
        if let Some(end) = end.filter(is_beyond) {
            survey.problems.push(Problem::CheckpointBeyondEnd { checkpoint, end });
        }
        number = number.max(checkpoint.position.segment.next());
        sequence = sequence.max(checkpoint.sequence);
    }
    if let Found::Damaged { reason, .. } = &survey.checkpoint {
        survey.problems.push(Problem::CheckpointDamaged { reason: reason.clone() });
    }
    survey.next = Next { number, sequence, previous };
}
