//! Examine: where signature and version cannot decide, contents are compared, cheapest proof first.

use futures_util::TryStreamExt as _;

use super::object::{self, row_content};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Evidence, Hashed, Want};
use crate::plan::{Examined, Why, may_be_touched_there, need};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::{Comparison, Content, Local, RemoteEntry, RepoPath, Row};

/// The largest object that is fetched only to be compared.
const COMPARED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What an examination found.
pub struct Found {
    /// The object has the bytes of the base under another version: in a folder bucket somebody has merely
    /// touched the file. The row's base is to be known by that version ([`Row::rename_base`]).
    pub is_renamed: bool,
    /// How the contents compare.
    pub examined: Examined,
}

/// Compares the contents that a row needs compared.
///
/// Runs that change nothing download nothing: there an object without proof is unknown.
pub async fn examine<D: Disk, C: Clock>(session: &Session<D, C>, row: &Row) -> Found {
    if session.store.remote.reads_locally() && may_be_touched_there(row) {
        match is_merely_touched(session, row).await {
            Ok(false) => (),
            Ok(true) => {
                let mut renamed = row.clone();
                renamed.rename_base();
                let examined = match untouched(&renamed) {
                    Some(examined) => examined,
                    None => of(compare(session, &renamed).await),
                };
                return Found { is_renamed: true, examined };
            }
            Err(error) => {
                let examined = of(Err(Trouble::Remote(error)));
                return Found { is_renamed: false, examined };
            }
        }
    }
    Found { is_renamed: false, examined: of(compare(session, row).await) }
}

/// Makes of trouble what a plan takes.
fn of(compared: Result<Examined, Trouble>) -> Examined {
    Examined::Failed(match compared {
        Ok(examined) => return examined,
        Err(Trouble::Changed { reason, .. }) => Why::Changed(reason),
        Err(Trouble::Disk(_, reason)) => Why::Uncompared(reason),
        Err(Trouble::Remote(error)) => Why::Uncompared(error.to_string()),
        Err(
            trouble @ (Trouble::Unfounded(_)
            | Trouble::FolderKept(_)
            | Trouble::Nameless(_)
            | Trouble::TooLarge),
        ) => Why::Uncompared(trouble.reason()),
        Err(Trouble::Stopped | Trouble::InTrash(_) | Trouble::Bug(_)) => Why::Interrupted,
    })
}

/// Reads the object that may have been touched: tells whether its bytes are the base's.
async fn is_merely_touched<D: Disk, C: Clock>(
    session: &Session<D, C>,
    row: &Row,
) -> Result<bool, RemoteError> {
    let (Some(base), Some(entry)) = (&row.base, &row.remote) else { return Ok(false) };
    match session.store.carry(entry.version.size, || fetch_crc64(session, entry)).await {
        // Whatever is there now, it is not what was listed: the transfer will find out.
        Err(error)
            if matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound) =>
        {
            Ok(false)
        }
        crc64 => Ok(Some(crc64?) == base.content.crc64()),
    }
}

/// What is known without reading a local file that nobody has touched: it is the base's, and to be
/// recorded beside the new version.
fn untouched(row: &Row) -> Option<Examined> {
    let (Some(base), Local::File(stat)) = (&row.base, &row.local) else { return None };
    (stat.signature() == base.signature).then(|| Examined::Compared {
        to_base: Comparison::Same,
        to_remote: Comparison::Same,
        stat: *stat,
        content: base.content.clone(),
    })
}

async fn compare<D: Disk, C: Clock>(
    session: &Session<D, C>,
    row: &Row,
) -> Result<Examined, Trouble> {
    let need = need(row);
    let (Local::File(stat), true) = (&row.local, need.is_any()) else {
        return Ok(Examined::NotNeeded);
    };
    let base = row
        .base
        .as_ref()
        .filter(|_| need.to_base)
        .map(|base| Evidence::known(base.content.clone()));
    let remote = row.remote.as_ref().filter(|_| need.to_remote);
    let listed = remote.map(|entry| listed(session, entry));
    let want = union([&base, &listed].into_iter().flatten());
    let hashed = session.files.hash(&row.path, stat, &want).await?;
    let to_base = base.map_or(Comparison::Different, |it| it.compare(&hashed.digests));
    let to_remote = match (remote, listed) {
        (Some(entry), Some(listed)) if to_base != Comparison::Same => {
            compare_to_remote(session, entry, &listed, &hashed).await?
        }
        _ => Comparison::Different,
    };
    // Where the store names these bytes by their MD5, it says all that a checksum would.
    let named =
        row.remote.as_ref().map(|entry| session.store.remote.likely_content(&entry.version));
    let named =
        named.and_then(|likely| likely.md5()).filter(|md5| hashed.digests.md5 == Some(*md5));
    let content = row_content(hashed.digests.size, named, hashed.digests.crc64);
    Ok(Examined::Compared { to_base, to_remote, stat: hashed.stat, content })
}

async fn compare_to_remote<D: Disk, C: Clock>(
    session: &Session<D, C>,
    entry: &RemoteEntry,
    listed: &Evidence,
    hashed: &Hashed,
) -> Result<Comparison, Trouble> {
    let local = &hashed.digests;
    match listed.compare(local) {
        Comparison::Unknown => (),
        proven => return Ok(proven),
    }
    if !session.store.remote.reads_locally() {
        let object = object::object_expected(session, &entry.path, &entry.version).await?;
        match Evidence::known(object.content).compare(local) {
            Comparison::Unknown => (),
            proven => return Ok(proven),
        }
    }
    // A killed upload of this very file has most likely succeeded: no conflict with itself.
    let may_be_ours = || {
        let signature = hashed.stat.signature();
        session
            .files
            .checkpoints
            .as_ref()
            .is_some_and(|it| it.has_upload_of(&entry.path, &signature))
    };
    let may_read = session.store.remote.reads_locally()
        || (session.files.staging.is_some()
            && (entry.version.size <= COMPARED_BYTES_MAX || may_be_ours()));
    if !may_read {
        return Ok(Comparison::Unknown);
    }
    let crc64 = session.store.carry(entry.version.size, || fetch_crc64(session, entry)).await?;
    Ok(if crc64 == local.crc64 { Comparison::Same } else { Comparison::Different })
}

/// Returns what a listing tells of an object's bytes.
fn listed<D: Disk, C: Clock>(session: &Session<D, C>, entry: &RemoteEntry) -> Evidence {
    let likely = session.store.remote.likely_content(&entry.version);
    Evidence::known(Content::of_size(entry.version.size)).or_likely(likely)
}

/// Reads an object of the version that was listed, and returns its CRC-64/NVME.
pub(super) async fn fetch_crc64<D: Disk, C: Clock>(
    session: &Session<D, C>,
    entry: &RemoteEntry,
) -> Result<u64, RemoteError> {
    let (_, mut body) = session.store.remote.get(&entry.path, &entry.version.token, None).await?;
    let mut digester = Digester::new(&Want::default());
    while let Some(bytes) = body.try_next().await? {
        digester.update(&bytes);
    }
    let digests = digester.finish();
    if digests.size == entry.version.size {
        Ok(digests.crc64)
    } else {
        Err(short_body(&entry.path, digests.size, entry.version.size))
    }
}

/// The error of a body that is not as long as the listing said.
pub(crate) fn short_body(path: &RepoPath, length: u64, expected: u64) -> RemoteError {
    let message = format!("{length} bytes came instead of {expected}");
    RemoteError::new(RemoteErrorKind::Corrupt, "GET", path.as_str(), message)
}

fn union<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Want {
    evidence.filter_map(Evidence::want).fold(Want::default(), |mut all, want| {
        all.md5 |= want.md5;
        all.part_sizes.extend(want.part_sizes);
        all.part_sizes.sort_unstable();
        all.part_sizes.dedup();
        all
    })
}
