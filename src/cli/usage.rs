//! Wrong usage, in the form of every other error: `error: …`, `hint: …`.

use clap::error::{ContextKind, ErrorKind};

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
            let (message, hint) = words(error);
            screen.error(&message, &[], Some(&hint));
            Exit::Usage
        }
    }
}

/// Takes the parser's text apart: what is wrong in one line, and what to type instead.
fn words(error: &clap::Error) -> (String, String) {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = lines.iter().position(|line| ends_message(line)).unwrap_or(lines.len());
    let message: Vec<&str> = lines[..end].iter().copied().filter(|line| !line.is_empty()).collect();
    let tip = lines.iter().find_map(|line| line.strip_prefix("tip: ")).map(str::to_owned);
    (
        message.join(" "),
        tip.unwrap_or_else(|| format!("`{} --help` lists what it takes", of(error))),
    )
}

fn ends_message(line: &str) -> bool {
    ["tip: ", "Usage: ", "For more information"].iter().any(|start| line.starts_with(start))
}

/// Returns the command that was typed, as far as the parser understood it.
fn of(error: &clap::Error) -> String {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let words: Vec<&str> = usage
        .split_whitespace()
        .skip_while(|word| *word == "Usage:")
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    if words.is_empty() { "lsync".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::arguments::Arguments;
    use super::*;

    fn refused(line: &str) -> (String, String) {
        words(&Arguments::try_parse_from(line.split(' ')).unwrap_err())
    }

    #[test]
    fn a_misspelt_option_is_named_and_a_similar_one_proposed() {
        let (message, hint) = refused("lsync sync --dryrun");
        assert_eq!(message, "unexpected argument '--dryrun' found");
        assert_eq!(hint, "a similar argument exists: '--dry-run'");
    }

    #[test]
    fn what_is_missing_is_named_and_the_help_pointed_to() {
        let (message, hint) = refused("lsync init");
        assert_eq!(message, "the following required arguments were not provided: <BUCKET>");
        assert_eq!(hint, "`lsync init --help` lists what it takes");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_the_reason() {
        let (message, _) = refused("lsync sync --max-delete many");
        assert!(message.starts_with("invalid value 'many' for '--max-delete <N|P%>'"), "{message}");
    }
}
