//! What a person is told, and on a terminal asked, before something that is seldom meant.

mod disclosed;
mod first_push;
mod folders;
mod nothing;
mod room;

pub(super) use disclosed::{may_disclose, tell_of_disclosed};
pub(super) use first_push::{first_push, may_push, tell_of_first_push};
pub(super) use folders::{may_hold_copies, refuse_system_folders};
pub(super) use nothing::may_be_empty;
pub(super) use room::{expect_room, warn_of_room};
