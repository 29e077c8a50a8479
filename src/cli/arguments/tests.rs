//! What can be typed, and what cannot.

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
        for argument in subcommand.get_arguments().filter(|argument| !argument.is_positional()) {
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
                "uploads",
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
