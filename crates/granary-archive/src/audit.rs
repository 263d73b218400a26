//! Holding the whole store against the whole table.
//!
//! Every key that either has is looked at: whether the object is there, and of the size that was recorded. Of all of
//! them, or of a random sample, every byte is read and compared as well. Archivers may go on meanwhile: what does
//! not fit is looked at once more, with what is recorded by then, before it is told.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use granary_model::TenantId;
use uuid::Uuid;

use crate::names::SessionName;
use crate::walk::{Pair, Walk};
use crate::{Archive, ArchiveError, ArchivedSession, KeyName, ObjectKey, job, lease, mark};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditOptions {
    /// Which share of the objects is read, from 0 to 1; of the others existence and size are compared.
    pub sample: f64,
}

/// What was found out about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The object's key.
    pub key: String,
    /// The size that was recorded; 0 where nothing was.
    pub compressed_bytes: u64,
    /// What it is like.
    pub state: ObjectState,
}

/// What an object is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectState {
    /// Of the recorded size; not read.
    Present,
    /// Read to its end, and what was recorded.
    Sound,
    /// Recorded, and not there.
    Missing,
    /// There, and not recorded: it was left by a job that was killed, and is taken over when its session is archived
    /// again; or somebody put it there.
    Extra,
    /// Not what was recorded.
    Damaged {
        /// What does not fit.
        problem: String,
    },
    /// The store did not let it be read, so nothing is known.
    Unknown {
        /// What the store said.
        problem: String,
    },
}

impl ObjectState {
    /// One word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Sound => "sound",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Damaged { .. } => "damaged",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether nothing is to be done about it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Present | Self::Sound)
    }

    /// What does not fit, where there is more to say than the name says.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Damaged { problem } | Self::Unknown { problem } => Some(problem),
            Self::Present | Self::Sound | Self::Missing | Self::Extra => None,
        }
    }
}

impl Archive {
    /// Walks store and table and tells of every object. As many are read at once as sessions are archived at once.
    ///
    /// The stream ends with an error where the walk itself cannot go on; what cannot be found out about one object is
    /// told of that one.
    pub fn audit(&self, options: AuditOptions) -> BoxStream<'_, Result<Audited, ArchiveError>> {
        let pairs = stream::try_unfold(Walk::new(self), |mut walk| async move {
            Ok(walk.next().await?.map(|pair| (pair, walk)))
        });
        pairs
            .map(move |pair| async move {
                match pair {
                    Ok(pair) => self.audit_one(pair, options).await,
                    Err(error) => Some(Err(error)),
                }
            })
            .buffered(self.config().concurrency.max(1))
            .filter_map(std::future::ready)
            .boxed()
    }

    async fn audit_one(&self, pair: Pair, options: AuditOptions) -> Option<Result<Audited, ArchiveError>> {
        let Pair { key, marked, listed } = pair;
        let state = match (&marked, &listed) {
            (Some(marked), Some(listed)) if listed.size_bytes == marked.compressed_bytes => {
                if is_in_sample(options.sample) {
                    match self.audit_content(marked).await {
                        ObjectState::Damaged { .. } | ObjectState::Missing => {
                            self.look_again(&key, Some(marked)).await
                        }
                        state => Ok(Some(state)),
                    }
                } else {
                    Ok(Some(ObjectState::Present))
                }
            }
            _ => self.look_again(&key, marked.as_ref()).await,
        };
        let compressed_bytes = marked.map_or(0, |marked| marked.compressed_bytes);
        match state {
            Ok(state) => state.map(|state| Ok(Audited { key, compressed_bytes, state })),
            Err(error) => Some(Err(error)),
        }
    }

    /// What does not fit, once more: it may have been written, moved or deleted since its page was read. `None` is a
    /// key that neither has any more.
    async fn look_again(
        &self,
        key: &str,
        marked: Option<&ArchivedSession>,
    ) -> Result<Option<ObjectState>, ArchiveError> {
        let Ok(parsed) = key.parse::<ObjectKey>() else { return Ok(Some(ObjectState::Extra)) };
        let marked = match marked {
            Some(marked) => mark::newest(self.warehouse(), &marked.tenant, &marked.session).await?,
            None => mark::by_key(self.warehouse(), key).await?,
        };
        if let Some(marked) = marked.filter(|marked| marked.key.to_string() == key) {
            return Ok(Some(self.audit_content(&marked).await));
        }
        match self.store().read(&parsed).await {
            Ok(None) => Ok(None),
            // An archiver is about to record it.
            Ok(Some(_)) if self.is_claimed(&parsed).await? => Ok(None),
            Ok(Some(_)) => Ok(Some(ObjectState::Extra)),
            Err(error) => Ok(Some(ObjectState::Unknown { problem: error.to_string() })),
        }
    }

    async fn is_claimed(&self, key: &ObjectKey) -> Result<bool, ArchiveError> {
        let (KeyName::Whole(tenant), KeyName::Whole(session)) = (key.tenant(), key.session()) else {
            return Ok(false);
        };
        let name = SessionName { tenant: TenantId::new(tenant.clone()), session: session.clone() };
        lease::is_claimed(self.warehouse(), name).await
    }

    async fn audit_content(&self, marked: &ArchivedSession) -> ObjectState {
        match job::verify(self.store(), marked).await {
            Ok(()) => ObjectState::Sound,
            Err(ArchiveError::Missing { .. }) => ObjectState::Missing,
            Err(ArchiveError::Corrupt { problem, .. }) => ObjectState::Damaged { problem },
            Err(error) => ObjectState::Unknown { problem: error.to_string() },
        }
    }
}

fn is_in_sample(share: f64) -> bool {
    // 52 random bits, which a double holds exactly.
    let (_, random) = Uuid::new_v4().as_u64_pair();
    #[expect(clippy::cast_precision_loss, reason = "they fit")]
    let random = (random & ((1 << 52) - 1)) as f64 / (1_u64 << 52) as f64;
    random < share
}
