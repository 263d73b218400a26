//! A damaged object is found, wherever the damage is.

use async_compression::tokio::write::GzipEncoder;
use futures::TryStreamExt;
use granary_archive::ArchiveError;
use tokio::io::AsyncWriteExt;

use crate::support::{Fixture, SESSION, event, records, store, tenant};

async fn archived(test: &str) -> (Fixture, std::path::PathBuf) {
    let fixture = Fixture::new(test).await;
    store(&fixture.warehouse.owner, &records((0..10).map(|second| event(SESSION, second, 0)).collect()))
        .await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    fixture.warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
    let [object] = fixture.objects().try_into().unwrap();
    (fixture, object)
}

async fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// Why reading and verifying the object as it is now fails.
async fn problems(fixture: &Fixture) -> [ArchiveError; 2] {
    let verified = fixture.archive.verify_session(&tenant(), SESSION).await;
    let read = fixture.archive.read(&tenant(), SESSION).await.unwrap();
    [verified.unwrap_err(), read.try_collect::<Vec<_>>().await.unwrap_err()]
}

#[tokio::test]
async fn a_changed_byte_is_found_wherever_it_changes_what_is_read() {
    let (fixture, object) = archived("bytes").await;
    let sound = std::fs::read(&object).unwrap();
    let lines = fixture.lines(SESSION).await;
    let mut found = 0;
    // The first ten bytes are gzip's header, of which time and system say nothing about the content.
    for at in (10..sound.len()).step_by(11) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&object, &damaged).unwrap();
        match fixture.archive.read(&tenant(), SESSION).await.unwrap().try_collect::<Vec<_>>().await {
            // A deflate stream has bits that mean nothing.
            Ok(read) => assert!(read == lines, "byte {at}"),
            Err(ArchiveError::Corrupt { .. }) => found += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(found > sound.len() / 12, "{found} of {}", sound.len());
}

#[tokio::test]
async fn a_cut_object_is_found_wherever_it_is_cut() {
    let (fixture, object) = archived("cuts").await;
    let sound = std::fs::read(&object).unwrap();
    for at in (0..sound.len()).step_by(31).chain([sound.len() - 1]) {
        std::fs::write(&object, &sound[..at]).unwrap();
        for problem in problems(&fixture).await {
            assert!(matches!(problem, ArchiveError::Corrupt { .. }), "cut at {at}: {problem}");
        }
    }
    std::fs::write(&object, sound).unwrap();
    fixture.archive.verify_session(&tenant(), SESSION).await.unwrap();
}

#[tokio::test]
async fn a_sound_gzip_of_other_lines_is_found() {
    let (fixture, object) = archived("lines").await;
    let text = fixture.object_text().await;
    let lines: Vec<_> = text.lines().collect();
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
    let swapped = [&lines[..3], &[lines[4], lines[3]], &lines[5..]].concat().join("\n") + "\n";
    for (name, damaged) in [
        ("a record is missing", without(5)),
        ("the header is missing", without(0)),
        ("the trailer is missing", without(lines.len() - 1)),
        ("two records are swapped", swapped),
        ("another session", text.replacen(SESSION, "another", 1)),
        ("another tenant", text.replacen("default", "another", 1)),
        ("a changed value", text.replacen("api_request", "api_refused", 1)),
        ("it goes on", format!("{text}{}\n", lines[1])),
        ("twice the same", format!("{text}{text}")),
        ("nothing", String::new()),
        ("the last line is cut", text[..text.len() - 1].to_owned()),
    ] {
        std::fs::write(&object, gzip(&damaged).await).unwrap();
        for problem in problems(&fixture).await {
            assert!(matches!(problem, ArchiveError::Corrupt { .. }), "{name}: {problem}");
        }
    }
    let mut padded = gzip(&text).await;
    padded.extend_from_slice(b"more");
    std::fs::write(&object, padded).unwrap();
    for problem in problems(&fixture).await {
        assert!(matches!(problem, ArchiveError::Corrupt { .. }), "bytes behind the end: {problem}");
    }
}

#[tokio::test]
async fn the_damage_is_told_without_the_content() {
    let (fixture, object) = archived("telling").await;
    let text = fixture.object_text().await;
    std::fs::write(&object, gzip(&text.replacen(r#""signal":"logs""#, r#""signal":"hush""#, 1)).await)
        .unwrap();
    for problem in problems(&fixture).await {
        assert!(!problem.to_string().contains("hush"), "{problem}");
    }
}
