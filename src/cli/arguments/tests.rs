//! What can be typed, and what cannot.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

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

/// Returns the commands that can be typed, with the words that lead to them.
fn commands() -> Vec<(String, clap::Command)> {
    let mut program = command();
    program.build();
    let mut found = vec![("lsync".to_owned(), program)];
    let mut next = 0;
    while next < found.len() {
        let (words, command) = found[next].clone();
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        found.extend(below.map(|below| (format!("{words} {}", below.get_name()), below.clone())));
        next += 1;
    }
    found
}

/// Returns the groups of a help text with the names of their options, as they are printed.
fn groups(help: &str) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in help.lines() {
        let option = line.trim_start();
        if let Some(heading) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            groups.push((heading, Vec::new()));
        } else if let Some((_, name)) = option.split_once("--").filter(|_| option.starts_with('-'))
        {
            let end = name.find([' ', ',']).unwrap_or(name.len());
            groups.last_mut().unwrap().1.push(&name[..end]);
        }
    }
    groups.retain(|(_, names)| !names.is_empty());
    groups
}

#[test]
fn help_lists_what_how_fast_and_how_to_talk_in_this_order_and_by_name_within_each() {
    for (words, mut command) in commands() {
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            let groups = groups(&help);
            let headings: Vec<&str> = groups.iter().map(|(heading, _)| *heading).collect();
            let all = ["What", "How fast", "How to talk"];
            let order = all.iter().filter(|heading| headings.contains(*heading)).copied();
            assert_eq!(headings, order.collect::<Vec<_>>(), "{words}: {help}");
            assert!(headings.contains(&"How to talk"), "{words}: {help}");
            for (heading, names) in &groups {
                assert!(names.is_sorted(), "{words}, {heading}: {names:?}");
            }
        }
    }
}

#[test]
fn help_offers_only_what_means_something_for_the_command() {
    let names = |line: &str| {
        let (_, mut command) =
            commands().into_iter().find(|(words, _)| words == line).expect("a command");
        let help = command.render_help().to_string();
        groups(&help).into_iter().flat_map(|(_, names)| names).map(str::to_owned).collect()
    };
    let has = |line: &str, name: &str| {
        let names: Vec<String> = names(line);
        names.iter().any(|it| it == name)
    };
    for name in ["bwlimit", "part-size", "dry-run"] {
        assert!(!has("lsync status", name), "{name}");
        assert!(has("lsync sync", name), "{name}");
    }
    for line in ["lsync clone", "lsync resolve", "lsync push", "lsync pull"] {
        assert!(has(line, "bwlimit"), "{line}");
    }
}

#[test]
fn json_is_in_the_same_group_of_every_command() {
    let mut seen = 0;
    for (words, mut command) in commands() {
        let help = command.render_help().to_string();
        for (group, names) in groups(&help) {
            if names.contains(&"json") {
                assert_eq!(group, "How to talk", "{words}");
                seen += 1;
            }
        }
    }
    assert!(seen > 5);
}

#[test]
fn status_is_a_dry_run_and_does_not_mind_to_be_told_so() {
    assert!(Arguments::try_parse_from(["lsync", "status", "-n"]).is_ok());
    assert_eq!(refused("lsync status --bwlimit 1M"), ErrorKind::UnknownArgument);
}
