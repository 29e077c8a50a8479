//! In which order the store lists keys.

use futures_util::future::join_all;

use super::Prober;
use super::calls::patiently;
use crate::remote::{Capabilities, Listed, ListingOrder, RemoteError, RemoteErrorKind as Kind};

/// Keys that the two orders put differently at two depths, and one that comes first in both: what is
/// merely backwards is neither.
const KEYS: [&str; 4] = ["order/0", "order/a.b", "order/a/b.c", "order/a/b/c"];

/// What they begin with.
const FOLDER: &str = "order/";

/// How many pages of what is there are looked at where nothing can be written.
const PAGES_MAX: usize = 100;

impl Prober<'_> {
    /// Writes keys that the orders put differently, and lists them; `None` where the listing does not
    /// show what was just written.
    pub(super) async fn ask_order(&self) -> Result<Option<ListingOrder>, RemoteError> {
        let stored = KEYS.map(|key| self.put_unseen(Capabilities::nothing(), key));
        for stored in join_all(stored).await {
            stored?;
        }
        let remote = self.below(Capabilities::nothing());
        let (page, _) =
            patiently(|| remote.dated_page(FOLDER, (None, None), KEYS.len() + 1)).await?;
        let keys: Vec<&str> = page.items.iter().map(Listed::key).collect();
        if page.next.is_some() || !KEYS.iter().all(|key| keys.contains(key)) {
            return Ok(None);
        }
        ListingOrder::of(&keys).map(Some).ok_or_else(neither)
    }

    /// Finds the order from what is there: that of S3 as long as it could be both.
    pub(super) async fn order_of_what_is_there(&self) -> Result<ListingOrder, RemoteError> {
        let mut possible = vec![ListingOrder::Keys, ListingOrder::Folders];
        let (mut last, mut next) = (None::<String>, None);
        for _ in 0..PAGES_MAX {
            let fetch = || self.remote.dated_page("", (next.as_deref(), None), 1_000);
            let (page, _) = patiently(fetch).await?;
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
