//! Wrong usage, in the form of every other error: `error: …`, `hint: …`.

use clap::error::{ContextKind, ErrorKind};

use std::time::Duration;

use super::arguments;
use super::json;
use super::screen::Screen;
use crate::error::Exit;

/// Prints what the parser has to say: help and version to stdout, everything else as an error.
pub(super) fn show(error: &clap::Error, screen: &Screen) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away (`| head`) has read enough.
            drop(error.print());
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            drop(error.print());
            Exit::Usage
        }
        _ => {
            let typed: Vec<String> = std::env::args().skip(1).collect();
            let (message, hint) = words(error, &typed);
            if wants_json(&typed) {
                let program = arguments::command();
                let command = typed.iter().find(|word| program.find_subcommand(word).is_some());
                let command = command.map_or("lsync", String::as_str);
                screen.result(&json::failure(command, &message, Some(&hint)));
                screen.summary(&json::summary_of_end(command, Exit::Usage, Duration::ZERO));
            }
            screen.error(&message, &[], Some(&hint));
            Exit::Usage
        }
    }
}

/// Tells whether JSON was asked for, though the parser could not make sense of the rest.
fn wants_json(typed: &[String]) -> bool {
    let before_operands = || typed.iter().take_while(|word| *word != "--");
    let variable = || std::env::var_os("LSYNC_JSON").unwrap_or_default();
    let falsey = ["", "0", "f", "false", "n", "no", "off"];
    before_operands().any(|word| word == "--json")
        || !falsey.iter().any(|no| variable().eq_ignore_ascii_case(no))
}

/// Takes the parser's text apart: what is wrong in one line, and what to type instead.
fn words(error: &clap::Error, typed: &[String]) -> (String, String) {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = lines.iter().position(|line| ends_message(line)).unwrap_or(lines.len());
    let message: Vec<&str> = lines[..end].iter().copied().filter(|line| !line.is_empty()).collect();
    if let Some(hint) = misplaced(error, typed) {
        return (message.join(" "), hint);
    }
    let help = || format!("`{} --help` lists what it takes", of(error, typed));
    let mut tips = lines.iter().filter_map(|line| line.strip_prefix("tip: "));
    // Whoever types an option that does not exist means an option, and no file of this name.
    let tip = tips.find(|tip| !tip.starts_with("to pass ")).map(str::to_owned);
    (message.join(" "), tip.unwrap_or_else(help))
}

/// Says where an option belongs that was typed before the command that takes it.
fn misplaced(error: &clap::Error, typed: &[String]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = error.get(ContextKind::InvalidArg)?.to_string();
    let program = arguments::command();
    let place = typed.iter().position(|word| word.starts_with(&option))?;
    let command = typed[..place].iter().find(|word| program.find_subcommand(word).is_some());
    let takes = |command: &clap::Command| {
        command.get_arguments().any(|argument| {
            let long = argument.get_long().map(|name| format!("--{name}"));
            let short = argument.get_short().map(|name| format!("-{name}"));
            long.as_ref() == Some(&option) || short.as_ref() == Some(&option)
        })
    };
    if command.is_some() {
        return None;
    }
    let later = typed[place..].iter().find_map(|word| program.find_subcommand(word));
    match later {
        Some(command) if takes(command) => Some(format!(
            "{option} belongs after the command: `lsync {} {option}`",
            command.get_name()
        )),
        None if program.find_subcommand("sync").is_some_and(takes) => {
            Some(format!("{option} belongs after a command, as in `lsync sync {option}`"))
        }
        Some(_) | None => None,
    }
}

fn ends_message(line: &str) -> bool {
    ["tip: ", "Usage: ", "For more information"].iter().any(|start| line.starts_with(start))
}

/// Returns the command that was typed, as far as it can be told.
fn of(error: &clap::Error, typed: &[String]) -> String {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let words: Vec<&str> = usage
        .split_whitespace()
        .skip_while(|word| *word == "Usage:")
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    if words.len() > 1 {
        return words.join(" ");
    }
    let program = arguments::command();
    let command = typed.iter().find(|word| program.find_subcommand(word).is_some());
    command.map_or_else(|| "lsync".to_owned(), |command| format!("lsync {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (String, String) {
        let typed: Vec<String> = line.split(' ').skip(1).map(str::to_owned).collect();
        words(&arguments::command().try_get_matches_from(line.split(' ')).unwrap_err(), &typed)
    }

    #[test]
    fn a_misspelt_option_is_named_and_a_similar_one_proposed() {
        let (message, hint) = refused("lsync sync --dryrun");
        assert_eq!(message, "unexpected argument '--dryrun' found");
        assert_eq!(hint, "a similar argument exists: '--dry-run'");
    }

    #[test]
    fn an_option_of_another_command_is_not_taken_for_a_file() {
        let (message, hint) = refused("lsync sync --force");
        assert_eq!(message, "unexpected argument '--force' found");
        assert_eq!(hint, "`lsync sync --help` lists what it takes");
    }

    #[test]
    fn an_option_before_its_command_is_told_its_place() {
        for (line, option) in [
            ("lsync -v sync", "-v"),
            ("lsync -q sync", "-q"),
            ("lsync -n sync", "-n"),
            ("lsync -vn sync docs", "-v"),
            ("lsync --json sync", "--json"),
            ("lsync -C . --dry-run sync", "--dry-run"),
        ] {
            let (message, hint) = refused(line);
            assert_eq!(message, format!("unexpected argument '{option}' found"));
            assert_eq!(hint, format!("{option} belongs after the command: `lsync sync {option}`"));
        }
        assert_eq!(refused("lsync -v").1, "-v belongs after a command, as in `lsync sync -v`");
        assert_eq!(refused("lsync --mirror sync").1, "`lsync sync --help` lists what it takes");
        assert_eq!(refused("lsync init -n b").1, "`lsync init --help` lists what it takes");
    }

    #[test]
    fn what_is_missing_is_named_and_the_help_pointed_to() {
        let (message, hint) = refused("lsync init");
        assert_eq!(message, "the following required arguments were not provided: <BUCKET>");
        assert_eq!(hint, "`lsync init --help` lists what it takes");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_the_reason() {
        let (message, hint) = refused("lsync sync --max-delete many");
        assert_eq!(hint, "`lsync sync --help` lists what it takes");
        assert!(message.starts_with("invalid value 'many' for '--max-delete <N|P%>'"), "{message}");
    }
}
