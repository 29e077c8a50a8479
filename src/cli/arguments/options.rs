//! Options that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::headings::{SPEED, TALK};
use crate::plan::FileLimit;
use crate::repository::{parse_bytes, parse_jobs};

/// The sizes of a part that S3 takes (S3 user guide, "Multipart upload limits").
const PART_BYTES: std::ops::RangeInclusive<u64> = 5 << 20..=5 << 30;

fn part_size(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        bytes if PART_BYTES.contains(&bytes) => Ok(bytes),
        _ => Err("a part has 5MiB to 5GiB".to_owned()),
    }
}

/// No limit, as rclone writes it; more than any line carries.
const OFF: u64 = u64::MAX;

/// Reads a speed: a size, with digits behind a point, too, or `off`.
fn bandwidth(text: &str) -> Result<u64, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(OFF);
    }
    let bytes = match text.split_once('.') {
        None => parse_bytes(text)?,
        Some((whole, rest)) => fraction(whole, rest)
            .ok_or_else(|| format!("{text:?} is no speed such as 10M, 1.5MiB, 500KiB or off"))?,
    };
    match bytes {
        0 => Err("must be greater than 0".to_owned()),
        bytes => Ok(bytes),
    }
}

/// Reads what a variable says of a switch; an empty one says nothing.
pub(in crate::cli) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" | "" => Ok(false),
        _ => Err("it is 1 or 0, true or false, yes or no, on or off".to_owned()),
    }
}

/// Reads `WHOLE.REST`, where `rest` are digits and a unit.
fn fraction(whole: &str, rest: &str) -> Option<u64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, unit) = rest.split_at(end);
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?).filter(|it| *it > 1)?;
    let unit_bytes = parse_bytes(&format!("1{unit}")).ok()?;
    let part = u128::from(digits.parse::<u64>().ok()?) * u128::from(unit_bytes) / u128::from(scale);
    let whole = parse_bytes(&format!("{whole}{unit}")).ok()?;
    whole.checked_add(u64::try_from(part).ok()?)
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ProgressChoice {
    #[default]
    Auto,
    Bar,
    Plain,
    None,
}

/// How to reach the bucket.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct BucketOptions {
    /// Speak to this server instead of AWS
    #[arg(long, value_name = "URL", env = "LSYNC_ENDPOINT_URL", hide_env_values = true)]
    pub(in crate::cli) endpoint_url: Option<String>,

    /// Region of the bucket [default: found by asking]
    #[arg(long, value_name = "NAME", env = "LSYNC_REGION", hide_env_values = true)]
    pub(in crate::cli) region: Option<String>,

    /// Profile of the AWS configuration to take credentials from
    #[arg(long, value_name = "NAME", env = "LSYNC_PROFILE", hide_env_values = true)]
    pub(in crate::cli) profile: Option<String>,

    /// Put the bucket into the path of the URL, not into the host name
    #[arg(long, env = "LSYNC_PATH_STYLE", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) path_style: bool,

    /// Make the bucket if there is none
    #[arg(long, env = "LSYNC_CREATE_BUCKET", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) create_bucket: bool,
}

/// How to talk.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = TALK)]
pub(in crate::cli) struct OutputOptions {
    /// Print only errors, failures, conflicts and what else makes the exit code
    #[arg(short, long, env = "LSYNC_QUIET", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) quiet: bool,

    /// Print a line for every path, done or not
    #[arg(short, long, env = "LSYNC_VERBOSE", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) verbose: bool,

    /// Print one JSON object a line
    #[arg(long, env = "LSYNC_JSON", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) json: bool,

    /// Show progress by a bar, by a plain line every 10 s, or not at all; auto: a bar on a terminal,
    /// else lines
    #[arg(long, value_name = "HOW", env = "LSYNC_PROGRESS", hide_env_values = true)]
    #[arg(default_value = "auto")]
    pub(in crate::cli) progress: ProgressChoice,
}

/// How fast.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = SPEED)]
pub(in crate::cli) struct SpeedOptions {
    /// Transfers at once, at most: a run finds out how many pay, beginning with 32 [default: 256]
    #[arg(short, long, value_name = "N", env = "LSYNC_JOBS", hide_env_values = true)]
    #[arg(value_parser = parse_jobs)]
    pub(in crate::cli) jobs: Option<NonZeroUsize>,

    /// Send and fetch large files in parts of so many bytes (5MiB to 5GiB) [default: 8MiB, and more
    /// where a file would have more than 10,000 parts]
    #[arg(long, value_name = "BYTES", env = "LSYNC_PART_SIZE", hide_env_values = true)]
    #[arg(value_parser = part_size)]
    pub(in crate::cli) part_size: Option<u64>,

    /// Transfer at most so many bytes a second, both directions together (10M, 1.5MiB,
    /// off)
    #[arg(long, value_name = "BYTES", env = "LSYNC_BWLIMIT", hide_env_values = true)]
    #[arg(value_parser = bandwidth)]
    pub(in crate::cli) bwlimit: Option<u64>,
}

impl SpeedOptions {
    /// Returns the limit of `--bwlimit`; `None` is none.
    pub(in crate::cli) fn bytes_per_second(&self) -> Option<u64> {
        self.bwlimit.filter(|bytes| *bytes != OFF)
    }
}

/// What status, sync, push and pull have in common.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct PlanOptions {
    /// Files and folders, relative to the current directory [default: everything]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Show what would be done and do nothing
    #[arg(short = 'n', long, env = "LSYNC_DRY_RUN", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) dry_run: bool,

    /// Delete nothing on either side
    #[arg(short = 'D', long, env = "LSYNC_NO_DELETE", hide_env_values = true)]
    #[arg(value_parser = boolean)]
    pub(in crate::cli) no_delete: bool,

    /// Stop if a side would have more than N files replaced, or P percent of them, or if others' rules
    /// disclose more
    #[arg(long, value_name = "N|P%", env = "LSYNC_MAX_CHANGE", hide_env_values = true)]
    pub(in crate::cli) max_change: Option<FileLimit>,

    /// Stop if a side would lose more than N files, or P percent of them
    #[arg(long, value_name = "N|P%", env = "LSYNC_MAX_DELETE", hide_env_values = true)]
    pub(in crate::cli) max_delete: Option<FileLimit>,

    /// Take only paths that match GLOB
    #[arg(long, value_name = "GLOB", env = "LSYNC_INCLUDE", hide_env_values = true)]
    pub(in crate::cli) include: Vec<String>,

    /// Leave out paths that match GLOB
    #[arg(long, value_name = "GLOB", env = "LSYNC_EXCLUDE", hide_env_values = true)]
    pub(in crate::cli) exclude: Vec<String>,

    /// Do at most N things and leave the rest for the next run
    #[arg(long, value_name = "N", env = "LSYNC_LIMIT", hide_env_values = true)]
    #[arg(value_parser = whole_number)]
    pub(in crate::cli) limit: Option<u64>,
}
