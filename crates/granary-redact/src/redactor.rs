//! What turns records into redacted ones?

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use granary_model::{Records, Resource};

use crate::apply::Pass;
use crate::compiled::Rules;
use crate::config::{RedactConfig, RuleError};
use crate::engine::Context;
use crate::identity::IdentityPolicy;
use crate::prefilter::BitSet;
use crate::redacted::{Redacted, RedactedRecords, Redaction};
use crate::report::{Report, RuleCount};
use crate::shapes::Shapes;
use crate::signals::{Redactable, redact_resource, redact_scope};

/// The only maker of [`Redacted`] data. It is shared by all threads and changes nothing but its counts.
pub struct Redactor {
    rules: Rules,
    identity: IdentityPolicy,
    identities: AtomicU64,
    /// What passes before learned of keys; each thread takes one while it works.
    shapes: Mutex<Vec<Shapes>>,
}

impl Redactor {
    /// Reads the settings and proves every rule of them.
    pub fn new(config: &RedactConfig) -> Result<Self, RuleError> {
        Ok(Self {
            rules: Rules::new(config)?,
            identity: IdentityPolicy::new(config)?,
            identities: AtomicU64::new(0),
            shapes: Mutex::default(),
        })
    }

    /// Redacts records of any signal, with their resources and scopes.
    pub fn redact<R: Redactable>(&self, batches: Vec<Records<R>>) -> Redacted<Vec<RedactedRecords<R>>> {
        let mut pass = Pass::new(&self.rules, &self.identity, self.take_shapes());
        let mut resources = Resources::default();
        let redacted = batches.into_iter().map(|records| batch(&mut pass, &mut resources, records)).collect();
        if pass.identities > 0 {
            self.identities.fetch_add(pass.identities, Relaxed);
        }
        self.put_shapes_back(pass.shapes);
        Redacted::new(redacted)
    }

    fn take_shapes(&self) -> Shapes {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put_shapes_back(&self, shapes: Shapes) {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner).push(shapes);
    }

    /// Redacts one text, for trying rules out and for messages; it counts like any other.
    pub fn redact_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.rules.redact(text, None, Context::default(), &mut BitSet::default()) {
            Some(redacted) => Cow::Owned(redacted),
            None => Cow::Borrowed(text),
        }
    }

    /// How often each rule fired since the start.
    pub fn counts(&self) -> Report {
        let rules = self.rules.list.iter().map(|rule| (Arc::clone(&rule.name), rule.count.load(Relaxed)));
        let identity = ("identity".into(), self.identities.load(Relaxed));
        let rules = rules.chain([identity]).map(|(rule, count)| RuleCount { rule, count }).collect();
        Report { rules }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("rules", &self.rules.list.iter().map(|rule| &*rule.name).collect::<Vec<_>>())
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Records are compared with one before that has the same keys, where there is one. So many sets of keys are told
/// apart.
const SHAPES: usize = 64;

fn batch<R: Redactable>(
    pass: &mut Pass<'_>,
    resources: &mut Resources,
    mut batch: Records<R>,
) -> RedactedRecords<R> {
    let (resource, mut shared) = resources.redact(pass, batch.resource);
    batch.resource = resource;
    redact_scope(pass, &mut batch.scope);
    shared.extend(pass.take_redactions());
    let mut own = Vec::new();
    let mut likes = [usize::MAX; SHAPES];
    for index in 0..batch.records.len() {
        let (before, rest) = batch.records.split_at_mut(index);
        let keys = rest[0].attributes().keys().map_or(0, |keys| keys.id() % SHAPES as u64);
        let like = &mut likes[usize::try_from(keys).unwrap_or_default()];
        rest[0].redact(pass, before.get(*like).or(before.last()));
        *like = index;
        own.extend(pass.take_redactions().into_iter().map(|redaction| (index, redaction)));
    }
    RedactedRecords::new(batch, shared, own)
}

/// The last resource, before and after. The scopes of one resource come one after another and share it.
#[derive(Default)]
struct Resources {
    last: Option<(Arc<Resource>, Arc<Resource>, Vec<Redaction>)>,
}

impl Resources {
    fn redact(
        &mut self,
        pass: &mut Pass<'_>,
        mut resource: Arc<Resource>,
    ) -> (Arc<Resource>, Vec<Redaction>) {
        if let Some(resource_of_one_scope) = Arc::get_mut(&mut resource) {
            redact_resource(pass, resource_of_one_scope);
            return (resource, pass.take_redactions());
        }
        match &self.last {
            Some((before, after, redactions)) if Arc::ptr_eq(before, &resource) => {
                (Arc::clone(after), redactions.clone())
            }
            _ => {
                let mut redacted = Arc::clone(&resource);
                redact_resource(pass, Arc::make_mut(&mut redacted));
                let redactions = pass.take_redactions();
                self.last = Some((resource, Arc::clone(&redacted), redactions.clone()));
                (redacted, redactions)
            }
        }
    }
}
