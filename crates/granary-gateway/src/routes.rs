//! One file for each kind of thing that can be asked for.

pub(crate) mod cache;
mod carry;
pub(crate) mod clickhouse;
mod closing;
pub(crate) mod docs;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod live;
pub(crate) mod object;
mod part;
pub(crate) mod queries;
pub(crate) mod replay;
mod reply;
mod stay;
