//! So much an hour, of what is known only once it was used.
//!
//! A bucket that refills steadily, and may be overdrawn: who has anything left may begin, and what is used beyond comes
//! off what follows. So an hour never gives more than twice the budget and what was begun at its end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a budget is for.
pub(crate) const WINDOW: Duration = Duration::from_secs(3600);

/// However much is overdrawn, it is forgiven after so long; a nonsensical figure does not lock anybody out for ever.
const MOST_DEBT: Duration = Duration::from_secs(24 * 3600);

/// A budget of `most` a window, none where that is 0.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u64,
    /// When all is back.
    whole_at: Mutex<Instant>,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) most: u64,
    pub(crate) left: u64,
    /// Until all is back.
    pub(crate) whole_in: Duration,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Self {
        Self { most, whole_at: Mutex::new(Instant::now()) }
    }

    /// Takes what was used, more than is left, too.
    pub(crate) fn charge(&self, used: u64) {
        if self.most == 0 || used == 0 {
            return;
        }
        let takes = scaled(used, WINDOW.as_nanos(), self.most);
        let takes = Duration::from_nanos(takes).min(MOST_DEBT);
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *whole_at = ((*whole_at).max(now) + takes).min(now + MOST_DEBT);
    }

    /// How it stands; `None` where there is no budget.
    pub(crate) fn standing(&self) -> Option<Standing> {
        if self.most == 0 {
            return None;
        }
        let whole_in = self.whole_in();
        let used = scaled(self.most, whole_in.as_nanos(), nanos(WINDOW));
        Some(Standing { most: self.most, left: self.most.saturating_sub(used), whole_in })
    }

    /// Until there is something left; `None` where there is.
    pub(crate) fn spent_for(&self) -> Option<Duration> {
        let standing = self.standing().filter(|standing| standing.left == 0)?;
        // The moment at which one is back, and not the one before.
        let one = Duration::from_nanos(scaled(1, WINDOW.as_nanos(), standing.most).max(1));
        Some(standing.whole_in.saturating_sub(WINDOW) + one)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole_in().is_zero()
    }

    /// The same debt under another bound.
    pub(crate) fn carried_over(&self, most: u64) -> Self {
        let budget = Self::new(most);
        if let Some(standing) = self.standing() {
            budget.charge(scaled(standing.most, standing.whole_in.as_nanos(), nanos(WINDOW)));
        }
        budget
    }

    fn whole_in(&self) -> Duration {
        let whole_at = *self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        whole_at.saturating_duration_since(Instant::now())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn scaled(number: u64, by: u128, over: u64) -> u64 {
    u64::try_from(u128::from(number).saturating_mul(by).div_ceil(u128::from(over.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_used_comes_back_steadily() {
        let budget = Budget::new(3_600);
        budget.charge(600);
        let standing = budget.standing().unwrap();
        assert_eq!((standing.left, standing.whole_in), (3_000, Duration::from_secs(600)));
        advance(Duration::from_secs(100)).await;
        assert_eq!(budget.standing().unwrap().left, 3_100);
        advance(Duration::from_secs(500)).await;
        assert!(budget.is_whole());
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_be_overdrawn_and_then_there_is_nothing_until_that_is_paid() {
        let budget = Budget::new(3_600);
        budget.charge(3_599);
        assert_eq!(budget.spent_for(), None, "there is one left");
        budget.charge(1_000);
        assert_eq!(budget.spent_for(), Some(Duration::from_secs(1_000)));
        advance(Duration::from_secs(1_000)).await;
        assert_eq!(budget.spent_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_figure_is_too_large_and_every_debt_ends() {
        let budget = Budget::new(1);
        budget.charge(u64::MAX);
        budget.charge(u64::MAX);
        assert_eq!(budget.standing().unwrap().whole_in, MOST_DEBT);
        let large = Budget::new(u64::MAX);
        large.charge(u64::MAX);
        assert!(large.spent_for().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn no_budget_is_never_spent() {
        let budget = Budget::new(0);
        budget.charge(u64::MAX);
        assert_eq!((budget.standing(), budget.spent_for()), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bound_that_is_changed_forgives_nothing() {
        let budget = Budget::new(3_600);
        budget.charge(1_800);
        assert_eq!(budget.carried_over(7_200).standing().unwrap().left, 5_400);
        assert_eq!(budget.carried_over(1_800).standing().unwrap().left, 0);
    }
}
