//! A question and its answer, kept ones included.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use granary_model::TenantId;
use granary_service::metrics::Registry;
use uuid::Uuid;

use crate::cache::{Cache, Collected, Found, Lookup, Made, Rest, Whole, collect};
use crate::cursor::Cursors;
use crate::digest::Digest;
use crate::freshness::Freshness;
use crate::problem::Problem;
use crate::run::Answer;
use crate::{Caller, Format, GatewayConfig, PreparedQuery, RunError, Runner};

/// Answers questions. Clones share what is kept.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    runner: Runner,
    cache: Arc<Cache>,
    pub(crate) cursors: Cursors,
    max_whole_bytes: u64,
}

/// What is asked, how, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) query: Arc<PreparedQuery>,
    pub(crate) format: Format,
    pub(crate) freshness: Freshness,
    /// The answer is a page: it is read to its end before it is handed on, since its cursor stands in front of it.
    pub(crate) is_page: bool,
    pub(crate) caller: Caller,
    pub(crate) request: Uuid,
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Answered {
    /// All of it.
    Whole(Arc<Whole>),
    /// As it comes, from the beginning.
    Stream(Answer),
    /// As it comes, its beginning being there.
    Rest(Rest),
}

impl Answers {
    pub(crate) fn new(config: &GatewayConfig, runner: Runner, metrics: &Registry) -> Self {
        Self {
            runner,
            cache: Cache::new(config.cache_size.as_u64(), metrics),
            cursors: Cursors::new(config.cursor_key.as_ref()),
            max_whole_bytes: config.cache_max_answer.as_u64(),
        }
    }

    /// The same, with what is not kept asked of that runner.
    pub(crate) fn over(self, runner: Runner) -> Self {
        Self { runner, ..self }
    }

    /// Forgets what is kept of a tenant; returns how many answers that were.
    pub(crate) fn flush(&self, tenant: &TenantId) -> usize {
        self.cache.flush(tenant)
    }

    /// How many answers are kept, and what they take in bytes.
    pub(crate) fn holds(&self) -> (usize, u64) {
        self.cache.holds()
    }

    /// Answers, with what is kept where it may.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the query, unless somebody else waits for the same.
    pub(crate) async fn answer(&self, question: Question) -> Result<(Answered, Found), Problem> {
        let answered = self.find(question).await;
        if let Ok((_, found)) = &answered {
            self.cache.count(*found);
        }
        answered
    }

    async fn find(&self, question: Question) -> Result<(Answered, Found), Problem> {
        let is_kept = question.query.cache().is_some() && question.freshness.may_keep;
        if !is_kept && !question.is_page {
            return Ok((Answered::Stream(self.run(&question).await?), Found::Bypass));
        }
        if !is_kept {
            return match self.clone().make(question.clone()).await {
                Made::Whole(whole) => Ok((Answered::Whole(whole), Found::Bypass)),
                Made::Larger(rest) => self.larger(&question, &rest).await,
                Made::Failed(problem) => Err(problem),
            };
        }
        let make = || self.clone().make(question.clone()).boxed();
        let (making, found) = match self.cache.look_up(question.key(), question.freshness.max_age, make) {
            Lookup::Kept(whole) => return Ok((Answered::Whole(whole), Found::Hit)),
            Lookup::Making(making, false) => (making, Found::Miss),
            Lookup::Making(making, true) => (making, Found::Wait),
        };
        match making.await {
            Made::Whole(whole) => Ok((Answered::Whole(whole), found)),
            Made::Larger(rest) => self.larger(&question, &rest).await,
            Made::Failed(problem) => Err(problem),
        }
    }

    /// An answer that is too large to be kept goes to the first who takes it; others have their own.
    async fn larger(
        &self,
        question: &Question,
        rest: &Mutex<Option<Rest>>,
    ) -> Result<(Answered, Found), Problem> {
        if question.is_page {
            return Err(RunError::AnswerTooLarge { what: "bytes in a page" }.into());
        }
        let rest = rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let answered = match rest {
            Some(rest) => Answered::Rest(rest),
            None => {
                // The engine may still be at work under this request's own id, for the one who took it.
                let again = Question { request: Uuid::now_v7(), ..question.clone() };
                Answered::Stream(self.run(&again).await?)
            }
        };
        Ok((answered, Found::Bypass))
    }

    async fn run(&self, question: &Question) -> Result<Answer, RunError> {
        let Question { query, format, caller, request, .. } = question;
        self.runner.run_for(query, *format, caller, *request).await
    }

    async fn make(self, question: Question) -> Made {
        let collected = async { collect(self.run(&question).await?, self.max_whole_bytes).await };
        let Question { query, format, .. } = &question;
        match collected.await {
            Ok(Collected::All(bytes)) => {
                let next = self.cursors.after(query, *format, &bytes);
                let keep = query.cache().unwrap_or(Duration::ZERO);
                Made::Whole(Arc::new(Whole::new(bytes, query.tenant().clone(), keep, next)))
            }
            Ok(Collected::Larger(rest)) => Made::Larger(Arc::new(Mutex::new(Some(rest)))),
            Err(error) => Made::Failed(error.into()),
        }
    }
}

impl Question {
    /// The same for all who ask the same, page by page.
    fn key(&self) -> Digest {
        let mut hasher = Digest::hasher();
        hasher.add(self.query.scope().bytes());
        hasher.add(self.format.name());
        hasher.add(self.query.row_limit().unwrap_or_default().to_le_bytes());
        for value in self.query.after() {
            hasher.add_value(value);
        }
        hasher.finish()
    }
}
