//! How many syncs and megabytes a second does a disk take? `append <directory> [seconds]`.
//!
//! Groups of 1, 4 and 16 payloads of 256 KiB, each group one sync, as group commit does under growing load;
//! then the same for small payloads, where the sync is everything; then reading, checksums included, as fast
//! as it goes. The log is made in a directory of its own, which is removed at the end.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::io::IoSlice;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytesize::ByteSize;
use granary_wal::{Config, Opened, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let below = arguments.next().ok_or("which directory?")?;
    let seconds = arguments.next().map_or(Ok(3), |seconds| seconds.parse())?;
    let dir = Path::new(&below).join(format!("append-{}", std::process::id()));
    println!(
        "{:>10} {:>6} {:>10} {:>10} {:>12} {:>12}",
        "payload", "group", "MB/s", "syncs/s", "sync p50", "sync p99"
    );
    for (payload, group) in [(256 << 10, 1), (256 << 10, 4), (256 << 10, 16), (1 << 10, 1), (1 << 10, 64)] {
        measure(&dir, payload, group, Duration::from_secs(seconds))?;
    }
    read(&dir)?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn measure(
    dir: &Path,
    payload: usize,
    group: usize,
    duration: Duration,
) -> Result<(), Box<dyn std::error::Error>> {
    let Opened { mut writer, log, .. } = open(&Config::new(dir))?;
    // Bytes that no disk can make smaller.
    let payload: Vec<u8> = (0_u64..)
        .map(|number| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .take(payload)
        .collect();
    let (mut bytes, mut syncs) = (0, Vec::new());
    let started = Instant::now();
    while started.elapsed() < duration {
        for _ in 0..group {
            writer.append(&[IoSlice::new(&payload)])?;
            bytes += payload.len();
        }
        let before = Instant::now();
        let mark = writer.sync()?;
        syncs.push(before.elapsed());
        if log.usage().used_bytes > ByteSize::gib(1).as_u64() {
            log.advance_checkpoint(mark, Bytes::new())?;
            log.delete_confirmed(Duration::ZERO)?;
        }
    }
    let elapsed = started.elapsed().as_secs_f64();
    syncs.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let (megabytes, count) = (bytes as f64 / 1e6, syncs.len() as f64);
    println!(
        "{:>10} {group:>6} {:>10.1} {:>10.0} {:>12.2?} {:>12.2?}",
        ByteSize(payload.len() as u64).to_string(),
        megabytes / elapsed,
        count / elapsed,
        syncs[syncs.len() / 2],
        syncs[syncs.len() * 99 / 100],
    );
    Ok(())
}

fn read(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let opened = open(&Config::new(dir))?;
    let found = &opened.recovery.found;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let megabytes = found.payload_bytes() as f64 / 1e6;
    println!("opening: {:.0} MB/s, {} records", megabytes / started.elapsed().as_secs_f64(), found.records());
    let started = Instant::now();
    let mut reader = opened.log.read_from(opened.log.oldest());
    while reader.next_record()?.is_some() {}
    println!("reading: {:.0} MB/s", megabytes / started.elapsed().as_secs_f64());
    Ok(())
}
