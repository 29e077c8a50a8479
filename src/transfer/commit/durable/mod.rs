//! Makes the contents and the names of a group durable, one by one or by the file system.
//!
//! A person may close, move or replace between any two calls what is to be synced. So it is synced by
//! the handle that the transfer holds, or opened anew and looked at: it must be what the row stands
//! for. Anything else is synced with its whole file system. What not even that reaches gets no row,
//! so that the next run compares and adopts it, or reports it: a row of what a power cut can take
//! away would look like an edit or a deletion by a person.

mod contents;
mod group;
mod losers;
mod names;

pub(super) use group::SYNCED_ONE_BY_ONE_MAX;
