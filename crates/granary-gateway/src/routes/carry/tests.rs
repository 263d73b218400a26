use std::time::Duration;

use futures::StreamExt;
use granary_access::{Admitted, Fixed, Gate, Grant, Holder, Pass, Role};
use granary_model::TenantId;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{Audit, Caller, Kind};

/// Counts up to its end, if it has one.
struct Numbers(std::ops::Range<u64>);

impl Source for Numbers {
    type Event = u64;

    async fn next(&mut self) -> Result<Option<u64>, ArchiveError> {
        Ok(self.0.next())
    }

    fn bytes(_: &u64) -> Option<u64> {
        Some(8)
    }
}

fn let_in_until(until: Timestamp) -> Caller {
    let (holder, tenant) = (Holder::Subject("someone".to_owned()), TenantId::default());
    let grant = Grant { holder, tenant, role: Role::Analyst, groups: None, fixed: Fixed::default() };
    Caller::of(Admitted::Granted(Pass::until(grant, until)), None)
}

fn playing(numbers: std::ops::Range<u64>, caller: &Caller, places: &Arc<Semaphore>) -> Playing<Numbers> {
    Playing {
        replay: Numbers(numbers),
        stay: Stay::of(CancellationToken::new(), Arc::new(Gate::local_only()), caller.clone()),
        max_idle: Duration::from_secs(3600),
        _place: Some(Arc::clone(places).try_acquire_owned().unwrap()),
        asked: Audit::off().begin(caller, Uuid::now_v7(), Kind::Replay),
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_gives_its_place_back_when_its_token_expires() {
    let places = Arc::new(Semaphore::new(1));
    let caller = let_in_until(Timestamp::now() + SignedDuration::from_millis(50));
    let events = carry(playing(0..u64::MAX, &caller, &places));
    let place = Arc::clone(&places).acquire_owned();
    let _place = timeout(Duration::from_secs(60), place).await.expect("the place is given back").unwrap();
    let taken: Vec<_> = events.collect().await;
    assert!(matches!(
        taken.as_slice(),
        [Ok(0), Err(CutOff::Over(Over::Pass(granary_access::PassEnded::Expired)))]
    ));
}

#[tokio::test]
async fn events_end_without_an_error_where_there_are_no_more() {
    let places = Arc::new(Semaphore::new(1));
    let events = carry(playing(0..5, &let_in_until(Timestamp::MAX), &places));
    let taken: Vec<_> = events.map(Result::unwrap).collect().await;
    assert_eq!(taken, [0, 1, 2, 3, 4]);
    assert_eq!(places.available_permits(), 1);
}
