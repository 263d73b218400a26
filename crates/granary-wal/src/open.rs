//! How is a log taken into use? Lock, survey, decide, put aside what is damaged.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use crate::atomic;
use crate::checkpoint::Found;
use crate::checksum::crc32c_from;
use crate::config::Config;
use crate::error::{IoFailure, OpenError};
use crate::fs::{FileSystem, RealFs, write_all_at};
use crate::header::HEADER_BYTES;
use crate::log::Log;
use crate::position::{Mark, Position, SegmentNumber, Sequence};
use crate::problem::{Damage, Problem};
use crate::quarantine;
use crate::report::{Inspection, Recovery};
use crate::scan::{Depth, SCAN_WINDOW};
use crate::state::{Segment, Shared, State};
use crate::survey::{LOCK_NAME, Survey, survey};
use crate::window::Window;
use crate::writer::Writer;

/// A log in use. The lock is held until all three parts' handles, readers included, are dropped.
#[derive(Debug)]
pub struct Opened {
    /// Appends and syncs.
    pub writer: Writer,
    /// Reads, confirms and deletes.
    pub log: Log,
    /// What was found, and where to read on.
    pub recovery: Recovery,
}

/// Opens the log in [`Config::dir`], or begins one. When it returns, every record that can be read is on
/// disk.
pub fn open(config: &Config) -> Result<Opened, OpenError> {
    open_on(Arc::new(RealFs), config)
}

/// [`open`], on another file system.
pub fn open_on(fs: Arc<dyn FileSystem>, config: &Config) -> Result<Opened, OpenError> {
    config.check()?;
    let dir = &config.dir;
    fs.create_dir(dir).map_err(IoFailure::at("making", dir))?;
    let lock_path = dir.join(LOCK_NAME);
    let lock = fs.try_lock(&lock_path).map_err(IoFailure::at("locking", &lock_path))?;
    let lock = lock.ok_or_else(|| OpenError::Locked { dir: dir.clone() })?;

    let survey = survey(&*fs, dir, Depth::Payloads)?;
    settle(&*fs, dir, &survey)?;
    let mut recovery = Recovery {
        found: Inspection::new(dir, &survey),
        resume: Mark::new(Position::new(survey.next.number, HEADER_BYTES), survey.next.sequence),
        removed: remove_unfinished(&*fs, dir, &survey)?,
        quarantined: Vec::new(),
        not_quarantined: Vec::new(),
    };
    put_aside(&*fs, dir, &survey, &mut recovery);

    let next = survey.next;
    let mut state = state(survey);
    state.note_confirmed(fs.now());
    recovery.resume = state.checkpoint.as_ref().map_or_else(|| state.oldest(), |checkpoint| checkpoint.mark);
    let shared = Arc::new(Shared::new(fs, config.clone(), state, lock));
    Ok(Opened { writer: Writer::new(Arc::clone(&shared), next), log: Log::new(shared), recovery })
}

/// Makes durable what an older life may have left in the page cache: the newest segment, and the names. Older
/// segments were synced before their successors were made.
fn settle(fs: &dyn FileSystem, dir: &Path, survey: &Survey) -> Result<(), IoFailure> {
    if let Some(newest) = survey.segments.iter().rev().find(|segment| segment.content.is_some()) {
        let path = dir.join(newest.number.file_name());
        if fs.sync_file(&path).is_err() {
            // A second sync would answer success for pages that the kernel has dropped; a copy is new pages.
            rewrite(fs, dir, newest.number, newest.file_bytes)?;
        }
    }
    fs.sync_dir(dir).map_err(IoFailure::at("syncing", dir))
}

/// Puts a copy of a segment in its place.
fn rewrite(fs: &dyn FileSystem, dir: &Path, number: SegmentNumber, bytes: u64) -> Result<(), IoFailure> {
    let name = number.file_name();
    let path = dir.join(&name);
    let file = fs.open(&path).map_err(IoFailure::at("opening", &path))?;
    let mut window = Window::new(file, &path, SCAN_WINDOW);
    atomic::create(fs, dir, &name, |copy| {
        window.each(0, bytes, |offset, piece| {
            write_all_at(copy, offset, &mut [IoSlice::new(piece)]).map_err(IoFailure::at("writing", &path))
        })
    })?;
    Ok(())
}

fn remove_unfinished(fs: &dyn FileSystem, dir: &Path, survey: &Survey) -> Result<Vec<String>, IoFailure> {
    let mut removed = Vec::new();
    for problem in &survey.problems {
        if let Problem::Unfinished { name } = problem {
            let path = dir.join(name);
            fs.remove(&path).map_err(IoFailure::at("removing", &path))?;
            removed.push(name.clone());
        }
    }
    Ok(removed)
}

/// Copies damaged bytes to the quarantine. That this fails, on a full disk for one, keeps no log from being
/// opened.
fn put_aside(fs: &dyn FileSystem, dir: &Path, survey: &Survey, recovery: &mut Recovery) {
    let there = match quarantine::names(fs, dir) {
        Ok(there) => there,
        Err(failure) => {
            recovery.not_quarantined.push(failure.to_string());
            return;
        }
    };
    let mut take = |name: String, kept: &mut dyn FnMut(&str) -> Result<(), IoFailure>| {
        if !there.contains(&name) {
            match kept(&name) {
                Ok(()) => recovery.quarantined.push(name),
                Err(failure) => recovery.not_quarantined.push(format!("{name}: {failure}")),
            }
        }
    };
    for problem in &survey.problems {
        let (segment, from, to) = match problem {
            Problem::Damaged(Damage { segment, from, to, .. }) => (*segment, *from, *to),
            Problem::HeaderUnreadable { segment, bytes, .. } => (*segment, 0, *bytes),
            _ => continue,
        };
        take(quarantine::segment_name(segment, from, to), &mut |_| {
            quarantine::copy_segment(fs, dir, segment, from, to)
        });
    }
    if let Found::Damaged { bytes, .. } = &survey.checkpoint {
        let name = format!("checkpoint-{:08x}.damaged", crc32c_from(0, bytes));
        take(name, &mut |name| quarantine::keep(fs, dir, name, bytes));
    }
}

fn state(survey: Survey) -> State {
    let mut segments = BTreeMap::new();
    let mut follows = Sequence::FIRST;
    for surveyed in &survey.segments {
        let segment = match &surveyed.content {
            Some((header, scan)) => {
                follows = scan.next_sequence;
                Segment::found(header, scan, surveyed.file_bytes)
            }
            None => Segment::unreadable(surveyed.file_bytes, follows),
        };
        segments.insert(surveyed.number, segment);
    }
    let next = survey.next;
    let mut synced = match next.previous {
        Some(previous) => Mark::new(Position::new(previous.number, previous.end), previous.next_sequence),
        None => Mark::new(Position::new(next.number, HEADER_BYTES), next.sequence),
    };
    let confirmed = survey.confirmed();
    let checkpoint = match survey.checkpoint {
        Found::Intact(checkpoint) => Some(checkpoint),
        Found::Nothing | Found::Damaged { .. } => None,
    };
    if let Some(mark) = confirmed {
        // What is confirmed was on disk, also if it is gone now.
        synced.position = synced.position.max(mark.position);
        synced.sequence = synced.sequence.max(mark.sequence);
    }
    State { used_bytes: segments.values().map(|segment| segment.bytes).sum(), segments, synced, checkpoint }
}
