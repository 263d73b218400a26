//! The allowances of all accounts, or of all tenants, without keeping those that need none.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::allowance::{Allowance, Bounds};

/// Below so many nobody is forgotten.
const FORGET_FROM: usize = 1_024;

/// Accounts that are kept at most. Who comes beyond shares one allowance with all others that do.
const MOST: usize = 65_536;

/// Allowances by key. Those that are whole again are forgotten, each time that twice as many are kept as the last
/// time.
#[derive(Debug)]
pub(crate) struct Ledger<K> {
    kept: Mutex<Kept<K>>,
    most: usize,
}

#[derive(Debug)]
struct Kept<K> {
    allowances: HashMap<K, Arc<Allowance>>,
    forget_at: usize,
    /// Of those that there is no room for.
    others: Option<Arc<Allowance>>,
}

impl<K: Eq + Hash + Clone> Ledger<K> {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MOST)
    }

    fn with_room_for(most: usize) -> Self {
        let kept = Kept { allowances: HashMap::new(), forget_at: FORGET_FROM.min(most), others: None };
        Self { kept: Mutex::new(kept), most }
    }

    /// The allowance of a key, which has these bounds.
    pub(crate) fn of(&self, key: &K, bounds: Bounds) -> Arc<Allowance> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(allowance) = kept.allowances.get_mut(key) {
            if allowance.bounds != bounds {
                *allowance = Arc::new(allowance.rebound(bounds));
            }
            return Arc::clone(allowance);
        }
        if kept.allowances.len() >= kept.forget_at {
            // Who holds one is about to use it.
            kept.allowances.retain(|_, allowance| Arc::strong_count(allowance) > 1 || !allowance.is_whole());
            kept.forget_at = (kept.allowances.len() * 2).clamp(FORGET_FROM.min(self.most), self.most);
        }
        if kept.allowances.len() >= self.most {
            return Arc::clone(kept.others.get_or_insert_with(|| Arc::new(Allowance::new(bounds))));
        }
        let allowance = Arc::new(Allowance::new(bounds));
        kept.allowances.insert(key.clone(), Arc::clone(&allowance));
        allowance
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.kept.lock().unwrap().allowances.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const BOUNDS: Bounds =
        Bounds { requests_per_second: 10, burst: 10, rows_per_hour: 3_600, bytes_per_hour: 0 };

    #[tokio::test(start_paused = true)]
    async fn accounts_that_are_whole_again_are_forgotten_and_others_are_not() {
        let ledger = Ledger::new();
        ledger.of(&0, BOUNDS).rows.charge(3_600);
        for account in 1..FORGET_FROM {
            ledger.of(&account, BOUNDS).count_request();
        }
        assert_eq!(ledger.len(), FORGET_FROM);
        advance(Duration::from_secs(10)).await;
        ledger.of(&usize::MAX, BOUNDS);
        assert_eq!(ledger.len(), 2);
        assert!(ledger.of(&0, BOUNDS).rows.standing().unwrap().left < 100);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_room_for_any_number_of_accounts() {
        let ledger = Ledger::with_room_for(2);
        for account in 0..100 {
            ledger.of(&account, BOUNDS).rows.charge(100);
        }
        assert_eq!(ledger.len(), 2);
        assert_eq!(ledger.of(&7, BOUNDS).rows.standing().unwrap().left, 0, "98 of them share one");
        assert_eq!(ledger.of(&1, BOUNDS).rows.standing().unwrap().left, 3_500);
    }

    #[tokio::test(start_paused = true)]
    async fn other_bounds_are_in_force_at_once() {
        let ledger = Ledger::new();
        ledger.of(&1, BOUNDS).rows.charge(1_800);
        let other = Bounds { rows_per_hour: 1_800, ..BOUNDS };
        assert!(ledger.of(&1, other).rows.spent_for().is_some());
    }
}
