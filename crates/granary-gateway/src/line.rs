//! How many queries run, and who waits for a place, fairly.
//!
//! A place that comes free goes to the tenant that has the fewest, and of its accounts to the one that has the fewest;
//! where several have as few, to who was served longest ago, and of one account to who came first. So one caller with a
//! thousand queries in line keeps another's only query waiting for one place to come free, and no longer.
//!
//! The line is bounded. An account that is at its own bound is refused. Where the whole line is full, a newcomer takes
//! the last place of the account with the longest line, if that is longer than the newcomer's own would be; otherwise the
//! newcomer is refused. Who gives up waiting leaves the line at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// The bounds of the line and of what it leads to; 0 is none, but for `places` and `waiting`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineBounds {
    pub(crate) places: u32,
    pub(crate) places_of_tenant: u32,
    pub(crate) waiting: u32,
    pub(crate) max_wait: Duration,
}

/// Who wants a place, with the bounds of this account; 0 is none.
#[derive(Debug, Clone)]
pub(crate) struct Guest<T, A> {
    pub(crate) tenant: T,
    pub(crate) account: A,
    pub(crate) places: u32,
    pub(crate) waiting: u32,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// So many of this account's queries wait already.
    OwnLineFull { most: u32 },
    /// So many queries wait already.
    LineFull { most: u32 },
    /// None came free in time, although the account and its tenant may have more than they have.
    TooLong,
    /// None came free in time, because the account has as many as it may.
    TooLongAtOwnBound { most: u32 },
    /// None came free in time, because the tenant has as many as it may.
    TooLongAtTenantBound { most: u32 },
}

/// Places at the engine with a waiting line in front of them.
#[derive(Debug)]
pub(crate) struct QueryLine<T: Key, A: Key>(Arc<Shared<T, A>>);

impl<T: Key, A: Key> Clone for QueryLine<T, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Shared<T: Key, A: Key> {
    bounds: LineBounds,
    state: Mutex<State<T, A>>,
}

/// Accounts and tenants are known only while they have or want a place, which bounds how many are.
#[derive(Debug)]
struct State<T: Key, A: Key> {
    running: u32,
    tenants: HashMap<T, Standing>,
    accounts: HashMap<A, Standing>,
    /// In the order of coming.
    waiting: Vec<Waiter<T, A>>,
    /// Counts who came, and who was served.
    turns: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Standing {
    running: u32,
    waiting: u32,
    served: u64,
}

#[derive(Debug)]
struct Waiter<T: Key, A: Key> {
    number: u64,
    guest: Guest<T, A>,
    turn: oneshot::Sender<Result<Place<T, A>, NoPlace>>,
}

/// A place; dropping it gives it to the next in line.
#[derive(Debug)]
pub(crate) struct Place<T: Key, A: Key> {
    shared: Arc<Shared<T, A>>,
    tenant: T,
    account: A,
}

/// What accounts and tenants are told apart by.
pub(crate) trait Key: Eq + Hash + Clone {}

impl<K: Eq + Hash + Clone> Key for K {}

impl<T: Key, A: Key> QueryLine<T, A> {
    pub(crate) fn new(bounds: LineBounds) -> Self {
        let state = State {
            running: 0,
            tenants: HashMap::new(),
            accounts: HashMap::new(),
            waiting: Vec::new(),
            turns: 0,
        };
        Self(Arc::new(Shared { bounds, state: Mutex::new(state) }))
    }

    /// How many run and how many wait.
    pub(crate) fn length(&self) -> (u32, u32) {
        let state = self.0.lock();
        (state.running, u32::try_from(state.waiting.len()).unwrap_or(u32::MAX))
    }

    /// Waits for a place.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the line.
    pub(crate) async fn enter(&self, guest: Guest<T, A>) -> Result<Place<T, A>, NoPlace> {
        let (mut waiting, pushed_out) = match self.0.admit(guest)? {
            Admitted::Served(place) => return Ok(place),
            Admitted::InLine(waiting, pushed_out) => (waiting, pushed_out),
        };
        if let Some(pushed_out) = pushed_out {
            let most = self.0.bounds.waiting;
            // Who has left meanwhile needs not be told.
            pushed_out.turn.send(Err(NoPlace::LineFull { most })).ok();
        }
        let turn = timeout(self.0.bounds.max_wait, &mut waiting.turn).await;
        match turn {
            Ok(Ok(place)) => place,
            // The line outlives who waits in it; a sender that is gone would be one that was taken out of it.
            Ok(Err(_)) | Err(_) => Err(waiting.why_not()),
        }
    }
}

enum Admitted<T: Key, A: Key> {
    Served(Place<T, A>),
    InLine(Waiting<T, A>, Option<Waiter<T, A>>),
}

impl<T: Key, A: Key> Shared<T, A> {
    fn lock(&self) -> MutexGuard<'_, State<T, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Key, A: Key> Shared<T, A> {
    fn admit(self: &Arc<Self>, guest: Guest<T, A>) -> Result<Admitted<T, A>, NoPlace> {
        let bounds = &self.bounds;
        let mut state = self.lock();
        // Whoever waits while a place is free waits for a bound of its own.
        if state.running < bounds.places && state.may_run(&guest, bounds) {
            return Ok(Admitted::Served(self.serve(&mut state, guest)));
        }
        let own = state.accounts.get(&guest.account).map_or(0, |account| account.waiting);
        if guest.waiting > 0 && own >= guest.waiting {
            return Err(NoPlace::OwnLineFull { most: guest.waiting });
        }
        let mut pushed_out = None;
        if state.waiting.len() >= bounds.waiting as usize {
            let last = state.last_of_the_longest(own + 1);
            let last = last.ok_or(NoPlace::LineFull { most: bounds.waiting })?;
            pushed_out = Some(state.take(last));
        }
        state.turns += 1;
        let number = state.turns;
        let (sender, turn) = oneshot::channel();
        state.tenants.entry(guest.tenant.clone()).or_default().waiting += 1;
        state.accounts.entry(guest.account.clone()).or_default().waiting += 1;
        state.waiting.push(Waiter { number, guest: guest.clone(), turn: sender });
        let waiting = Waiting { shared: Arc::clone(self), number, guest, turn };
        Ok(Admitted::InLine(waiting, pushed_out))
    }

    fn serve(self: &Arc<Self>, state: &mut State<T, A>, guest: Guest<T, A>) -> Place<T, A> {
        state.running += 1;
        state.turns += 1;
        let turn = state.turns;
        let Guest { tenant, account, .. } = guest;
        for standing in [
            state.tenants.entry(tenant.clone()).or_default(),
            state.accounts.entry(account.clone()).or_default(),
        ] {
            standing.running += 1;
            standing.served = turn;
        }
        Place { shared: Arc::clone(self), tenant, account }
    }

    /// Gives out what is free.
    fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            if state.running >= self.bounds.places {
                return;
            }
            let Some(next) = state.next(&self.bounds) else { return };
            let Waiter { guest, turn, .. } = state.take(next);
            let place = self.serve(&mut state, guest);
            drop(state);
            // A place that nobody takes comes back as it is dropped.
            turn.send(Ok(place)).ok();
        }
    }
}

impl<T: Key, A: Key> State<T, A> {
    fn standing(&self, guest: &Guest<T, A>) -> (Standing, Standing) {
        let tenant = self.tenants.get(&guest.tenant).copied().unwrap_or_default();
        (tenant, self.accounts.get(&guest.account).copied().unwrap_or_default())
    }

    fn may_run(&self, guest: &Guest<T, A>, bounds: &LineBounds) -> bool {
        let (tenant, account) = self.standing(guest);
        let below = |running: u32, most: u32| most == 0 || running < most;
        below(account.running, guest.places) && below(tenant.running, bounds.places_of_tenant)
    }

    fn next(&self, bounds: &LineBounds) -> Option<usize> {
        let may_run =
            self.waiting.iter().enumerate().filter(|(_, waiter)| self.may_run(&waiter.guest, bounds));
        let next = may_run.min_by_key(|(_, waiter)| {
            let (tenant, account) = self.standing(&waiter.guest);
            (tenant.running, tenant.served, account.running, account.served)
        });
        next.map(|(at, _)| at)
    }

    /// The last to come of the account with the longest line, if more than `more_than` of it wait.
    fn last_of_the_longest(&self, more_than: u32) -> Option<usize> {
        let waiting = |at: &usize| self.standing(&self.waiting[*at].guest).1.waiting;
        (0..self.waiting.len()).max_by_key(waiting).filter(|at| waiting(at) > more_than)
    }

    fn take(&mut self, at: usize) -> Waiter<T, A> {
        let waiter = self.waiting.remove(at);
        release(&mut self.tenants, &waiter.guest.tenant, |standing| standing.waiting -= 1);
        release(&mut self.accounts, &waiter.guest.account, |standing| standing.waiting -= 1);
        waiter
    }
}

/// Forgets who has and wants nothing any more.
fn release<K: Key>(standings: &mut HashMap<K, Standing>, key: &K, release: impl FnOnce(&mut Standing)) {
    if let Some(standing) = standings.get_mut(key) {
        release(standing);
        if standing.running == 0 && standing.waiting == 0 {
            standings.remove(key);
        }
    }
}

/// Someone in line; dropping it leaves the line.
struct Waiting<T: Key, A: Key> {
    shared: Arc<Shared<T, A>>,
    number: u64,
    guest: Guest<T, A>,
    turn: oneshot::Receiver<Result<Place<T, A>, NoPlace>>,
}

impl<T: Key, A: Key> Waiting<T, A> {
    /// What there was to wait for.
    fn why_not(&self) -> NoPlace {
        let (tenant, account) = self.shared.lock().standing(&self.guest);
        let of_tenant = self.shared.bounds.places_of_tenant;
        match self.guest.places {
            most if most > 0 && account.running >= most => NoPlace::TooLongAtOwnBound { most },
            _ if of_tenant > 0 && tenant.running >= of_tenant => {
                NoPlace::TooLongAtTenantBound { most: of_tenant }
            }
            _ => NoPlace::TooLong,
        }
    }
}

impl<T: Key, A: Key> Drop for Waiting<T, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(at) = state.waiting.iter().position(|waiter| waiter.number == self.number) {
            state.take(at);
        }
    }
}

impl<T: Key, A: Key> Drop for Place<T, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.running -= 1;
        release(&mut state.tenants, &self.tenant, |standing| standing.running -= 1);
        release(&mut state.accounts, &self.account, |standing| standing.running -= 1);
        drop(state);
        self.shared.serve_waiting();
    }
}

#[cfg(test)]
mod tests;
