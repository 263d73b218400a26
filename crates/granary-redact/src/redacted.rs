//! What is redacted data, as a type that only this crate can make?

use std::ops::Deref;
use std::sync::Arc;

use granary_model::{Records, Resource, Scope};

/// Data that has passed a [`Redactor`](crate::Redactor).
///
/// It can be read and taken apart by anyone. It cannot be made or changed outside this crate, so a function
/// that takes it cannot be given anything else.
///
/// ```compile_fail
/// let forged = granary_redact::Redacted(Vec::<u8>::new());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "redacted data that is not stored is lost"]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// Takes the data out; it cannot be put back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Redacted<Vec<T>> {
    /// The parts one by one, each still known to be redacted.
    pub fn parts(&self) -> impl Iterator<Item = Redacted<&T>> {
        self.0.iter().map(Redacted)
    }

    /// Takes the parts out one by one, each still known to be redacted.
    pub fn into_parts(self) -> impl Iterator<Item = Redacted<T>> {
        self.0.into_iter().map(Redacted)
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One change that was made: which rule changed which field. The text that was there is not kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Redaction {
    /// The attribute key, or `body`, `resource.<key>`, `scope.<key>`, `events.<key>`, `links.<key>`,
    /// `exemplars.<key>`, `name`, `status_message` and the like; a key that was changed is named as it is now.
    pub field: Box<str>,
    /// The rule's name.
    pub rule: Arc<str>,
}

/// Records of one resource and one scope after redaction, with what was changed.
///
/// The changes are held beside the records, so that records without any cost nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RedactedRecords<R> {
    records: Records<R>,
    /// Changes of resource and scope, which every record shares; sorted, each once.
    shared: Vec<Redaction>,
    /// Changes by the record's position; sorted, each once.
    own: Vec<(usize, Redaction)>,
}

impl<R> RedactedRecords<R> {
    pub(crate) fn new(records: Records<R>, shared: Vec<Redaction>, own: Vec<(usize, Redaction)>) -> Self {
        Self { records, shared, own }
    }

    /// The resource.
    pub fn resource(&self) -> &Arc<Resource> {
        &self.records.resource
    }

    /// The scope.
    pub fn scope(&self) -> &Scope {
        &self.records.scope
    }

    /// The records, in the order they came.
    pub fn records(&self) -> &[R] {
        &self.records.records
    }

    /// Takes the records out, without what was changed.
    pub fn into_records(self) -> Records<R> {
        self.records
    }

    /// What was changed in the record at a position, resource and scope included.
    pub fn redactions(&self, index: usize) -> impl Iterator<Item = &Redaction> {
        let from = self.own.partition_point(|(at, _)| *at < index);
        let own = self.own[from..].iter().take_while(move |(at, _)| *at == index);
        self.shared.iter().chain(own.map(|(_, redaction)| redaction))
    }

    /// The names of the fields that were changed in the record at a position: sorted, each once.
    ///
    /// Allocates nothing where nothing was changed.
    #[must_use]
    pub fn redacted_fields(&self, index: usize) -> Vec<&str> {
        let mut fields: Vec<&str> = self.redactions(index).map(|redaction| &*redaction.field).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction(field: &str, rule: &str) -> Redaction {
        Redaction { field: field.into(), rule: rule.into() }
    }

    #[test]
    fn a_record_s_fields_are_its_own_and_the_shared_ones_sorted_and_each_once() {
        let records = Records { records: vec!["first", "second", "third"], ..Records::default() };
        let redacted = RedactedRecords::new(
            records,
            vec![redaction("resource.owner", "email")],
            vec![
                (1, redaction("prompt", "email")),
                (1, redaction("prompt", "jwt")),
                (1, redaction("body", "jwt")),
            ],
        );
        assert_eq!(redacted.redacted_fields(0), ["resource.owner"]);
        assert_eq!(redacted.redacted_fields(1), ["body", "prompt", "resource.owner"]);
        assert_eq!(redacted.redactions(1).filter(|redaction| &*redaction.rule == "jwt").count(), 2);
        assert_eq!(redacted.redacted_fields(2), ["resource.owner"]);
    }
}
