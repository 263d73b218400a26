//! The store's objects and the table's marks side by side.
//!
//! Both come page by page in the order of the keys' bytes, so that an archive of any size is walked in the memory of two
//! pages.

use std::collections::VecDeque;

use crate::store::Entry;
use crate::{Archive, ArchiveError, ArchivedSession, mark};

/// A key that the store or the table has, or both.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) marked: Option<ArchivedSession>,
    pub(crate) listed: Option<Entry>,
}

/// A walk under way.
pub(crate) struct Walk<'a> {
    archive: &'a Archive,
    marks: Page<ArchivedSession>,
    objects: Page<Entry>,
}

/// What was read and not yet taken, and where the next page begins.
struct Page<T> {
    waiting: VecDeque<T>,
    after: String,
    ended: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), after: String::new(), ended: false }
    }
}

impl<T> Page<T> {
    fn wants_more(&self) -> bool {
        self.waiting.is_empty() && !self.ended
    }

    fn fill(&mut self, page: Vec<T>, key: impl Fn(&T) -> String) {
        match page.last() {
            Some(last) => self.after = key(last),
            None => self.ended = true,
        }
        self.waiting.extend(page);
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(archive: &'a Archive) -> Self {
        Self { archive, marks: Page::default(), objects: Page::default() }
    }

    /// The next key; `None` is the end. Objects that lie outside of where sessions are kept are passed over.
    pub(crate) async fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        if self.marks.wants_more() {
            let page = mark::page(self.archive.warehouse(), &self.marks.after).await?;
            self.marks.fill(page, |marked| marked.key.to_string());
        }
        while self.objects.wants_more() {
            let after = Some(self.objects.after.as_str()).filter(|after| !after.is_empty());
            let page = self.archive.store().page(after).await?;
            self.objects.fill(page, |entry| entry.key.clone());
            self.objects.waiting.retain(|entry| is_ours(&entry.key));
        }
        let marked = self.marks.waiting.front().map(|marked| marked.key.to_string());
        let listed = self.objects.waiting.front().map(|entry| entry.key.clone());
        let Some(key) = marked.iter().chain(&listed).min().cloned() else { return Ok(None) };
        let take_marked = marked.as_ref() == Some(&key);
        let take_listed = listed.as_ref() == Some(&key);
        Ok(Some(Pair {
            marked: take_marked.then(|| self.marks.waiting.pop_front()).flatten(),
            listed: take_listed.then(|| self.objects.waiting.pop_front()).flatten(),
            key,
        }))
    }
}

fn is_ours(key: &str) -> bool {
    key.starts_with("sessions/") || key.starts_with("tenants/")
}
