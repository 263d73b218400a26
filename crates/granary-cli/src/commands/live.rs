//! `granary live`

use std::io::Write;

use granary_gateway::{Live, LiveClient, LiveFilter, LiveItem, Missed};
use granary_model::TenantId;
use jiff::Timestamp;
use serde_json::json;

use super::readable::Timeline;
use crate::access::Access;
use crate::arguments;
use crate::output;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, wanted: arguments::Live) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let access = Access::open(settings).await?;
    let arguments::Live { session, user, team, tool, severity, event, jsonl } = wanted;
    let filter = LiveFilter { session, user, team, tool, severity, event };
    let live = Live::new(access.reader(), settings.gateway.live_limits());
    let watching = async {
        let client = live.listen(&TenantId::default(), filter, None).await?;
        eprintln!("watching {}; what is stored from now on is shown", access.reader.database);
        watch(client, jsonl).await
    };
    let result = tokio::select! {
        result = watching => result,
        () = stop.cancelled() => Ok(()),
    };
    access.close().await;
    result
}

async fn watch(mut client: LiveClient, jsonl: bool) -> anyhow::Result<()> {
    let mut timeline = Timeline::of_sessions(output::colours());
    loop {
        let text = match (client.next().await?, jsonl) {
            (LiveItem::Event(event), true) => event.event.json.clone(),
            (LiveItem::Event(event), false) => timeline.show(&event.event),
            (LiveItem::Missed(Missed { events, since_ms, why }), true) => {
                json!({ "missed": events, "since": time(since_ms), "why": why.name() }).to_string()
            }
            (LiveItem::Missed(Missed { events, since_ms, why }), false) => {
                timeline.remark(&format!("{events} events missed since {} ({})", time(since_ms), why.name()))
            }
        };
        if let Err(error) = writeln!(std::io::stdout(), "{text}") {
            // The reader has seen enough, as `head` does.
            return if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) };
        }
    }
}

fn time(unix_ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(unix_ms).unwrap_or_default())
}
