//! A session that says that it has ended is archived soon.

use std::time::Duration;

use granary_model::{Attribute, Attributes, LogRecord};

use crate::support::{Fixture, INGESTED_MS, at_ms, event, records, store, store_at};

/// An event as the hook `SessionEnd` of Claude Code makes it, where one is set up.
fn hook(session: &str, event_name: &str, hook_event: &str) -> LogRecord {
    LogRecord {
        attributes: Attributes::new(vec![
            Attribute::new("session.id", session),
            Attribute::new("event.name", event_name),
            Attribute::new("hook_event", hook_event),
        ]),
        ..event(session, 9, 9)
    }
}

fn named(session: &str, event_name: &str) -> LogRecord {
    hook(session, event_name, "")
}

async fn due_after(fixture: &Fixture, time: Duration) -> Vec<String> {
    let due = fixture.archive.due(at_ms(INGESTED_MS) + time).await.unwrap();
    due.into_iter().map(|due| due.session).collect()
}

const SETTLED: Duration = Duration::from_secs(31);

#[tokio::test]
async fn a_session_is_due_shortly_after_it_said_that_it_ended() {
    let fixture = Fixture::new("ends").await;
    let by_field = LogRecord { event_name: "session.end".to_owned(), ..event("field", 1, 1) };
    store(
        &fixture.warehouse.owner,
        &records(vec![
            event("goes_on", 0, 0),
            hook("other_hook", "hook_execution_complete", "PreToolUse"),
            named("turn", "gemini_cli.conversation_finished"),
            hook("hook_start", "hook_execution_start", "SessionEnd"),
            hook("hook_complete", "claude_code.hook_execution_complete", "SessionEnd"),
            named("forwarded", "SessionEnd"),
            named("forwarded_too", "session_end"),
            named("otel", "session.end"),
            by_field,
        ]),
    )
    .await;
    assert_eq!(due_after(&fixture, Duration::from_secs(30)).await, Vec::<String>::new(), "it settles first");
    let ended = ["field", "forwarded", "forwarded_too", "hook_complete", "hook_start", "otel"];
    assert_eq!(due_after(&fixture, SETTLED).await, ended);
    assert_eq!(due_after(&fixture, Duration::from_hours(1)).await.len(), 9);
}

#[tokio::test]
async fn a_session_that_goes_on_after_its_end_waits_until_it_is_quiet() {
    let fixture = Fixture::new("resumed").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records(vec![named("resumed", "session_end"), named("last_words", "session_end")])).await;
    let later = |ms| INGESTED_MS + ms;
    store_at(owner, "default", later(30_001), &records(vec![event("resumed", 60, 0)])).await;
    store_at(owner, "default", later(30_000), &records(vec![event("last_words", 60, 0)])).await;
    assert_eq!(due_after(&fixture, Duration::from_mins(2)).await, ["last_words"]);
    assert_eq!(due_after(&fixture, Duration::from_mins(31)).await, ["last_words", "resumed"]);
}
