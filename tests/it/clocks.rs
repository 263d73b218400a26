//! Clients whose clock has gone wild.

use crate::events::{at, log, logs_of, send_ok};
use crate::receiver::Receiver;

#[tokio::test]
async fn wild_times_are_kept_and_marked_and_spoil_nobody_s_batch() {
    const YEAR: u64 = 31_557_600_000_000_000;
    let receiver = Receiver::start("wild_clocks").await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_nanos()).unwrap();
    // One request with an event in each of sixty years, each a partition of its own.
    let mut events: Vec<_> = (0..60).map(|year| at(&format!("wild-{year:03}"), year * YEAR + 1)).collect();
    events.push(at("now", now));
    send_ok(&receiver, &events).await;
    send_ok(&receiver, &[log("other")]).await;
    let warehouse = receiver.finish().await;
    assert_eq!(logs_of(&warehouse).await.len(), 62);
    let marked: Vec<String> = warehouse
        .owner
        .query("SELECT Body FROM otel_logs WHERE NOT TimeOutOfRange AND Body LIKE 'wild%' ORDER BY Body")
        .fetch_all()
        .await
        .unwrap();
    assert!(marked.len() <= 2, "only times of this year and the last can be: {marked:?}");
    let kept: u64 = warehouse
        .owner
        .query("SELECT uniqExact(toUnixTimestamp64Nano(Timestamp)) FROM otel_logs WHERE TimeOutOfRange")
        .fetch_one()
        .await
        .unwrap();
    assert!(kept >= 58, "the times are kept as they came: {kept} of 60");
}
