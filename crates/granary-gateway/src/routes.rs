//! One file for each kind of thing that can be asked for.

mod carry;
pub(crate) mod docs;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod object;
mod part;
pub(crate) mod queries;
pub(crate) mod replay;
