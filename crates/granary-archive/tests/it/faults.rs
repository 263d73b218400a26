//! A store that fails: no session is lost, and no half object stands under a final name.

use std::time::Duration;

use futures::TryStreamExt;
use granary_archive::{Archive, ArchiveConfig, AuditOptions};
use granary_model::{Attribute, Attributes, LogRecord};
use granary_testkit::{Faults, TestS3, TestWarehouse};
use tokio_util::sync::CancellationToken;

use crate::s3::s3_config;
use crate::support::{event, records, store, tenant};

/// An event that hardly compresses: its text is as random as printable text can be.
fn incompressible(session: &str, second: u64, bytes: u64) -> LogRecord {
    let noise = (0..bytes).map(|n| {
        let mixed = (second << 32 | n).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB);
        char::from(u8::try_from(u64::from(b'#') + (mixed >> 40) % 58).unwrap())
    });
    LogRecord {
        attributes: Attributes::new(vec![
            Attribute::new("session.id", session),
            Attribute::new("noise", noise.collect::<String>().as_str()),
        ]),
        ..event(session, second, 0)
    }
}

const SMALL: usize = 40;

/// Many small sessions, and one of several parts.
async fn sessions(warehouse: &TestWarehouse) {
    let events = (0..SMALL).map(|n| event(&format!("s{n}"), 0, 0)).collect();
    store(&warehouse.owner, &records(events)).await;
    let large = (0..13).map(|second| incompressible("large", second, 1 << 20)).collect();
    store(&warehouse.owner, &records(large)).await;
}

async fn arrangement(test: &str) -> (TestS3, ArchiveConfig, TestWarehouse) {
    let server = granary_testkit::s3(&test.replace('_', "-")).await;
    let warehouse = granary_testkit::warehouse(test).await;
    sessions(&warehouse).await;
    let config = s3_config(&server, "");
    (server, config, warehouse)
}

/// Passes until nothing is due, and then every object is there once and sound.
async fn everything_is_archived(archive: &Archive, server: &TestS3) {
    let mut archived = 0;
    for _ in 0..200 {
        let pass = archive.run_once(CancellationToken::new()).await.unwrap();
        archived += pass.archived;
        if archived > SMALL {
            break;
        }
    }
    assert_eq!(archived, SMALL + 1, "each once");
    server.fail(Faults::default());
    let audited = archive.audit(AuditOptions { sample: 1.0 }).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(audited.len(), SMALL + 1);
    assert!(audited.iter().all(|one| one.state.name() == "sound"), "{audited:?}");
    let large = archive.verify_session(&tenant(), "large").await.unwrap();
    assert!(large.compressed_bytes > 8 << 20, "{} bytes are not several parts", large.compressed_bytes);
    assert_eq!(archive.status().await.unwrap().due, 0);
}

#[tokio::test]
async fn a_store_that_fails_half_of_the_requests_gets_every_session() {
    let (server, config, warehouse) = arrangement("half").await;
    let archive = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    server.fail(Faults { busy_percent: 50, ..Faults::default() });
    everything_is_archived(&archive, &server).await;
}

#[tokio::test]
async fn uploads_cut_in_the_middle_leave_no_half_object() {
    let (server, config, warehouse) = arrangement("cut").await;
    let archive = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    server.fail(Faults { cut_percent: 40, ..Faults::default() });
    everything_is_archived(&archive, &server).await;
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_known_again_and_done_once() {
    let (server, config, warehouse) = arrangement("lost").await;
    let archive = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    server.fail(Faults { lost_answer_percent: 40, ..Faults::default() });
    everything_is_archived(&archive, &server).await;
}

#[tokio::test]
async fn a_store_that_is_too_slow_leaves_every_session_due() {
    let (server, mut config, warehouse) = arrangement("slow").await;
    config.s3.max_attempts = 2;
    let patient = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    config.s3.request_timeout = Duration::from_millis(100);
    let archive = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    server.fail(Faults { delay: Duration::from_secs(30), ..Faults::default() });
    let pass = archive.run_once(CancellationToken::new()).await.unwrap();
    assert_eq!(pass.archived, 0);
    assert!(pass.failed > 0);
    let status = archive.status().await.unwrap();
    assert_eq!((status.sessions, status.due), (0, SMALL as u64 + 1));
    server.fail(Faults::default());
    everything_is_archived(&patient, &server).await;
}
