//! What can be typed. One struct a command; the help texts are the reference of the options.

mod command;
mod examples;
mod headings;
mod options;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::repository::parse_jobs;

use examples::{
    AFTER_HELP, CLEAN_EXAMPLES, CLONE_EXAMPLES, DEMO_EXAMPLES, INIT_EXAMPLES, PULL_EXAMPLES,
    PUSH_EXAMPLES, RESOLVE_EXAMPLES, STATUS_EXAMPLES, SYNC_EXAMPLES, TRASH_EXAMPLES,
};
use headings::{SPEED, TALK};

pub(in crate::cli) use command::command;
pub(in crate::cli) use options::{
    BucketOptions, ColorChoice, OutputOptions, PlanOptions, ProgressChoice, SpeedOptions, boolean,
};

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
pub(in crate::cli) struct Arguments {
    /// Start in DIR instead of the current directory
    #[arg(short = 'C', long, global = true, value_name = "DIR", env = "LSYNC_REPO")]
    #[arg(hide_env_values = true)]
    pub(in crate::cli) repo: Option<PathBuf>,

    /// Colour the output; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "LSYNC_COLOR")]
    #[arg(hide_env_values = true, help_heading = TALK)]
    pub(in crate::cli) color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub(in crate::cli) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
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
    /// Take away what broken-off work left in the bucket
    #[command(after_help = CLEAN_EXAMPLES)]
    Clean(CleanArguments),
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
    pub(in crate::cli) fn word(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Clone(_) => "clone",
            Self::Status(_) => "status",
            Self::Sync(_) => "sync",
            Self::Push(_) => "push",
            Self::Pull(_) => "pull",
            Self::Resolve(_) => "resolve",
            Self::Trash { .. } => "trash",
            Self::Clean(_) => "clean",
            Self::Demo { .. } => "demo",
        }
    }

    /// Returns how the command talks.
    pub(in crate::cli) fn output(&self) -> OutputOptions {
        match self {
            Self::Clone(arguments) => arguments.output,
            Self::Status(arguments) => arguments.output,
            Self::Sync(arguments) => arguments.output,
            Self::Push(arguments) => arguments.output,
            Self::Pull(arguments) => arguments.output,
            Self::Resolve(arguments) => arguments.output,
            Self::Init(_) | Self::Trash { .. } | Self::Clean(_) | Self::Demo { .. } => {
                OutputOptions::default()
            }
        }
    }
}

/// `lsync init`.
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArguments {
    /// The bucket, or a folder that serves as one
    #[arg(value_name = "BUCKET")]
    pub(in crate::cli) bucket: String,

    /// The folder to share; made if absent
    #[arg(value_name = "PATH", default_value = ".")]
    pub(in crate::cli) path: PathBuf,

    /// Take PATH even if it is `/` or the home directory, or holds working copies
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// How to reach the bucket.
    #[command(flatten)]
    pub(in crate::cli) options: BucketOptions,
}

/// `lsync clone`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CloneArguments {
    /// The bucket, or a folder that serves as one
    #[arg(value_name = "BUCKET")]
    pub(in crate::cli) bucket: String,

    /// Where to [default: the last component of BUCKET]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,

    /// Make a working copy of nothing where BUCKET holds no object
    #[arg(long, env = "LSYNC_ALLOW_EMPTY", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) allow_empty: bool,

    /// Take PATH even if it is `/` or the home directory, or holds working copies
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// How to reach the bucket.
    #[command(flatten)]
    pub(in crate::cli) options: BucketOptions,

    /// How fast.
    #[command(flatten)]
    pub(in crate::cli) speed: SpeedOptions,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(in crate::cli) plan: PlanOptions,

    /// Make no request: compare with what the bucket held after the last run
    #[arg(long, env = "LSYNC_OFFLINE", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) offline: bool,

    /// Files compared at once
    #[arg(short, long, value_name = "N", env = "LSYNC_JOBS", hide_env_values = true)]
    #[arg(value_parser = parse_jobs, help_heading = SPEED)]
    pub(in crate::cli) jobs: Option<NonZeroUsize>,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync sync`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SyncArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(in crate::cli) plan: PlanOptions,

    /// How fast.
    #[command(flatten)]
    pub(in crate::cli) speed: SpeedOptions,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync push`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag is one bool; clap keeps them apart")]
pub(in crate::cli) struct PushArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(in crate::cli) plan: PlanOptions,

    /// Let what is here win over what the bucket holds, deletions included
    #[arg(long, conflicts_with = "mirror")]
    pub(in crate::cli) force: bool,

    /// Make the bucket exactly what is here
    #[arg(long)]
    pub(in crate::cli) mirror: bool,

    /// Answer the question of --mirror with yes
    #[arg(long, requires = "mirror")]
    pub(in crate::cli) yes: bool,

    /// Do not list the bucket: send what changed here since the last run, and let the conditions of
    /// the writes find what others did
    #[arg(long, env = "LSYNC_NO_LIST", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) no_list: bool,

    /// Keep no copy of what the bucket loses
    #[arg(long)]
    pub(in crate::cli) no_backup: bool,

    /// How fast.
    #[command(flatten)]
    pub(in crate::cli) speed: SpeedOptions,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync pull`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PullArguments {
    /// What all four have in common.
    #[command(flatten)]
    pub(in crate::cli) plan: PlanOptions,

    /// Let what the bucket holds win; what is here goes to the trash
    #[arg(long, conflicts_with = "mirror")]
    pub(in crate::cli) force: bool,

    /// Make this working copy exactly what the bucket holds
    #[arg(long)]
    pub(in crate::cli) mirror: bool,

    /// Answer the question of --mirror with yes
    #[arg(long, requires = "mirror")]
    pub(in crate::cli) yes: bool,

    /// How fast.
    #[command(flatten)]
    pub(in crate::cli) speed: SpeedOptions,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync resolve`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag is one bool; clap keeps them apart")]
pub(in crate::cli) struct ResolveArguments {
    /// Files and folders, relative to the current directory [default: everything]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Keep what is here
    #[arg(long, group = "choice")]
    pub(in crate::cli) ours: bool,

    /// Keep what the bucket holds
    #[arg(long, group = "choice")]
    pub(in crate::cli) theirs: bool,

    /// Keep both: theirs under the name, ours beside it
    #[arg(long, group = "choice")]
    pub(in crate::cli) both: bool,

    /// Keep the one that was changed last
    #[arg(long, group = "choice")]
    pub(in crate::cli) newest: bool,

    /// List the conflicts and settle none
    #[arg(long, group = "choice")]
    pub(in crate::cli) list: bool,

    /// Keep no copy of what the bucket loses
    #[arg(long)]
    pub(in crate::cli) no_backup: bool,

    /// How fast.
    #[command(flatten)]
    pub(in crate::cli) speed: SpeedOptions,

    /// How to talk.
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `lsync clean`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CleanArguments {
    /// Uploads of large files that were begun more than a day ago and never finished
    #[arg(long)]
    pub(in crate::cli) uploads: bool,

    /// Answer the question with yes
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// `lsync trash …`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TrashCommand {
    /// List what was overwritten or deleted
    List {
        /// Print one JSON object a line
        #[arg(long, env = "LSYNC_JSON", hide_env_values = true, help_heading = TALK)]
        #[arg(value_parser = boolean)]
        json: bool,
    },
    /// Move the latest copy of each path out of the trash and back, where its name is free
    Restore {
        /// Files and folders, relative to the current directory, or, as the list names them, a copy
        /// or a whole run (in the root)
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
}
