//! A sender as clients and collectors are: it repeats what was not answered, cut differently, and gives some up.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::oracle::events::{Dice, EventName, Events};
use crate::oracle::ledger::Ledger;
use crate::oracle::signal::Signal;

/// How long an answer may take; a client that waited this long has gone.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Between two requests, so that a long run stays small enough to be judged.
const PACE: Duration = Duration::from_millis(15);
/// While nobody listens.
const ABSENT: Duration = Duration::from_millis(25);
/// New events of a request, at most.
const NEW: usize = 16;
/// Unanswered events that are kept to be sent again.
const KEPT: usize = 200;

pub(crate) async fn run(
    number: u32,
    receiver: String,
    events: Events,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
) {
    let signal = Signal::of(number);
    let url = format!("{receiver}{}", signal.path());
    let client = Client::builder().timeout(TIMEOUT).build().unwrap_or_default();
    let mut dice = Dice(u64::from(number) + 1);
    let mut next = 0;
    let mut unanswered: Vec<EventName> = Vec::new();
    let mut lately: Vec<EventName> = Vec::new();
    while !stop.is_cancelled() {
        let mut names = Vec::new();
        // What was not answered goes along with new events, not as it was grouped before.
        let again = unanswered.len().min(dice.below(24));
        names.extend(unanswered.drain(..again));
        for _ in 0..=dice.below(NEW) {
            names.push(EventName { sender: number, number: next });
            next += 1;
        }
        // One request in eight repeats something that was answered long ago.
        if dice.below(8) == 0 {
            names.append(&mut lately);
        }
        ledger.sending(&names);
        let body = signal.request(events, &names);
        let sent = client.post(&url).header("Content-Type", "application/x-protobuf").body(body).send().await;
        match sent {
            Ok(response) if response.status() == StatusCode::OK => {
                ledger.acknowledged(&names);
                if lately.len() < NEW && dice.below(4) == 0 {
                    lately.extend(names.iter().take(3));
                }
            }
            failed => {
                // One in five of such requests is given up, as by a client that ends.
                if dice.below(5) > 0 && unanswered.len() < KEPT {
                    unanswered.extend(names);
                }
                if failed.is_err() {
                    tokio::time::sleep(ABSENT).await;
                }
            }
        }
        tokio::time::sleep(PACE).await;
    }
}
