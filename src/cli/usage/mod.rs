//! Wrong usage, in the form of every other error: `error: …`, `hint: …`.

mod elsewhere;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};

use super::arguments;
use super::screen::Screen;
use super::screen::json;
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
    before_operands().any(|word| word == "--json")
        || std::env::var("LSYNC_JSON").is_ok_and(|value| arguments::boolean(&value) == Ok(true))
}

/// Takes the parser's text apart: what is wrong in one line, and what to type instead.
fn words(error: &clap::Error, typed: &[String]) -> (String, String) {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = lines.iter().position(|line| ends_message(line)).unwrap_or(lines.len());
    let message: Vec<&str> = lines[..end].iter().copied().filter(|line| !line.is_empty()).collect();
    let message = message.join(" ");
    let hint = match error.kind() {
        ErrorKind::UnknownArgument => misplaced(error, typed).or_else(|| for_option(error, typed)),
        ErrorKind::InvalidSubcommand => for_command(error, typed),
        ErrorKind::InvalidValue => {
            // Whoever types an option that does not exist means an option, and no file of this name.
            let mut tips = lines.iter().filter_map(|line| line.strip_prefix("tip: "));
            tips.find(|tip| !tip.starts_with("to pass ")).map(str::to_owned)
        }
        _ => None,
    };
    let hint = hint.or_else(|| from_variable(error, typed));
    let help = || format!("`{} --help` lists what it takes", of(error, typed));
    (message, hint.unwrap_or_else(help))
}

/// Says from which variable a value comes that nobody typed.
fn from_variable(error: &clap::Error, typed: &[String]) -> Option<String> {
    let value = error.get(ContextKind::InvalidValue)?.to_string();
    if typed.iter().any(|word| word.contains(&value)) {
        return None;
    }
    let option = error.get(ContextKind::InvalidArg)?.to_string();
    let long = option.split(' ').next()?.strip_prefix("--")?;
    let program = arguments::command();
    let commands = program.get_subcommands().chain([&program]);
    let mut all = commands.flat_map(clap::Command::get_arguments);
    let argument = all.find(|argument| argument.get_long() == Some(long))?;
    let variable = argument.get_env()?.to_str()?;
    Some(format!("the value comes from {variable}: change it, or `unset {variable}`"))
}

/// Returns what to type for a command that does not exist.
fn for_command(error: &clap::Error, typed: &[String]) -> Option<String> {
    let word = error.get(ContextKind::InvalidSubcommand)?.to_string();
    let program = arguments::command();
    let command = of(error, typed);
    let trash = program.find_subcommand("trash").filter(|_| command == "lsync trash");
    if let Some(answer) = elsewhere::command(&word, trash.is_some()) {
        return Some(answer.to_owned());
    }
    let names = trash.unwrap_or(&program).get_subcommands().map(clap::Command::get_name);
    nearest(&word, names).map(|name| format!("did you mean `{command} {name}`?"))
}

/// Returns what to type for an option that the command does not take.
fn for_option(error: &clap::Error, typed: &[String]) -> Option<String> {
    let option = error.get(ContextKind::InvalidArg)?.to_string();
    let option = option.split('=').next().unwrap_or(&option);
    if !option.starts_with('-') {
        return None;
    }
    let program = arguments::command();
    let name = of(error, typed);
    let name = name.strip_prefix("lsync ").unwrap_or_default();
    let (first, below) = name.split_once(' ').unwrap_or((name, ""));
    let command = program.find_subcommand(first);
    let command = command.map(|it| it.find_subcommand(below).unwrap_or(it));
    let here = elsewhere::spelling(option);
    let meant = here.unwrap_or(option);
    if here.is_some() && command.is_some_and(|command| takes(command, meant)) {
        return Some(format!("lsync spells it {meant}"));
    }
    let answer = elsewhere::option(first, meant).or_else(|| elsewhere::option(first, option));
    if let Some(answer) = answer {
        return Some(answer.to_owned());
    }
    let others = program.get_subcommands().filter(|command| takes(command, meant));
    let mut others: Vec<_> = others.map(|it| format!("`lsync {}`", it.get_name())).collect();
    others.sort_unstable();
    if let Some((last, first)) = others.split_last() {
        return Some(match first {
            [] => format!("{meant} is an option of {last}"),
            first => format!("{meant} is an option of {} and {last}", first.join(", ")),
        });
    }
    let longs = command.into_iter().chain([&program]).flat_map(clap::Command::get_arguments);
    let longs = longs.filter(|argument| !argument.is_hide_set()).filter_map(clap::Arg::get_long);
    let near = nearest(option.strip_prefix("--")?, longs)?;
    Some(format!("did you mean --{near}?"))
}

/// Returns the name that `typed` must be a misspelling of: few letters of it differ.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &'a str| (strsim::damerau_levenshtein(typed, name), name);
    let (distance, name) = names.map(distance).min()?;
    // `--no-delete` is no misspelling of `--delete`, nor `restore` of `resolve`.
    (distance * 4 <= name.len().max(4)).then_some(name)
}

/// Tells whether a command has an option of this name.
fn takes(command: &clap::Command, option: &str) -> bool {
    command.get_arguments().any(|argument| {
        let long = argument.get_long().map(|name| format!("--{name}"));
        let short = argument.get_short().map(|name| format!("-{name}"));
        long.as_deref() == Some(option) || short.as_deref() == Some(option)
    })
}

/// Says where an option belongs that was typed before the command that takes it.
fn misplaced(error: &clap::Error, typed: &[String]) -> Option<String> {
    let option = error.get(ContextKind::InvalidArg)?.to_string();
    let program = arguments::command();
    let place = typed.iter().position(|word| word.starts_with(&option))?;
    let command = typed[..place].iter().find(|word| program.find_subcommand(word).is_some());
    if command.is_some() {
        return None;
    }
    let later = typed[place..].iter().find_map(|word| program.find_subcommand(word));
    match later {
        Some(command) if takes(command, &option) => Some(format!(
            "{option} belongs after the command: `lsync {} {option}`",
            command.get_name()
        )),
        None if program.find_subcommand("sync").is_some_and(|sync| takes(sync, &option)) => {
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
