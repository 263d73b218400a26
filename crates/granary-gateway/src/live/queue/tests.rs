use granary_archive::{ReplayCursor, ReplayEvent};
use granary_model::Signal;

use super::*;
use crate::{GatewayConfig, LiveId};

fn event(nth: u64, tool: &str) -> Arc<LiveEvent> {
    let json = format!("{nth:0>100}");
    let id = ReplayCursor { time_unix_nano: 0, nth: 0 };
    Arc::new(LiveEvent {
        id: LiveId { stored_ms: i64::try_from(nth).unwrap(), key: 0, nth },
        event: ReplayEvent { id, signal: Signal::Logs, name: String::new(), json },
        facets: Facets {
            session_id: String::new(),
            user_id: String::new(),
            team_id: String::new(),
            tool_name: tool.to_owned(),
            severity_text: String::new(),
            severity_number: 0,
            agent_event: String::new(),
            event_id: nth.into(),
        },
    })
}

fn queue(max_queue_events: u32, max_queue_bytes: u64) -> Queue {
    let limits = LiveLimits { max_queue_events, max_queue_bytes, ..GatewayConfig::default().live_limits() };
    Queue::new(TenantId::default(), LiveFilter::default(), limits)
}

/// What there is to take: `3` for the third event, `-2@5` for two missed since 5.
fn taken(queue: &Queue) -> Vec<String> {
    let text = |item| match item {
        LiveItem::Event(event) => event.id.nth.to_string(),
        LiveItem::Missed(missed) => format!("-{}@{}", missed.events, missed.since_ms),
    };
    std::iter::from_fn(|| futures::FutureExt::now_or_never(queue.take()).map(text)).collect()
}

#[tokio::test]
async fn what_does_not_fit_is_counted_in_its_place() {
    let queue = queue(3, 1 << 20);
    (1..=5).for_each(|nth| queue.offer(&event(nth, "")));
    queue.take().await; // Room for one again.
    queue.offer(&event(6, ""));
    assert_eq!(taken(&queue), ["2", "3", "-3@4"], "the sixth would stand before what was missed");
    queue.offer(&event(7, ""));
    queue.miss(Missed { events: 10, since_ms: 8, why: MissedWhy::Rate });
    queue.miss(Missed { events: 10, since_ms: 9, why: MissedWhy::Rate });
    queue.offer(&event(10, ""));
    assert_eq!(taken(&queue), ["7", "-20@8", "10"]);
}

#[tokio::test]
async fn bytes_are_bounded_too_and_one_event_always_fits() {
    let queue = queue(100, 2 * (100 + EVENT_BYTES));
    (1..=3).for_each(|nth| queue.offer(&event(nth, "")));
    assert_eq!(taken(&queue), ["1", "2", "-1@3"]);
    let tiny = self::queue(100, 1);
    (1..=2).for_each(|nth| tiny.offer(&event(nth, "")));
    assert_eq!(taken(&tiny), ["1", "-1@2"]);
}

#[tokio::test]
async fn another_filter_also_holds_for_what_waits() {
    let queue = queue(4, 1 << 20);
    for (nth, tool) in [(1, "Bash"), (2, "Read"), (3, "Bash"), (4, "Read"), (5, "Read")] {
        queue.offer(&event(nth, tool));
    }
    queue.set_filter(LiveFilter { tool: vec!["Bash".to_owned()], ..LiveFilter::default() });
    assert!(queue.wants(&event(6, "Bash").facets) && !queue.wants(&event(6, "Read").facets));
    assert_eq!(taken(&queue), ["1", "3", "-1@5"]);
}
