//! What listings are like: in which order keys come, and whether one can begin anywhere.

use futures_util::future::{join, join_all};

use crate::remote::probe::calls::finding;
use crate::remote::probe::prober::Prober;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Listed, ListingOrder, RemoteError, RemoteErrorKind as Kind};

/// Keys that the two orders put differently at two depths, and one that comes first in both: what is
/// merely backwards is neither.
const KEYS: [&str; 4] = ["order/0", "order/a.b", "order/a/b.c", "order/a/b/c"];

/// A key that comes last in both, of characters that stores spell in several ways.
const ODD_KEY: &str = "order/é +";

/// What they begin with.
const FOLDER: &str = "order/";

/// No key: three come behind it in the order of S3.
const PLACE: &str = "order/a/0";
const BEHIND_PLACE: [&str; 3] = ["order/a/b.c", "order/a/b/c", ODD_KEY];

/// How many pages of what is there are looked at where nothing can be written.
const PAGES_MAX: usize = 100;

/// What listings are like.
pub(super) struct Listings {
    /// `None` where one does not show what was just written.
    pub(super) order: Option<ListingOrder>,
    /// A listing that is to begin behind a text does so.
    pub(super) start_after: bool,
}

impl Prober<'_> {
    /// Writes keys that the orders put differently, and lists them, from their beginning and from
    /// behind a place.
    pub(super) async fn ask_listings(&self) -> Result<Listings, RemoteError> {
        let keys = KEYS.iter().chain([&ODD_KEY]);
        let stored = keys.map(|key| self.put_unseen(Capabilities::nothing(), key));
        for stored in join_all(stored).await {
            stored?;
        }
        let remote = self.below(Capabilities::nothing());
        let behind = remote.behind(PLACE);
        let list = |place| {
            let (remote, place): (_, Option<&str>) = (&remote, place);
            retry(move || remote.dated_listing(FOLDER, place, None, KEYS.len() + 2))
        };
        let (whole, rest) = join(list(None), list(Some(&behind))).await;
        let whole = whole?.0;
        let mut keys: Vec<&str> = whole.items.iter().map(Listed::key).collect();
        if whole.next.is_some() || !KEYS.iter().all(|key| keys.contains(key)) {
            return Ok(Listings { order: None, start_after: false });
        }
        let start_after = finding(rest)?.is_ok_and(|(page, _)| {
            page.next.is_none() && page.items.iter().map(Listed::key).eq(BEHIND_PLACE)
        });
        keys.retain(|key| KEYS.contains(key));
        let order = ListingOrder::of(&keys).ok_or_else(neither)?;
        Ok(Listings { order: Some(order), start_after })
    }

    /// Finds the order from what is there: that of S3 as long as it could be both.
    pub(super) async fn order_of_what_is_there(&self) -> Result<ListingOrder, RemoteError> {
        let mut possible = vec![ListingOrder::Keys, ListingOrder::Folders];
        let (mut last, mut next) = (None::<String>, None);
        for _ in 0..PAGES_MAX {
            let fetch = || self.remote.dated_listing("", next.as_deref(), None, 1_000);
            let (page, _) = retry(fetch).await?;
            for item in &page.items {
                let is_behind = |order: &ListingOrder| {
                    last.as_deref().is_none_or(|last| order.compare(last, item.key()).is_lt())
                };
                possible.retain(is_behind);
                last = Some(item.key().to_owned());
            }
            next = page.next;
            if possible.len() < 2 || next.is_none() {
                break;
            }
        }
        possible.first().copied().ok_or_else(neither)
    }
}

fn neither() -> RemoteError {
    let message = "the store lists keys neither by their bytes nor folder by folder, or one twice";
    RemoteError::new(Kind::Lying, "LIST", "", message.to_owned())
}
