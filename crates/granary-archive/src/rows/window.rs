//! Which stretch of a session's time one statement looks at.
//!
//! A statement over the whole of a large session reads all of its keys for the first page already, and all that are
//! left for every later one. Within a stretch, the hour in the sort key keeps the server away from the rest. How
//! wide a stretch must be for a page of rows follows from how many the one before had.

/// The end of time.
const LATEST: i64 = i64::MAX;

/// A stretch is never shorter, in nanoseconds: agents' clocks tell milliseconds.
const NARROWEST: i64 = 1_000_000;

/// How much wider or narrower than the one before a stretch may be. A burst behind a long pause is then found by a
/// few small statements rather than by a large one.
const STEP: i64 = 8;

/// What is known of a session before it is read. None of it needs to be exact: it decides how quickly rows are
/// found, not which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// How many records there are about.
    pub(crate) records: u64,
    /// Between which times most of them are, in nanoseconds since 1970; the same where nothing is known.
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// A stretch of time, from where reading stands to `end`, which belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    end: i64,
    width: i64,
    /// The session's last known row.
    last: i64,
    /// Behind this nothing is looked for.
    latest: i64,
}

impl Window {
    /// All of time.
    pub(super) const ALL: Self = Self { end: LATEST, width: LATEST, last: LATEST, latest: LATEST };

    /// The first stretch from a time on, made for so many rows.
    pub(super) fn begin(extent: Extent, from: i64, rows: u64) -> Self {
        let Extent { records, first, last } = extent;
        if last <= first || records == 0 {
            return Self::ALL;
        }
        let width = scaled(last.saturating_sub(first), rows, records).max(NARROWEST);
        Self { end: from.max(first).saturating_add(width), width, last, latest: LATEST }.whole_at_the_end()
    }

    /// What lies before the session's first known row, and then the stretch after it, made for so many rows. None of it
    /// where nothing is known.
    pub(super) fn before(extent: Extent, rows: u64) -> Self {
        match Self::begin(extent, i64::MIN, rows) {
            Self::ALL => Self::ALL,
            first => Self { end: extent.first.saturating_sub(1), ..first },
        }
    }

    /// The same, where it is known that nothing lies behind a time.
    pub(super) fn closed(self, latest: i64) -> Self {
        Self { end: self.end.min(latest), last: latest, latest, ..self }
    }

    /// All that there is from where it begins.
    pub(super) fn whole(self) -> Self {
        Self { end: self.latest, ..self }
    }

    pub(super) fn end(self) -> i64 {
        self.end
    }

    /// Whether nothing comes behind it.
    pub(super) fn is_last(self) -> bool {
        self.end == self.latest
    }

    /// The next stretch, after this one had so many rows.
    pub(super) fn next(self, had: u64, wanted: u64) -> Self {
        let (narrower, wider) = (self.width / STEP, self.width.saturating_mul(STEP));
        let width = if had == 0 { wider } else { scaled(self.width, wanted, had).clamp(narrower, wider) };
        let width = width.max(NARROWEST);
        Self { end: self.end.saturating_add(width), width, ..self }.whole_at_the_end()
    }

    /// What is left of this stretch, which has more rows than a page, from a time in it on.
    pub(super) fn narrowed(self, from: i64) -> Self {
        let width = (self.width / 2).max(NARROWEST);
        Self { end: self.end.min(from.saturating_add(width)), width, ..self }
    }

    /// Behind the session's last known row everything is one stretch: what came meanwhile is there.
    fn whole_at_the_end(self) -> Self {
        if self.end >= self.last { self.whole() } else { self }
    }
}

fn scaled(width: i64, by: u64, of: u64) -> i64 {
    i64::try_from(i128::from(width) * i128::from(by) / i128::from(of.max(1))).unwrap_or(LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::Hours;

    const SECOND: i64 = 1_000_000_000;
    const EXTENT: Extent = Extent { records: 10_000, first: 1_000 * SECOND, last: 11_000 * SECOND };

    #[test]
    fn the_first_stretch_is_as_wide_as_the_rows_are_apart() {
        let window = Window::begin(EXTENT, i64::MIN, 500);
        assert_eq!((window.end(), window.width), (1_500 * SECOND, 500 * SECOND));
        assert_eq!(Window::begin(EXTENT, 5_000 * SECOND, 500).end(), 5_500 * SECOND);
    }

    #[test]
    fn an_object_looks_before_the_first_known_row_without_regard_to_hours_and_then_by_them() {
        let before = Window::before(EXTENT, 500);
        assert_eq!(before.end(), 1_000 * SECOND - 1);
        assert_eq!(Hours::between(i64::MIN, before.end()), None);
        let next = before.next(0, 500);
        assert!(Hours::between(before.end() + 1, next.end()).is_some());
        assert_eq!(Window::before(Extent::default(), 500), Window::ALL);
    }

    #[test]
    fn of_a_session_of_which_nothing_is_known_everything_is_one_stretch() {
        assert_eq!(Window::begin(Extent::default(), 0, 500), Window::ALL);
        assert!(Window::begin(EXTENT, 10_900 * SECOND, 500).is_last());
    }

    #[test]
    fn stretches_grow_over_a_pause_and_shrink_in_a_burst() {
        let window = Window::begin(EXTENT, i64::MIN, 500);
        assert_eq!(window.next(0, 500).width, 8 * window.width);
        assert_eq!(window.next(1_000, 500).width, window.width / 2);
        assert_eq!(window.next(1, 500).width, 8 * window.width);
        let left = window.narrowed(1_400 * SECOND);
        assert_eq!((left.end(), left.width), (window.end(), window.width / 2));
        assert_eq!(window.narrowed(1_100 * SECOND).end(), 1_350 * SECOND);
    }

    #[test]
    fn stretches_come_to_the_end_of_time_and_no_further() {
        let mut window = Window::begin(EXTENT, i64::MIN, 1);
        let mut count = 0;
        while !window.is_last() {
            let next = window.next(0, 500);
            assert!(next.end() > window.end());
            window = next;
            count += 1;
        }
        assert!(count < 10, "{count}");
        let odd = Extent { records: 1, first: i64::MIN, last: i64::MAX };
        assert!(Window::begin(odd, i64::MAX, u64::MAX).next(0, u64::MAX).is_last());
    }
}
