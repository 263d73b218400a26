//! One file for each kind of thing that can be asked for.

pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod queries;
pub(crate) mod replay;
