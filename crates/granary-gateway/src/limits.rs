//! How much a caller, its tenant and everybody together may ask, and how they learn what is left.
//!
//! | limit | of caller | of tenant | of all | past it |
//! |---|---|---|---|---|
//! | requests a second, and at once | yes | yes | yes | 429 |
//! | rows and bytes read in an hour | yes | yes | yes | 429, and 503 where it is everybody's |
//! | queries that run, and that wait | yes | yes | yes | wait, then 429, and 503 where it is everybody's |
//!
//! Requests are counted before anything else is done for them, a cached answer's, too. Rows and bytes are
//! charged when a query ended, however it did, with what ClickHouse says that it read; so a budget can be overdrawn
//! by the queries under way, each of which has its own bounds. Who has overdrawn it waits for that long.
//!
//! What is everybody's is not told in the headers: it would say what others do.

mod allowance;
mod budget;
mod headers;
mod ledger;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use granary_model::TenantId;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use self::allowance::{Allowance, Bounds, Requests};
use self::budget::WINDOW;
use self::headers::Item;
use self::ledger::Ledger;
use crate::GatewayConfig;
use crate::caller::{Account, Caller};
use crate::door;
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;

pub use refusal::{Limit, Refusal, Scope};

/// Limits of one key in place of the gateway's for every caller. What is left open is as the gateway has it; 0 is no
/// limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a second in the long run.
    pub requests_per_second: Option<u32>,
    /// Requests at once.
    pub burst: Option<u32>,
    /// Queries at the same time.
    pub concurrent: Option<u32>,
    /// Rows read in an hour.
    pub rows_per_hour: Option<u64>,
    /// Bytes read in an hour.
    pub bytes_per_hour: Option<u64>,
}

/// What everybody may still do.
#[derive(Debug)]
pub(crate) struct Allowances {
    of_caller: Bounds,
    concurrent_of_caller: u32,
    of_tenant: Bounds,
    callers: Ledger<Account>,
    tenants: Ledger<TenantId>,
    all: Allowance,
}

/// A caller's allowances, from the narrowest.
#[derive(Debug)]
struct Purse {
    caller: Arc<Allowance>,
    tenant: Arc<Allowance>,
}

/// What counting a request came to.
#[derive(Debug)]
pub(crate) struct Counted {
    caller: Option<Requests>,
    tenant: Option<Requests>,
    pub(crate) refusal: Option<Refusal>,
}

impl Allowances {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let of_caller = Bounds {
            requests_per_second: config.requests_per_second.get(),
            burst: config.burst.get(),
            rows_per_hour: config.rows_per_hour,
            bytes_per_hour: config.bytes_per_hour.as_u64(),
        };
        let of_tenant = Bounds {
            requests_per_second: config.tenant_requests_per_second,
            burst: config.tenant_burst.max(1),
            rows_per_hour: config.tenant_rows_per_hour,
            bytes_per_hour: config.tenant_bytes_per_hour.as_u64(),
        };
        let all = Bounds {
            requests_per_second: config.total_requests_per_second,
            burst: config.total_burst.max(1),
            rows_per_hour: config.total_rows_per_hour,
            bytes_per_hour: config.total_bytes_per_hour.as_u64(),
        };
        Self {
            of_caller,
            concurrent_of_caller: config.max_concurrent_per_caller,
            of_tenant,
            callers: Ledger::new(),
            tenants: Ledger::new(),
            all: Allowance::new(all),
        }
    }

    /// Without any limit.
    pub(crate) fn unlimited() -> Self {
        Self {
            of_caller: Bounds::default(),
            concurrent_of_caller: 0,
            of_tenant: Bounds::default(),
            callers: Ledger::new(),
            tenants: Ledger::new(),
            all: Allowance::new(Bounds::default()),
        }
    }

    /// How many queries of this caller may run at the same time; 0 is any number.
    pub(crate) fn concurrent(&self, caller: &Caller) -> u32 {
        caller.limits().concurrent.unwrap_or(self.concurrent_of_caller)
    }

    fn purse(&self, caller: &Caller) -> Purse {
        let own = caller.limits();
        let bounds = Bounds {
            requests_per_second: own.requests_per_second.unwrap_or(self.of_caller.requests_per_second),
            burst: own.burst.unwrap_or(self.of_caller.burst).max(1),
            rows_per_hour: own.rows_per_hour.unwrap_or(self.of_caller.rows_per_hour),
            bytes_per_hour: own.bytes_per_hour.unwrap_or(self.of_caller.bytes_per_hour),
        };
        Purse {
            caller: self.callers.of(caller.account(), bounds),
            tenant: self.tenants.of(caller.tenant(), self.of_tenant),
        }
    }

    /// Counts something that costs what a request does.
    ///
    /// # Errors
    ///
    /// Nothing is left of an allowance; of which, and until when.
    pub(crate) fn take(&self, caller: &Caller) -> Result<(), Refusal> {
        self.count(caller).refusal.map_or(Ok(()), Err)
    }

    /// Counts a request. Who has nothing left takes nothing of what the tenant and all others have.
    fn count(&self, caller: &Caller) -> Counted {
        let purse = self.purse(caller);
        let mut counted = Counted { caller: None, tenant: None, refusal: None };
        counted.caller = purse.caller.count_request();
        counted.refusal = refused(counted.caller, &purse.caller, Scope::Caller);
        if counted.refusal.is_none() {
            counted.tenant = purse.tenant.count_request();
            counted.refusal = refused(counted.tenant, &purse.tenant, Scope::Tenant);
        }
        if counted.refusal.is_none() {
            counted.refusal = refused(self.all.count_request(), &self.all, Scope::Total);
        }
        counted
    }

    /// Whether a query may begin to read.
    ///
    /// # Errors
    ///
    /// A budget is used up.
    pub(crate) fn may_read(&self, caller: &Caller) -> Result<(), Refusal> {
        let purse = self.purse(caller);
        let scopes =
            [(Scope::Caller, &*purse.caller), (Scope::Tenant, &*purse.tenant), (Scope::Total, &self.all)];
        for (of, allowance) in scopes {
            let budgets = [
                (Limit::Rows, &allowance.rows, allowance.bounds.rows_per_hour),
                (Limit::Bytes, &allowance.bytes, allowance.bounds.bytes_per_hour),
            ];
            for (limit, budget, value) in budgets {
                if let Some(reset) = budget.spent_for() {
                    return Err(Refusal { limit, of, value, reset });
                }
            }
        }
        Ok(())
    }

    /// Takes what a query has read from every budget.
    pub(crate) fn charge(&self, caller: &Caller, rows: u64, bytes: u64) {
        let purse = self.purse(caller);
        for allowance in [&*purse.caller, &*purse.tenant, &self.all] {
            allowance.rows.charge(rows);
            allowance.bytes.charge(bytes);
        }
    }

    fn write_headers(&self, caller: &Caller, counted: &Counted, headers: &mut HeaderMap) {
        let purse = self.purse(caller);
        let mut items = Vec::new();
        let scopes = [
            ("caller", "", &purse.caller, counted.caller),
            ("tenant", "tenant-", &purse.tenant, counted.tenant),
        ];
        for (policy, _, allowance, requests) in &scopes {
            items.extend(requests.map(|requests| Item {
                policy: (*policy).to_owned(),
                quota: allowance.bounds.burst.into(),
                window: allowance.bounds.request_window(),
                left: requests.left.into(),
                back_in: requests.back_in,
            }));
        }
        for (_, prefix, allowance, _) in &scopes {
            items.extend(allowance.budgets().map(|(name, standing)| Item {
                policy: format!("{prefix}{name}"),
                quota: standing.most,
                window: WINDOW,
                left: standing.left,
                back_in: standing.whole_in,
            }));
        }
        headers::write(&items, headers);
    }
}

fn refused(requests: Option<Requests>, allowance: &Allowance, of: Scope) -> Option<Refusal> {
    let requests = requests.filter(|requests| requests.is_refused)?;
    let value = allowance.bounds.burst.into();
    Some(Refusal { limit: Limit::Requests, of, value, reset: requests.back_in })
}

/// Counts a request against its allowances and refuses it with 429 where nothing is left.
pub(crate) async fn within_allowance(
    State(state): State<GatewayState>,
    asked: (Extension<Caller>, Extension<RequestId>),
    request: Request,
    next: Next,
) -> Response {
    count(&state, asked, request, next, |refusal| Problem::from(refusal).into_response()).await
}

/// The same for ClickHouse's HTTP interface, which has another form of saying no.
pub(crate) async fn within_allowance_for_sql(
    State(state): State<GatewayState>,
    asked: (Extension<Caller>, Extension<RequestId>),
    request: Request,
    next: Next,
) -> Response {
    count(&state, asked, request, next, |refusal| door::Refusal::limited(&refusal).into_response()).await
}

async fn count(
    state: &GatewayState,
    (Extension(caller), Extension(RequestId(id))): (Extension<Caller>, Extension<RequestId>),
    request: Request,
    next: Next,
    refuse: impl FnOnce(Refusal) -> Response,
) -> Response {
    let counted = state.allowances.count(&caller);
    let mut response = match counted.refusal {
        Some(refusal) => {
            state.counted.refused(&refusal);
            state.audit.turned_away(&caller, id, &refusal);
            refuse(refusal)
        }
        None => next.run(request).await,
    };
    state.allowances.write_headers(&caller, &counted, response.headers_mut());
    response
}

/// In whole seconds, rounded up, since whoever comes back a little early is refused again.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests;
