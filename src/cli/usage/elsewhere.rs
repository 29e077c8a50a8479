//! Words and options of git, rclone, the AWS CLI, s5cmd and the older tools that lsync spells
//! otherwise, and what to type here.

/// Other tools' commands, and the answer to each.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["add", "commit", "stage", "ci"],
        "nothing has to be added or committed: `lsync sync` sends what `lsync status` shows",
    ),
    (
        &["rm", "delete", "deletefile", "remove", "unlink", "purge"],
        "delete the file itself: the next `lsync sync` deletes it in the bucket",
    ),
    (
        &["mv", "move", "moveto", "rename"],
        "rename the file itself: the next `lsync sync` does the same in the bucket",
    ),
    (
        &["cp", "copy", "copyto"],
        "`lsync push` sends what changed here, `lsync pull` fetches what changed in the bucket",
    ),
    (&["put", "upload", "backup"], "`lsync push` sends what changed here"),
    (&["get", "download", "update", "up"], "`lsync pull` fetches what changed in the bucket"),
    (&["backupmock"], "`lsync push --dry-run` shows what would be sent"),
    (&["restoremock"], "`lsync pull --dry-run` shows what would be fetched"),
    (&["fetch"], "`lsync status` shows what changed in the bucket, `lsync pull` fetches it"),
    (
        &["ls", "list", "lsd", "lsf", "lsl", "lsjson", "tree", "ncdu", "du"],
        "the working copy is the list; `lsync status` shows where the bucket differs from it",
    ),
    (&["st", "changes"], "`lsync status` shows what changed on both sides"),
    (
        &["restore", "undelete", "recover"],
        "`lsync trash restore PATH` brings back what was overwritten or deleted",
    ),
    (
        &["checkout", "reset", "revert"],
        "`lsync trash restore PATH` brings back what was overwritten or deleted; `lsync pull \
         --force PATH` takes what the bucket holds and moves what is here to the trash",
    ),
    (
        &["branch", "switch", "rebase", "stash", "worktree"],
        "there are no branches: a bucket has one state, and `lsync clone BUCKET PATH` makes another \
         working copy of it",
    ),
    (
        &["merge", "mergetool", "conflicts"],
        "`lsync sync` brings both sides together, `lsync resolve` settles what both changed",
    ),
    (&["bisync", "s3"], "`lsync sync` pulls and pushes in one go"),
    (
        &["mirror"],
        "`lsync push --mirror -n` shows what would make the bucket equal to this folder, `lsync \
         pull --mirror -n` the reverse",
    ),
    (
        &["remote", "config", "configure", "auth", "login"],
        "`lsync init BUCKET` names the bucket, credentials come from the AWS configuration",
    ),
    (&["mb"], "`lsync init BUCKET --create-bucket` makes the bucket"),
    (&["rb"], "no command deletes a bucket"),
    (&["mkdir"], "make the folder itself: it is in the bucket once there is a file in it"),
    (&["mount", "serve"], "`lsync clone BUCKET` makes a copy on this disk"),
    (&["cleanup", "gc", "prune"], "`lsync clean --uploads` lists uploads that nobody finished"),
    (&["ignore"], "what is not to be synced stands in .lsyncignore, as in a .gitignore"),
    (&["version"], "`lsync --version` prints it"),
];

/// What other tools call what `lsync trash` does.
const TRASH_COMMANDS: &[(&[&str], &str)] = &[
    (&["ls", "show"], "`lsync trash list` lists what was overwritten or deleted"),
    (
        &["get", "recover", "undelete", "put", "mv", "cp"],
        "`lsync trash restore PATH` brings back what was overwritten or deleted",
    ),
    (
        &["empty", "clean", "clear", "delete", "purge", "rm"],
        "the trash empties itself: `trash_days` in .lsync/config.yaml says when",
    ),
];

/// Other tools' names of options, and the option that means the same here.
const SPELLINGS: &[(&[&str], &str)] = &[
    (&["--dryrun", "--preview", "--just-print"], "--dry-run"),
    (
        &[
            "--transfers",
            "--checkers",
            "--numworkers",
            "--workers",
            "--worker-threads",
            "--processes",
            "--threads",
            "--parallel",
            "--concurrency",
            "--s3-upload-concurrency",
            "--max-concurrent-requests",
        ],
        "--jobs",
    ),
    (&["--s3-chunk-size", "--chunk-size", "--multipart-chunksize"], "--part-size"),
    (&["--bandwidth", "--max-bandwidth", "--limit-rate"], "--bwlimit"),
    (&["--endpoint", "--s3-endpoint", "--host"], "--endpoint-url"),
    (&["--s3-region", "--bucket_region", "--bucket-region"], "--region"),
    (&["--s3-profile"], "--profile"),
    (&["--s3-force-path-style", "--force-path-style"], "--path-style"),
    (&["--only-show-errors", "--silent"], "--quiet"),
    (&["--debug", "--verbosity"], "--verbose"),
    (&["--use-json-log", "--output", "--porcelain"], "--json"),
    (&["--no-traverse"], "--no-list"),
    (&["--ignore"], "--exclude"),
    (&["-f"], "--force"),
    (&["-y", "--assume-yes", "--no-confirm"], "--yes"),
];

/// The commands that compare both sides.
const COMPARING: &[&str] = &["status", "sync", "push", "pull"];

/// The commands that change something on a side.
const TRANSFERRING: &[&str] = &["sync", "push", "pull"];

/// The commands that are told the bucket.
const BEGINNING: &[&str] = &["init", "clone"];

/// An option of other tools: where it is answered (nothing: everywhere), its names, the answer.
type OptionAnswer = (&'static [&'static str], &'static [&'static str], &'static str);

/// Other tools' options that have no counterpart here, because it is done anyway or otherwise.
const OPTIONS: &[OptionAnswer] = &[
    (
        COMPARING,
        &["--delete", "--del", "--delete-after", "--delete-before", "--delete-during", "--prune"],
        "no option is needed: what was deleted on one side since the last sync is deleted on the \
         other; --no-delete leaves it there",
    ),
    (
        COMPARING,
        &[
            "--update",
            "-u",
            "--ignore-existing",
            "--size-only",
            "--exact-timestamps",
            "--checksum",
            "--ignore-times",
            "--if-size-differ",
            "--if-source-newer",
            "--no-clobber",
            "--immutable",
            "--modify-window",
            "--clock-fudge-factor",
            "--put",
            "--force-with-lease",
            "--resync",
        ],
        "no option is needed: both sides are compared with the last sync, and a file that both \
         changed stays a conflict until `lsync resolve`",
    ),
    (
        &["sync", "status"],
        &["--force"],
        "say which side wins: `lsync push --force PATH` this folder, `lsync pull --force PATH` the \
         bucket",
    ),
    (
        COMPARING,
        &[
            "--conflict-resolve",
            "--conflict-loser",
            "--conflict-suffix",
            "--strategy",
            "-X",
            "--rebase",
            "--ff-only",
        ],
        "`lsync resolve` settles what both sides changed: --ours, --theirs, --both or --newest",
    ),
    (
        COMPARING,
        &[
            "--exclude-from",
            "--exclude-per-directory",
            "--filter",
            "--filter-from",
            "--ignore-file",
            "--exclude-if-present",
        ],
        "patterns stand in .lsyncignore, as in a .gitignore; --exclude GLOB holds for one run",
    ),
    (
        COMPARING,
        &["--include-from", "--files-from"],
        "name the files and folders themselves, or take --include GLOB",
    ),
    (
        &[],
        &["--recursive", "-R"],
        "no option is needed: a folder is taken with everything below it",
    ),
    (
        &[],
        &["-r"],
        "a folder is taken with everything below it; -C DIR says which working copy is meant",
    ),
    (COMPARING, &["--all", "-a", "-A"], "no option is needed: without a PATH everything is taken"),
    (
        &[],
        &["--git-dir", "--work-tree", "--cwd", "--directory"],
        "-C DIR says which working copy is meant",
    ),
    (
        COMPARING,
        &["--track-renames", "--find-renames", "-M"],
        "no option is needed: a large file that was renamed here is copied within the bucket",
    ),
    (
        COMPARING,
        &["--fast-list", "--index", "--ignore-index"],
        "every run lists the bucket once; `lsync push --no-list` does without",
    ),
    (
        COMPARING,
        &["--backup-dir", "--backup-dir1", "--backup-dir2", "--suffix"],
        "no option is needed: what is overwritten or deleted here goes to the trash, see `lsync \
         trash list`",
    ),
    (
        COMPARING,
        &["--bucket", "-b", "--remote", "--set-upstream"],
        "the working copy knows its bucket: `lsync init BUCKET` named it",
    ),
    (BEGINNING, &["--prefix", "-p"], "the prefix is a part of BUCKET: `lsync init BUCKET/PREFIX`"),
    (
        BEGINNING,
        &["--overwrite", "-w"],
        "no option is needed: `lsync init BUCKET` again on the same bucket probes it again",
    ),
    (
        &["clone"],
        &["--branch", "-b", "--depth", "--single-branch", "--bare"],
        "a clone fetches what the bucket holds now: there are no branches, and nothing older comes",
    ),
    (
        &[],
        &[
            "--access-key",
            "--secret-key",
            "--access-key-id",
            "--secret-access-key",
            "--s3-access-key-id",
            "--s3-secret-access-key",
            "--credentials-file",
        ],
        "credentials come from the AWS configuration alone: AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws",
    ),
    (
        &[],
        &["--no-verify-ssl", "--no-check-certificate", "--insecure"],
        "certificates are always checked: AWS_CA_BUNDLE names a file with those of your own \
         authority; an endpoint that begins with http:// has none",
    ),
    (
        &[],
        &["--ca-bundle", "--ca-cert", "--cacert"],
        "AWS_CA_BUNDLE names the file, or ca_bundle in the profile of the AWS configuration",
    ),
    (&[], &["--proxy", "--http-proxy"], "HTTPS_PROXY names the proxy, HTTP_PROXY that of http://"),
    (
        &[],
        &["--log", "--log-file", "--log-filename", "--log-level"],
        "--verbose prints a line for every path that is done; `> FILE` puts them into a file",
    ),
    (
        &[],
        &["--retries", "--low-level-retries", "--retry-count", "--retries-sleep", "--max-retries"],
        "no option is needed: what fails for a moment is tried again, and the same command again \
         does the rest",
    ),
    (
        &[],
        &["--resume", "--continue", "--append", "--partial"],
        "no option is needed: the same command again goes on where it was interrupted",
    ),
    (
        &[],
        &["--lock-file", "-l"],
        "no option is needed: a run locks its working copy, see .lsync/lock",
    ),
    (TRANSFERRING, &["--interactive", "-i"], "--dry-run shows the plan before anything is done"),
    (TRANSFERRING, &["-P", "--stats"], "--progress bar, or --progress plain for a line every 10 s"),
    (TRANSFERRING, &["--no-progress"], "--progress none shows none"),
    (&[], &["--file-system-encoding", "-e"], "names are UTF-8 on both sides"),
    (&[], &["--version", "-V"], "`lsync --version` prints it"),
];

/// Returns the answer to a command of another tool, typed where `lsync trash …` or `lsync …` takes
/// one.
pub(super) fn command(word: &str, below_trash: bool) -> Option<&'static str> {
    let table = if below_trash { TRASH_COMMANDS } else { COMMANDS };
    table.iter().find_map(|(words, answer)| words.contains(&word).then_some(*answer))
}

/// Returns the option that means here what `option` means elsewhere.
pub(super) fn spelling(option: &str) -> Option<&'static str> {
    SPELLINGS.iter().find_map(|(names, here)| names.contains(&option).then_some(*here))
}

/// Returns the answer to an option of another tool, typed after `command`.
pub(super) fn option(command: &str, option: &str) -> Option<&'static str> {
    let is_meant = |(commands, names, _): &&OptionAnswer| {
        names.contains(&option) && (commands.is_empty() || commands.contains(&command))
    };
    OPTIONS.iter().find(is_meant).map(|(_, _, answer)| *answer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::arguments;

    fn answers() -> impl Iterator<Item = &'static str> {
        let words = COMMANDS.iter().chain(TRASH_COMMANDS).map(|(_, answer)| *answer);
        words.chain(OPTIONS.iter().map(|(_, _, answer)| *answer))
    }

    fn options(command: &clap::Command) -> BTreeSet<String> {
        let long = command.get_arguments().filter_map(clap::Arg::get_long);
        long.map(|name| format!("--{name}")).collect()
    }

    #[test]
    fn every_command_in_an_answer_can_be_typed() {
        let mut typed = 0;
        for answer in answers() {
            for line in answer.split('`').skip(1).step_by(2).filter(|it| it.starts_with("lsync ")) {
                let parsed = arguments::command().try_get_matches_from(line.split(' '));
                if let Err(error) = parsed {
                    assert_eq!(error.kind(), clap::error::ErrorKind::DisplayVersion, "{line}");
                }
                typed += 1;
            }
        }
        assert!(typed > 20, "{typed}");
    }

    #[test]
    fn every_option_in_an_answer_exists() {
        let program = arguments::command();
        let known: BTreeSet<String> = program.get_subcommands().flat_map(options).collect();
        let known = &known | &options(&program);
        let named = answers().flat_map(|answer| answer.split([' ', '`', ':', ';', ',']));
        let named = named.filter(|word| word.starts_with("--"));
        for option in named.chain(SPELLINGS.iter().map(|(_, here)| *here)) {
            assert!(known.contains(option), "{option}");
        }
    }

    #[test]
    fn no_word_is_answered_twice_or_is_one_of_ours() {
        let program = arguments::command();
        let trash = program.find_subcommand("trash").unwrap();
        for (table, parent) in [(COMMANDS, &program), (TRASH_COMMANDS, trash)] {
            let mut seen = BTreeSet::new();
            for word in table.iter().flat_map(|(words, _)| *words) {
                assert!(seen.insert(word), "{word} twice");
                assert!(parent.find_subcommand(word).is_none(), "{word} exists");
            }
        }
        for command in program.get_subcommands() {
            let name = command.get_name();
            let ours = &options(command) | &options(&program);
            let mut seen = BTreeSet::new();
            let mut there: Vec<&str> =
                SPELLINGS.iter().flat_map(|(names, _)| *names).copied().collect();
            for (commands, names, _) in OPTIONS {
                if commands.is_empty() || commands.contains(&name) {
                    there.extend(*names);
                }
            }
            for option in there.into_iter().filter(|option| *option != "--version") {
                assert!(seen.insert(option), "{name} {option} twice");
                assert!(!ours.contains(option), "{name} {option} exists");
                let short = option.strip_prefix('-').filter(|rest| rest.len() == 1);
                let shorts = || command.get_arguments().filter_map(clap::Arg::get_short);
                let is_ours = short.is_some_and(|it| shorts().any(|ours| it.starts_with(ours)));
                assert!(!is_ours, "{name} {option} exists");
            }
        }
    }
}
