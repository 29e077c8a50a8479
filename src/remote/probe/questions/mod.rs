//! The table of questions that single requests can answer, and what each answer says of the store.

mod deletions;
mod names;
mod order;
mod parts;
mod writes;

use futures_util::future::{BoxFuture, FutureExt as _, join, join_all};

pub(super) use parts::{Begun, end_uploads};

use order::Listings;
use parts::Completion;
use writes::{Beside, Versions};

use crate::remote::RemoteError;
use crate::remote::probe::prober::Prober;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Checksum, Conditions, ListingOrder, OddName, Stored};

/// A question on its way.
type Asked<'a> = BoxFuture<'a, Result<Answer, RemoteError>>;

/// What a question needs to know: what the store said of the first write, and which checksum it takes.
#[derive(Clone, Copy)]
struct Known<'a> {
    first: &'a Stored,
    checksum: Checksum,
}

/// One question: its steps are requests of [`crate::remote::Remote`], and it writes to keys of its own, so
/// that it can be asked beside all others.
struct Question {
    /// It sends what the store takes as a checksum, which must be known before.
    needs_checksum: bool,
    ask: for<'a> fn(&'a Prober<'a>, Known<'a>) -> Asked<'a>,
}

const QUESTIONS: [Question; 8] = [
    question(false, |it, _| {
        async { it.examine_file_beside_folder().await.map(Answer::Beside) }.boxed()
    }),
    question(false, |it, _| async { it.ask_listings().await.map(Answer::Listings) }.boxed()),
    question(false, |it, _| async { it.ask_names().await.map(Answer::Names) }.boxed()),
    question(false, |it, _| async { it.ask_etags().await.map(Answer::EtagInListing) }.boxed()),
    question(false, |it, known| {
        async move { it.ask_versions(known.first).await.map(Answer::Versions) }.boxed()
    }),
    question(true, |it, known| {
        async move { it.ask_put(known.checksum).await.map(Answer::Put) }.boxed()
    }),
    question(true, |it, known| {
        async move { it.ask_deletions(known.checksum).await.map(Answer::Deletions) }.boxed()
    }),
    question(true, |it, known| {
        async move { it.ask_completion(known.checksum).await.map(Answer::Completion) }.boxed()
    }),
];

const fn question(
    needs_checksum: bool,
    ask: for<'a> fn(&'a Prober<'a>, Known<'a>) -> Asked<'a>,
) -> Question {
    Question { needs_checksum, ask }
}

/// What came of a question.
enum Answer {
    Beside(Beside),
    Listings(Listings),
    Names(Vec<OddName>),
    EtagInListing(bool),
    Versions(Versions),
    Put(Conditions),
    /// Of one, and of many in one request.
    Deletions((Conditions, Conditions)),
    Completion(Completion),
}

/// What a store claims to do, as far as single requests can tell: the races decide.
#[derive(Clone, Copy)]
pub(super) struct Claims {
    pub(super) put: Conditions,
    pub(super) delete: Conditions,
    pub(super) delete_many: Conditions,
    pub(super) complete: Conditions,
    /// Old versions can be deleted, or none are kept: what races leave behind does not stay.
    pub(super) versions_can_go: bool,
    /// A deletion knows the version of what was made in parts.
    pub(super) deletes_parts: bool,
}

impl Prober<'_> {
    /// Asks every question and writes down what the answers say; returns what has to stand the races.
    pub(super) async fn ask_all(&mut self, first: &Stored) -> Result<Claims, RemoteError> {
        let answers = Box::pin(self.ask(first)).await?;
        Ok(self.enter(answers))
    }

    /// Asks them side by side as far as one answer does not decide what the next question is.
    ///
    /// All have ended before an error is passed on: a request that is dropped on its way could take effect
    /// behind the tidying.
    async fn ask(&self, first: &Stored) -> Result<Vec<Answer>, RemoteError> {
        let ask = |needs_checksum: bool, checksum: Checksum| {
            let wanted = QUESTIONS.iter().filter(move |it| it.needs_checksum == needs_checksum);
            join_all(wanted.map(move |it| (it.ask)(self, Known { first, checksum })))
        };
        let with_checksum = async {
            let checksum = self.examine_checksum().await?;
            Ok::<_, RemoteError>(ask(true, checksum).await)
        };
        let (plain, with_checksum) =
            join(ask(false, Checksum::None), Box::pin(with_checksum)).await;
        plain.into_iter().chain(with_checksum?).collect()
    }

    /// Tells whether listings name versions.
    async fn ask_etags(&self) -> Result<bool, RemoteError> {
        let remote = self.below(Capabilities::nothing());
        Ok(retry(|| remote.lists_versions()).await?.unwrap_or(true))
    }

    fn enter(&mut self, answers: Vec<Answer>) -> Claims {
        let none = Conditions::None;
        let mut claims = Claims {
            put: none,
            delete: none,
            delete_many: none,
            complete: none,
            versions_can_go: true,
            deletes_parts: true,
        };
        for answer in answers {
            match answer {
                Answer::Beside(beside) => {
                    self.found.file_beside_folder = beside.is_possible;
                    self.notes.extend(beside.note);
                }
                Answer::Listings(listings) => self.enter_listings(&listings),
                Answer::Names(names) => self.enter_names(names),
                Answer::EtagInListing(names_versions) => {
                    self.found.etag_in_listing = names_versions;
                    if !names_versions {
                        self.note("listings name no versions, so that every file costs a request");
                    }
                }
                Answer::Versions(versions) => {
                    self.found.versioning = versions.are_kept;
                    claims.versions_can_go = versions.can_go;
                    if versions.are_kept {
                        self.note("the bucket keeps old versions of what is replaced or deleted");
                    }
                }
                Answer::Put(conditions) => claims.put = conditions,
                Answer::Deletions((one, many)) => {
                    (claims.delete, claims.delete_many) = (one, many);
                }
                Answer::Completion(completion) => {
                    self.found.checksum = completion.checksum;
                    self.found.uploads_in_parts = completion.is_possible;
                    claims.complete = completion.conditions;
                    claims.deletes_parts = completion.is_deleted_on_condition;
                    self.notes.extend(completion.note);
                }
            }
        }
        claims
    }

    fn enter_listings(&mut self, listings: &Listings) {
        self.found.listing_order = listings.order.unwrap_or_default();
        self.found.start_after = listings.start_after;
        match listings.order {
            Some(ListingOrder::Keys) if listings.start_after => (),
            Some(ListingOrder::Keys) => self.note(
                "the store cannot begin a listing behind any key: pages come one after the other",
            ),
            Some(ListingOrder::Folders) => self.note(
                "the store lists folder by folder: pages of a listing come one after the other, and \
                 memory grows with the folders that are sorted here",
            ),
            None => self.note("a listing did not show what had just been written"),
        }
    }

    fn enter_names(&mut self, names: Vec<OddName>) {
        for odd in &names {
            let words = odd.words();
            self.notes.push(format!(
                "the store keeps names with {words} under other names, or cannot list them: such files are \
                 left alone"
            ));
        }
        self.found.changed_names = names;
    }
}
