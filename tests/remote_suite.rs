//! One list of behaviours that every [`Remote`] passes.
//!
//! What a store cannot do is skipped by its [`Capabilities`], never by its type; what the test bench
//! cannot do (a folder holds no `a//b`) is skipped by the answer of the bench.

#![allow(unreachable_pub, reason = "the behaviours are called by macros from other modules")]

mod support;

#[path = "remote_suite/behaviours.rs"]
mod behaviours;
#[path = "remote_suite/benches.rs"]
mod benches;
#[path = "remote_suite/contents.rs"]
mod contents;
#[path = "remote_suite/lies.rs"]
mod lies;
#[path = "remote_suite/listings.rs"]
mod listings;
#[path = "remote_suite/probe.rs"]
mod probe;

/// Runs every behaviour on every bench.
macro_rules! every_remote {
    ($($bench:ident: $make:expr;)*) => {
        $(#[allow(unused_imports, reason = "every bench needs one of them")]
        mod $bench {
            every_behaviour! {
                $make,
                behaviours: eight_creations_at_once_have_one_winner,
                behaviours: eight_replacements_at_once_have_one_winner,
                behaviours: writes_on_a_wrong_expectation_are_refused,
                behaviours: a_changed_version_is_not_deleted,
                behaviours: of_many_deletions_each_minds_its_version,
                behaviours: what_is_missing_is_not_found,
                behaviours: parts_become_visible_at_once_and_under_a_condition,
                behaviours: an_aborted_upload_leaves_nothing,
                behaviours: parts_can_be_taken_from_another_object,
                behaviours: old_versions_can_be_fetched_by_their_id,
                contents: bytes_and_attributes_come_back,
                contents: an_empty_object_comes_back,
                contents: ranges_of_a_version_can_be_fetched,
                contents: an_object_that_changed_is_not_mistaken_for_the_old_one,
                contents: times_keep_their_nanoseconds,
                contents: an_object_of_somebody_else_has_the_time_of_storing,
                contents: bytes_that_do_not_match_their_checksum_are_not_stored,
                contents: a_body_that_comes_in_pieces_is_stored_as_one_that_is_at_hand,
                contents: a_body_that_breaks_off_on_its_way_stores_nothing,
                contents: only_an_etag_that_is_the_md5_is_called_so,
                listings: an_empty_bucket_lists_nothing,
                listings: a_thousand_and_one_keys_come_in_pages,
                listings: keys_come_in_byte_order_whatever_the_page,
                listings: odd_names_come_back_byte_by_byte,
                listings: a_prefix_is_a_beginning_of_keys,
                listings: a_listing_begins_behind_any_text,
                listings: a_remote_does_not_see_beyond_its_prefix,
                listings: keys_that_are_no_paths_are_listed_as_odd,
                listings: objects_of_the_probe_are_left_out,
                listings: a_listing_shows_what_was_just_written
            }
        })*
    };
}

/// Makes a test of each behaviour.
macro_rules! every_behaviour {
    ($make:expr, $($module:ident: $name:ident),*) => {
        use crate::benches::{FolderBench, MemoryBench, S3Bench};
        use crate::support::Profile;

        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            crate::$module::$name($make.await).await;
        })*
    };
}

every_remote! {
    memory: MemoryBench::plain();
    memory_with_opaque_etags: MemoryBench::opaque();
    memory_with_versions: MemoryBench::versioned();
    memory_without_conditions: MemoryBench::without_conditions();
    folder: FolderBench::on_disk();
    folder_in_memory: FolderBench::in_memory();
    s3: S3Bench::open(Profile::Aws);
    s3_with_versions: S3Bench::open(Profile::Versioned);
    s3_with_kms: S3Bench::open(Profile::RandomEtags);
    s3_without_etags_in_listings: S3Bench::open(Profile::NoEtagInList);
    moto: S3Bench::open(Profile::Moto);
    ceph: S3Bench::open(Profile::Ceph);
    s3_without_conditional_get: S3Bench::open(Profile::UnconditionalGet);
    garage: S3Bench::open(Profile::Garage);
    minio: S3Bench::open(Profile::NoConditionalDelete);
    b2: S3Bench::open(Profile::B2);
    s3_on_a_file_system: S3Bench::open(Profile::NoFileBesideFolder);
}
