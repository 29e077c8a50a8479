//! Looks at what stands above the operands, where the plan makes something new below it.

use super::object;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::PlanBuilder;
use crate::remote::RemoteError;
use crate::session::Session;
use crate::tree::{Kind, RepoPath};

/// Turns creations below a name that is a file into a conflict: one `HEAD` for each folder above
/// an operand in which the bucket would get something new, and none otherwise.
///
/// # Errors
/// Where the store does not say whether there is such a file.
pub async fn look_at_parents<D: Disk, C: Clock>(
    session: &Session<D, C>,
    builder: &mut PlanBuilder,
    operands: &[RepoPath],
) -> Result<(), RemoteError> {
    let mut found: Option<RepoPath> = None;
    for folder in builder.parent_folders(operands) {
        // Below a file that was found nothing is left to be done.
        if found.as_ref().is_some_and(|above| folder.path.is_below(above)) {
            continue;
        }
        let looked = folder.here.then(|| session.files.look(&folder.path).ok().flatten()).flatten();
        let here = looked.filter(|stat| stat.kind == Kind::File);
        let there = if folder.there { object::object(session, &folder.path).await? } else { None };
        if here.is_some() || there.is_some() {
            builder.clash_at(&folder.path, here, there.map(|object| object.entry));
            found = Some(folder.path);
        }
    }
    Ok(())
}
