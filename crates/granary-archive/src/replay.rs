//! A session played back: from where, how fast, and what its events look like.

mod cursor;
mod event;
mod extent;
mod options;
mod pace;
mod player;
mod source;
mod speed;

pub use cursor::{CursorError, ReplayCursor};
pub use event::ReplayEvent;
pub(crate) use event::flatten;
pub(crate) use extent::extent;
pub use options::ReplayOptions;
pub use player::Replay;
pub(crate) use source::{Source, open};
pub use speed::{Speed, SpeedError};
