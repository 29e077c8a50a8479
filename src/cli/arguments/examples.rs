//! The ends of the help texts: examples beat lists of options.

/// What `lsync --help` ends with.
pub(super) const AFTER_HELP: &str = "\
Examples:
  lsync init team-files/docs        share this folder through a bucket
  lsync clone team-files/docs       get what the team shares
  lsync status                      see what a sync would do
  lsync sync                        do it
  lsync demo                        try all of it without an account

Exit status:
  0 done                        4 conflicts are open      11 locked by another lsync
  1 any other error             5 safety stop             12 no or refused credentials
  2 wrong usage                 10 not a repository       13 the store cannot be reached
  3 some paths were not done    130 interrupted";

/// What `lsync init --help` ends with.
pub(super) const INIT_EXAMPLES: &str = "\
BUCKET is `name`, `name/prefix`, `s3://name/prefix`, or a folder that serves as a bucket:
`file:///dir`, or a path that begins with `/` or `.`. Credentials come from the AWS configuration.

Examples:
  lsync init team-files/docs
  lsync init s3://media ~/media --profile studio
  lsync init scratch --endpoint-url http://localhost:9000 --create-bucket
  lsync init /mnt/share/bucket ~/work";

/// What `lsync clone --help` ends with.
pub(super) const CLONE_EXAMPLES: &str = "\
Examples:
  lsync clone team-files/docs             into ./docs
  lsync clone s3://media ~/media -j 32
  lsync clone /mnt/share/bucket work";

/// What `lsync status --help` ends with.
pub(super) const STATUS_EXAMPLES: &str = "\
Takes no lock, writes nothing, downloads nothing. Exits with 0 when there is work to do, 4 when
conflicts are open, 3 when some paths cannot be handled.

Examples:
  lsync status
  lsync status docs --json
  lsync status --offline                  what changed here, without a request";

/// What `lsync sync --help` ends with.
pub(super) const SYNC_EXAMPLES: &str = "\
Examples:
  lsync sync
  lsync sync docs notes.txt               these alone
  lsync sync -n                           show the plan, do nothing
  lsync sync --exclude '*.psd' -j 32";

/// What `lsync push --help` ends with.
pub(super) const PUSH_EXAMPLES: &str = "\
A single FILE that exists here is forced: it replaces what the bucket holds, and the version that
it replaces is kept.

Examples:
  lsync push
  lsync push docs                         only what lies below docs
  lsync push docs/a.txt                   this file, whatever the bucket holds
  lsync push --no-list                    without a look at the bucket: one request a change
  lsync push --force docs                 the same for a folder, deletions included
  lsync push --mirror -n                  what it takes to make the bucket equal to this folder";

/// What `lsync pull --help` ends with.
pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  lsync pull
  lsync pull docs                         only what lies below docs
  lsync pull --force docs/a.txt           throw away the edit here (it goes to the trash)
  lsync pull --mirror --yes               make this folder equal to the bucket";

/// What `lsync resolve --help` ends with.
pub(super) const RESOLVE_EXAMPLES: &str = "\
On a terminal it asks for each conflict. Elsewhere one of the options says what to do.

Examples:
  lsync resolve
  lsync resolve --list
  lsync resolve --theirs docs/a.txt
  lsync resolve --both                    keep both, side by side";

/// What `lsync trash --help` ends with.
pub(super) const TRASH_EXAMPLES: &str = "\
Examples:
  lsync trash list
  lsync trash restore docs/a.txt
  lsync trash restore docs                all that lay below docs
  lsync trash restore 20261119T100211Z-ab12   all that one run put there (in the root)
  lsync trash restore .                   all that lay below the current directory";

/// What `lsync clean --help` ends with.
pub(super) const CLEAN_EXAMPLES: &str = "\
An upload that is broken off leaves its parts in the bucket, unseen and paid for. The next sync goes
on with them; what no sync wants any more is listed here, and thrown away after a question.

Examples:
  lsync clean --uploads
  lsync clean --uploads --yes             from a script";

/// What `lsync demo --help` ends with.
pub(super) const DEMO_EXAMPLES: &str = "\
Needs no network and no account. The folders are left to play with.

Examples:
  lsync demo
  lsync demo ~/lsync-demo";
