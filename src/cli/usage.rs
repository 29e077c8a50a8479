//! Wrong usage, in the form of every other error: `error: …`, `hint: …`.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ErrorKind};

use super::arguments::Arguments;
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
            screen.error(&message, &[], Some(&hint));
            Exit::Usage
        }
    }
}

/// Takes the parser's text apart: what is wrong in one line, and what to type instead.
fn words(error: &clap::Error, typed: &[String]) -> (String, String) {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = lines.iter().position(|line| ends_message(line)).unwrap_or(lines.len());
    let message: Vec<&str> = lines[..end].iter().copied().filter(|line| !line.is_empty()).collect();
    let help = || format!("`{} --help` lists what it takes", of(error, typed));
    let mut tips = lines.iter().filter_map(|line| line.strip_prefix("tip: "));
    // Whoever types an option that does not exist means an option, and no file of this name.
    let tip = tips.find(|tip| !tip.starts_with("to pass ")).map(str::to_owned);
    (message.join(" "), tip.unwrap_or_else(help))
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
    let program = Arguments::command();
    let command = typed.iter().find(|word| program.find_subcommand(word).is_some());
    command.map_or_else(|| "lsync".to_owned(), |command| format!("lsync {command}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn refused(line: &str) -> (String, String) {
        let typed: Vec<String> = line.split(' ').skip(1).map(str::to_owned).collect();
        words(&Arguments::try_parse_from(line.split(' ')).unwrap_err(), &typed)
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
