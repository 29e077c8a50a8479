//! Races that are held beside each other.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::disk::DescriptorBudget;
use crate::remote::RemoteError;

/// One race: whether it held.
pub(super) type Race<'a> = BoxFuture<'a, Result<bool, RemoteError>>;

/// Lets races take place side by side, as many as there are descriptors for; tells whether all of them
/// held. Behind one that did not, no further one begins; those that are under way are waited for,
/// because what they send could take effect behind the tidying.
pub(super) async fn all_hold(
    races: Vec<Race<'_>>,
    requests_each: usize,
) -> Result<bool, RemoteError> {
    let at_once = (DescriptorBudget::get().requests / requests_each).max(1);
    let (mut waiting, mut under_way) = (races.into_iter(), FuturesUnordered::new());
    let mut all = Ok(true);
    loop {
        while under_way.len() < at_once
            && matches!(all, Ok(true))
            && let Some(race) = waiting.next()
        {
            under_way.push(race);
        }
        match under_way.next().await {
            None => return all,
            Some(Ok(true)) => (),
            Some(Ok(false)) => all = all.and(Ok(false)),
            Some(Err(error)) => all = Err(error),
        }
    }
}
