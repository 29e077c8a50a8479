//! What can be typed. One struct a command; the help texts are the reference of the options.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::plan::MaxDelete;

const AFTER_HELP: &str = "\
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

const INIT_EXAMPLES: &str = "\
BUCKET is `name`, `name/prefix`, `s3://name/prefix`, or a folder that serves as a bucket:
`file:///dir`, or a path that begins with `/` or `.`. Credentials come from the AWS configuration.

Examples:
  lsync init team-files/docs
  lsync init s3://media ~/media --profile studio
  lsync init scratch --endpoint-url http://localhost:9000 --create-bucket
  lsync init /mnt/share/bucket ~/work";

const CLONE_EXAMPLES: &str = "\
Examples:
  lsync clone team-files/docs             into ./docs
  lsync clone s3://media ~/media -j 32
  lsync clone /mnt/share/bucket work";

const STATUS_EXAMPLES: &str = "\
Takes no lock, writes nothing, downloads nothing. Exits with 0 when there is work to do, 4 when
conflicts are open, 3 when some paths cannot be handled.

Examples:
  lsync status
  lsync status docs --json
  lsync status --offline                  what changed here, without a request";

const SYNC_EXAMPLES: &str = "\
Examples:
  lsync sync
  lsync sync docs notes.txt               these alone
  lsync sync -n                           show the plan, do nothing
  lsync sync --exclude '*.psd' -j 32";

const PUSH_EXAMPLES: &str = "\
A single FILE that exists here is forced: it replaces what the bucket holds, and the version that
it replaces is kept.

Examples:
  lsync push
  lsync push docs                         only what lies below docs
  lsync push docs/a.txt                   this file, whatever the bucket holds
  lsync push --force docs                 the same for a folder, deletions included
  lsync push --mirror -n                  what it takes to make the bucket equal to this folder";

const PULL_EXAMPLES: &str = "\
Examples:
  lsync pull
  lsync pull docs                         only what lies below docs
  lsync pull --force docs/a.txt           throw away the edit here (it goes to the trash)
  lsync pull --mirror --yes               make this folder equal to the bucket";

const RESOLVE_EXAMPLES: &str = "\
On a terminal it asks for each conflict. Elsewhere one of the options says what to do.

Examples:
  lsync resolve
  lsync resolve --list
  lsync resolve --theirs docs/a.txt
  lsync resolve --both                    keep both, side by side";

const TRASH_EXAMPLES: &str = "\
Examples:
  lsync trash list
  lsync trash restore docs/a.txt";

const DEMO_EXAMPLES: &str = "\
Needs no network and no account. The folders are left to play with.

Examples:
  lsync demo
  lsync demo ~/lsync-demo";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "lsync",
    version,
    about = "Share a directory with your team through an S3 bucket",
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Arguments {
    /// Start in DIR instead of the current directory
    #[arg(short = 'C', long, global = true, value_name = "DIR", env = "LSYNC_REPO")]
    #[arg(hide_env_values = true)]
    pub(super) repo: Option<PathBuf>,

    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "LSYNC_COLOR")]
    #[arg(hide_env_values = true)]
    pub(super) color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressChoice {
    /// A bar on a terminal, else a line every 10 s
    #[default]
    Auto,
    /// A bar
    Bar,
    /// A line every 10 s
    Plain,
    /// None
    None,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a folder a working copy of a bucket
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// Make a working copy and fetch everything
    #[command(after_help = CLONE_EXAMPLES)]
    Clone(CloneArguments),
    /// Show what sync would do
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArguments),
    /// Pull and push in one go
    #[command(after_help = SYNC_EXAMPLES)]
    Sync(SyncArguments),
    /// Send what changed here to the bucket
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArguments),
    /// Fetch what changed in the bucket
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArguments),
    /// Settle conflicts
    #[command(after_help = RESOLVE_EXAMPLES)]
    Resolve(ResolveArguments),
    /// List or bring back what was overwritten or deleted
    #[command(after_help = TRASH_EXAMPLES, subcommand_required = true)]
    #[command(arg_required_else_help = true)]
    Trash {
        /// What to do with it.
        #[command(subcommand)]
        command: TrashCommand,
    },
    /// Try lsync with a bucket that is a folder
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// Where to put the folders; must not exist [default: a fresh temporary folder]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Command {
    /// Returns the word that was typed.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Clone(_) => "clone",
            Self::Status(_) => "status",
            Self::Sync(_) => "sync",
            Self::Push(_) => "push",
            Self::Pull(_) => "pull",
            Self::Resolve(_) => "resolve",
            Self::Trash { .. } => "trash",
            Self::Demo { .. } => "demo",
        }
    }

    /// Returns how the command talks.
    pub(super) fn output(&self) -> OutputOptions {
        match self {
            Self::Clone(arguments) => arguments.output,
            Self::Status(arguments) => arguments.output,
            Self::Sync(arguments) => arguments.output,
            Self::Push(arguments) => arguments.output,
            Self::Pull(arguments) => arguments.output,
            Self::Resolve(arguments) => arguments.output,
            Self::Init(_) | Self::Trash { .. } | Self::Demo { .. } => OutputOptions::default(),
        }
    }
}

/// How to reach the bucket.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Bucket")]
pub(super) struct BucketOptions {
    /// Speak to this server instead of AWS
    #[arg(long, value_name = "URL", env = "LSYNC_ENDPOINT_URL", hide_env_values = true)]
    pub(super) endpoint_url: Option<String>,

    /// Region of the bucket [default: found by asking]
    #[arg(long, value_name = "NAME", env = "LSYNC_REGION", hide_env_values = true)]
    pub(super) region: Option<String>,

    /// Profile of the AWS configuration to take credentials from
    #[arg(long, value_name = "NAME", env = "LSYNC_PROFILE", hide_env_values = true)]
    pub(super) profile: Option<String>,

    /// Put the bucket into the path of the URL, not into the host name
    #[arg(long, env = "LSYNC_PATH_STYLE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) path_style: bool,

    /// Make the bucket if there is none
    #[arg(long, env = "LSYNC_CREATE_BUCKET", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) create_bucket: bool,
}

/// `lsync init`.
#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The bucket, or a folder that serves as one
    #[arg(value_name = "BUCKET")]
    pub(super) bucket: String,

    /// The folder to share; made if absent
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) path: PathBuf,

    /// How to reach the bucket.
    #[command(flatten)]
    pub(super) options: BucketOptions,
}

/// `lsync clone`.
#[derive(Debug, Args)]
pub(super) struct CloneArguments {
    /// The bucket, or a folder that serves as one
    #[arg(value_name = "BUCKET")]
    pub(super) bucket: String,

    /// Where to [default: the last component of BUCKET]
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,

    /// How to reach the bucket.
    #[command(flatten)]
    pub(super) options: BucketOptions,

    /// Transfers at once
    #[arg(short, long, value_name = "N", env = "LSYNC_JOBS", hide_env_values = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// How to talk.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputOptions {
    /// Print only errors, failures and conflicts
    #[arg(short, long, env = "LSYNC_QUIET", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,

    /// Print a line for every path that is done
    #[arg(short, long, env = "LSYNC_VERBOSE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) verbose: bool,

    /// Print one JSON object a line
    #[arg(long, env = "LSYNC_JSON", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) json: bool,

    /// How to show progress
    #[arg(long, value_name = "HOW", env = "LSYNC_PROGRESS", hide_env_values = true)]
    #[arg(default_value = "auto")]
    pub(super) progress: ProgressChoice,
}

/// What status, sync, push and pull have in common.
#[derive(Debug, Clone, Args)]
pub(super) struct PlanOptions {
    /// Files and folders, relative to the current directory [default: everything]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Show what would be done and do nothing
    #[arg(short = 'n', long, env = "LSYNC_DRY_RUN", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) dry_run: bool,

    /// Delete nothing on either side
    #[arg(short = 'D', long, env = "LSYNC_NO_DELETE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) no_delete: bool,

    /// Stop if a side would lose more than N files, or P percent of them
    #[arg(long, value_name = "N|P%", env = "LSYNC_MAX_DELETE", hide_env_values = true)]
    pub(super) max_delete: Option<MaxDelete>,

    /// Transfers at once
    #[arg(short, long, value_name = "N", env = "LSYNC_JOBS", hide_env_values = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Take only paths that match GLOB
    #[arg(long, value_name = "GLOB", env = "LSYNC_INCLUDE", hide_env_values = true)]
    pub(super) include: Vec<String>,

    /// Leave out paths that match GLOB
    #[arg(long, value_name = "GLOB", env = "LSYNC_EXCLUDE", hide_env_values = true)]
    pub(super) exclude: Vec<String>,

    /// Do at most N things and leave the rest for the next run
    #[arg(long, value_name = "N", env = "LSYNC_LIMIT", hide_env_values = true)]
    pub(super) limit: Option<u64>,
}

/// `lsync status`.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(super) plan: PlanOptions,

    /// Make no request: compare with what the bucket held after the last run
    #[arg(long, env = "LSYNC_OFFLINE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(super) offline: bool,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `lsync sync`.
#[derive(Debug, Args)]
pub(super) struct SyncArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(super) plan: PlanOptions,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `lsync push`.
#[derive(Debug, Args)]
pub(super) struct PushArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(super) plan: PlanOptions,

    /// Let what is here win over what the bucket holds, deletions included
    #[arg(long, conflicts_with = "mirror")]
    pub(super) force: bool,

    /// Make the bucket exactly what is here
    #[arg(long)]
    pub(super) mirror: bool,

    /// Answer the question of --mirror with yes
    #[arg(long, requires = "mirror")]
    pub(super) yes: bool,

    /// Keep no copy of what the bucket loses
    #[arg(long)]
    pub(super) no_backup: bool,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `lsync pull`.
#[derive(Debug, Args)]
pub(super) struct PullArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(super) plan: PlanOptions,

    /// Let what the bucket holds win; what is here goes to the trash
    #[arg(long, conflicts_with = "mirror")]
    pub(super) force: bool,

    /// Make this working copy exactly what the bucket holds
    #[arg(long)]
    pub(super) mirror: bool,

    /// Answer the question of --mirror with yes
    #[arg(long, requires = "mirror")]
    pub(super) yes: bool,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `lsync resolve`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag is one bool; clap keeps them apart")]
pub(super) struct ResolveArguments {
    /// Files and folders, relative to the current directory [default: everything]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Keep what is here
    #[arg(long, group = "choice")]
    pub(super) ours: bool,

    /// Keep what the bucket holds
    #[arg(long, group = "choice")]
    pub(super) theirs: bool,

    /// Keep both: theirs under the name, ours beside it
    #[arg(long, group = "choice")]
    pub(super) both: bool,

    /// Keep the one that was changed last
    #[arg(long, group = "choice")]
    pub(super) newest: bool,

    /// List the conflicts and settle none
    #[arg(long, group = "choice")]
    pub(super) list: bool,

    /// Keep no copy of what the bucket loses
    #[arg(long)]
    pub(super) no_backup: bool,

    /// Transfers at once
    #[arg(short, long, value_name = "N", env = "LSYNC_JOBS", hide_env_values = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// How to talk.
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `lsync trash …`.
#[derive(Debug, Subcommand)]
pub(super) enum TrashCommand {
    /// List what was overwritten or deleted
    List {
        /// Print one JSON object a line
        #[arg(long, env = "LSYNC_JSON", hide_env_values = true)]
        #[arg(value_parser = FalseyValueParser::new())]
        json: bool,
    },
    /// Bring back the latest copy of each path; what is there now goes to the trash
    Restore {
        /// Files, relative to the current directory
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn refused(line: &str) -> ErrorKind {
        Arguments::try_parse_from(line.split(' ')).unwrap_err().kind()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn force_and_mirror_exclude_each_other() {
        assert_eq!(refused("lsync push --mirror --force a"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("lsync pull --mirror --force a"), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn yes_answers_the_question_of_mirror_alone() {
        assert_eq!(refused("lsync push --yes"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("lsync sync --yes"), ErrorKind::UnknownArgument);
    }

    #[test]
    fn a_conflict_is_settled_in_one_way() {
        assert_eq!(refused("lsync resolve --ours --theirs"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("lsync resolve --both --list"), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn options_that_overwrite_or_delete_have_no_variable() {
        let command = Arguments::command();
        for subcommand in command.get_subcommands() {
            for argument in subcommand.get_arguments().filter(|argument| !argument.is_positional())
            {
                let name = argument.get_id().as_str();
                let dangerous = [
                    "force",
                    "mirror",
                    "yes",
                    "no_backup",
                    "ours",
                    "theirs",
                    "both",
                    "newest",
                    "list",
                    "help",
                    "version",
                ];
                assert_eq!(
                    argument.get_env().is_none(),
                    dangerous.contains(&name),
                    "{} --{name}",
                    subcommand.get_name()
                );
            }
        }
    }

    #[test]
    fn the_directory_may_stand_before_or_after_the_command() {
        for line in ["lsync -C x status", "lsync status -C x", "lsync status --repo x"] {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(arguments.repo, Some(PathBuf::from("x")), "{line}");
        }
    }
}
