//! What there is, before anything is decided: the listing, the contents where they have to be compared, and
//! what only a second look tells.

mod absence;
pub(crate) mod examine;
mod listing;
mod moved;
pub(crate) mod object;
mod parents;
mod tick;

pub use absence::{Absence, confirm_absence, list_in_one_piece};
pub use examine::examine;
pub use listing::{ListingScope, PAGES_AHEAD_MAX, list_scope};
pub use moved::pair_moves;
pub use parents::look_at_parents;
pub use tick::{ClockUnreadable, let_ticks_pass};
