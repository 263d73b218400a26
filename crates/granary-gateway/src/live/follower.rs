//! The one task that follows the inserts, as long as somebody listens.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use granary_archive::{ArchiveError, InsertRows, StoredInsert, StoredLog, inserts_since};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::client::millis;
use super::queue::Queue;
use super::{Begun, InsertKey, LiveEvent, LiveId, Missed, MissedWhy, Shared, key_of};

/// How far behind the newest insert each look goes: longer than inserts take on a server that is not overloaded.
pub(crate) const NEAR: Duration = Duration::from_secs(5);

/// How far behind it some looks go: twice as long as a receiver waits for an insert before it takes it for failed.
pub(crate) const FAR: Duration = Duration::from_mins(2);

/// So many looks are there to one far one.
const FAR_EVERY: u64 = 12;

/// Ids of events that are kept, 2.4 MB of them, so that none is handed on twice.
pub(crate) const REMEMBERED: usize = 100_000;

/// Between two looks, while there are inserts, and when there have been none for a while.
const INTERVAL: Duration = Duration::from_millis(150);
const IDLE_INTERVAL: Duration = Duration::from_millis(300);
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// After a look that failed; it grows up to the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// For how long rows that are not there yet are waited for. After that they were deleted, not late; or the replica that answers is
/// behind by more.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// How long an insert may wait for its turn when more comes than `gateway.max_live_rate`.
const MAX_LAG: Duration = Duration::from_secs(5);

/// How far behind what is stored a listener may be kept by this process, when it cannot read as fast as events come.
const MAX_BEHIND: Duration = Duration::from_secs(30);

/// How many seconds of that rate may be read at once after a pause.
const BURST_SECONDS: f64 = 2.0;

/// Follows until nobody listens any more.
pub(super) async fn follow(shared: Arc<Shared>, begun: watch::Sender<Begun>) {
    let mut follower = match Follower::begin(&shared).await {
        Ok(follower) => follower,
        Err(error) => {
            tracing::warn!(%error, "the warehouse cannot be followed");
            begun.send_replace(Begun::Failed(error.to_string()));
            return;
        }
    };
    tracing::debug!("the warehouse is followed");
    begun.send_replace(Begun::Following);
    let mut failures = 0;
    loop {
        let interval = if follower.last_found.elapsed() > IDLE_AFTER { IDLE_INTERVAL } else { INTERVAL };
        sleep((interval * 2_u32.saturating_pow(failures)).min(LONGEST_PAUSE.max(interval))).await;
        {
            let mut state = shared.state();
            if state.listeners == 0 {
                state.following = None;
                state.handed_on.clear();
                tracing::debug!("nobody listens; the warehouse is followed no more");
                return;
            }
        }
        match follower.look(&shared).await {
            Ok(()) => failures = 0,
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "the warehouse does not say what was stored; listeners wait");
                }
                failures = (failures + 1).min(10);
                // However long it takes, the next look goes back far enough.
                follower.looks = 0;
            }
        }
    }
}

/// What was found and is not handed on.
#[derive(Debug)]
struct Pending {
    insert: StoredInsert,
    found: Instant,
    /// To whom its rows go, and how many of them were handed on.
    begun: Option<(Vec<Arc<Queue>>, u64)>,
}

#[derive(Debug)]
struct Follower {
    looks: u64,
    newest_ms: i64,
    /// Inserts that were found, back to the far window's beginning.
    known: HashSet<InsertKey>,
    pending: VecDeque<Pending>,
    last_found: Instant,
    remembered: Remembered,
    allowance: Allowance,
}

impl Follower {
    /// What is there now is nobody's news.
    async fn begin(shared: &Shared) -> Result<Self, ArchiveError> {
        let newest_ms = server_now_ms(shared).await?;
        let inserts = inserts_since(&shared.warehouse, newest_ms - millis(FAR)).await?;
        let known: HashSet<_> = inserts.iter().map(key_of).collect();
        let mut state = shared.state();
        state.handed_on.clone_from(&known);
        state.horizon_ms = newest_ms - millis(FAR);
        drop(state);
        Ok(Self {
            looks: 0,
            newest_ms,
            known,
            pending: VecDeque::new(),
            last_found: Instant::now(),
            remembered: Remembered::default(),
            allowance: Allowance::new(shared.limits.max_rate),
        })
    }

    async fn look(&mut self, shared: &Shared) -> Result<(), ArchiveError> {
        let is_far = self.looks.is_multiple_of(FAR_EVERY);
        self.looks += 1;
        let since = self.newest_ms - millis(if is_far { FAR } else { NEAR });
        let now = Instant::now();
        for insert in inserts_since(&shared.warehouse, since).await? {
            if self.known.insert(key_of(&insert)) {
                self.newest_ms = self.newest_ms.max(insert.stored_ms);
                self.last_found = now;
                self.pending.push_back(Pending { insert, found: now, begun: None });
            }
        }
        if is_far {
            self.forget(shared);
        }
        self.hand_on(shared).await
    }

    /// Forgets what no look goes back to.
    fn forget(&mut self, shared: &Shared) {
        let horizon_ms = self.newest_ms - millis(FAR);
        let is_remembered = |(stored_ms, ..): &InsertKey| *stored_ms >= horizon_ms;
        self.known.retain(is_remembered);
        let mut state = shared.state();
        state.handed_on.retain(is_remembered);
        state.horizon_ms = horizon_ms;
    }

    /// Hands on what was found, as far as its rows are there and the rate allows.
    async fn hand_on(&mut self, shared: &Shared) -> Result<(), ArchiveError> {
        let mut later = VecDeque::new();
        let mut result = Ok(());
        while let Some(mut pending) = self.pending.pop_front() {
            match self.read(shared, &mut pending).await {
                Ok(Next::Done) => {}
                Ok(Next::NotThere) => later.push_back(pending),
                Ok(Next::NotAllowed) => {
                    later.push_back(pending);
                    break;
                }
                Err(error) => {
                    later.push_back(pending);
                    result = Err(error);
                    break;
                }
            }
        }
        later.append(&mut self.pending);
        self.pending = later;
        result
    }

    async fn read(&mut self, shared: &Shared, pending: &mut Pending) -> Result<Next, ArchiveError> {
        let (insert, lag) = (&pending.insert, pending.found.elapsed());
        if pending.begun.is_none() {
            if !shared.state().queues.iter().any(|queue| queue.tenant == insert.tenant) {
                hand_over(shared, insert);
                return Ok(Next::Done);
            }
            match self.allowance.take(insert.rows) {
                Allowed::Yes if lag < MAX_BEHIND => {}
                Allowed::Later if lag < MAX_LAG => return Ok(Next::NotAllowed),
                Allowed::Yes | Allowed::Later | Allowed::Never => {
                    let (events, since_ms) = (insert.rows, insert.stored_ms);
                    let missed = Missed { events, since_ms, why: MissedWhy::Rate };
                    for queue in hand_over(shared, insert) {
                        queue.miss(missed);
                    }
                    return Ok(Next::Done);
                }
            }
        }
        let expected = if lag < SETTLED_AFTER { insert.rows } else { 0 };
        let mut rows = InsertRows::of(&shared.warehouse, insert, expected)?;
        let Some(mut row) = rows.next().await? else {
            if expected > 0 && pending.begun.is_none() {
                self.allowance.give_back(insert.rows);
                return Ok(Next::NotThere);
            }
            let queues = hand_over(shared, insert);
            miss_the_rest(shared, insert, &queues, 0);
            return Ok(Next::Done);
        };
        let (queues, done) = pending.begun.get_or_insert_with(|| (hand_over(shared, insert), 0));
        let mut nth = 0;
        loop {
            if nth >= *done {
                let id = LiveId { stored_ms: insert.stored_ms, key: insert.key, nth };
                if self.remembered.is_new(row.facets.event_id) {
                    offer(queues, id, row);
                }
                *done = nth + 1;
            }
            nth += 1;
            row = match rows.next().await? {
                Some(row) => row,
                None => {
                    miss_the_rest(shared, insert, queues, nth);
                    return Ok(Next::Done);
                }
            };
        }
    }
}

/// Tells of rows that a replica has not got. On one server what is not there is gone, and nobody's loss.
fn miss_the_rest(shared: &Shared, insert: &StoredInsert, queues: &[Arc<Queue>], found: u64) {
    let events = insert.rows.saturating_sub(found);
    if events > 0 && shared.warehouse.is_remembered_in_keeper() {
        let missed = Missed { events, since_ms: insert.stored_ms, why: MissedWhy::Behind };
        for queue in queues {
            queue.miss(missed);
        }
    }
}

/// What became of an insert.
enum Next {
    Done,
    /// Its rows are not there yet; those of others may be.
    NotThere,
    /// It has to wait, and so have the others.
    NotAllowed,
}

/// Those who get an insert's rows; for everybody who joins later they are the past.
fn hand_over(shared: &Shared, insert: &StoredInsert) -> Vec<Arc<Queue>> {
    let mut state = shared.state();
    state.handed_on.insert(key_of(insert));
    state.queues.iter().filter(|queue| queue.tenant == insert.tenant).cloned().collect()
}

/// Gives an event to whoever wants it.
fn offer(queues: &[Arc<Queue>], id: LiveId, row: StoredLog) {
    let wanting: Vec<_> = queues.iter().filter(|queue| queue.wants(&row.facets)).collect();
    if wanting.is_empty() {
        return;
    }
    match row.event() {
        Ok(event) => {
            let event = Arc::new(LiveEvent { id, event, facets: row.facets });
            for queue in wanting {
                queue.offer(&event);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "a stored event cannot be shown");
            let missed = Missed { events: 1, since_ms: id.stored_ms, why: MissedWhy::Unreadable };
            for queue in wanting {
                queue.miss(missed);
            }
        }
    }
}

async fn server_now_ms(shared: &Shared) -> Result<i64, ArchiveError> {
    const SQL: &str = "SELECT toUnixTimestamp64Milli(now64(3))";
    let ask = async { Ok(shared.warehouse.query(SQL).fetch_one::<i64>().await?) };
    let within = tokio::time::timeout(shared.warehouse.timeout(), ask).await;
    Ok(within.unwrap_or(Err(granary_clickhouse::ClickHouseError::TimedOut {
        after: shared.warehouse.timeout(),
    }))?)
}

/// The ids of the last events.
#[derive(Debug, Default)]
struct Remembered {
    ids: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Remembered {
    fn is_new(&mut self, id: u128) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// How many rows may be read now.
#[derive(Debug)]
struct Allowance {
    per_second: f64,
    left: f64,
    filled: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Allowed {
    Yes,
    Later,
    /// It is more than may be read at once.
    Never,
}

impl Allowance {
    fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second * BURST_SECONDS, filled: Instant::now() }
    }

    #[expect(clippy::cast_precision_loss, reason = "rows are counted exactly up to 2 to the 53rd")]
    fn take(&mut self, rows: u64) -> Allowed {
        let most = self.per_second * BURST_SECONDS;
        let now = Instant::now();
        self.left = (self.left + self.per_second * now.duration_since(self.filled).as_secs_f64()).min(most);
        self.filled = now;
        let rows = rows as f64;
        if rows > most {
            Allowed::Never
        } else if rows > self.left {
            Allowed::Later
        } else {
            self.left -= rows;
            Allowed::Yes
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "as above")]
    fn give_back(&mut self, rows: u64) {
        self.left += rows as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_read_is_bounded_by_the_rate_and_a_large_insert_is_never_read() {
        let mut allowance = Allowance::new(100);
        assert_eq!([150, 51, 50, 1].map(|rows| allowance.take(rows)), {
            use Allowed::{Later, Yes};
            [Yes, Later, Yes, Later]
        });
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!([51, 50].map(|rows| allowance.take(rows)), [Allowed::Later, Allowed::Yes]);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!([201, 200].map(|rows| allowance.take(rows)), [Allowed::Never, Allowed::Yes]);
    }

    #[test]
    fn an_event_is_new_once_and_the_memory_of_it_ends() {
        let mut remembered = Remembered::default();
        assert!(remembered.is_new(0));
        assert!(!remembered.is_new(0));
        assert!((1..=REMEMBERED as u128).all(|id| remembered.is_new(id)));
        assert!(remembered.is_new(0), "so many others came");
        assert_eq!(remembered.ids.len(), REMEMBERED);
    }
}
