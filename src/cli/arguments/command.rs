//! The parser; how `--help` lists options: in groups, in one order, and by name within each.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Arguments;
use super::headings::{TALK, WHAT};

/// Returns the parser.
pub(in crate::cli) fn command() -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true);
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let command = Arguments::command()
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(help.help("Print help").help_heading(TALK))
        .arg(version.help("Print the version").help_heading(TALK))
        // `status` does nothing anyway: whoever types it there is not told off.
        .mut_subcommand("status", |status| status.mut_arg("dry_run", |option| option.hide(true)))
        .mut_subcommand("trash", |trash| trash.mut_subcommand("list", repo_first));
    let mut names = BTreeSet::new();
    collect_names(&command, &mut names);
    let names: Vec<String> = names.into_iter().collect();
    in_order(command, &names)
}

/// Puts the one option of the first group before the command's own: groups are listed as they are met.
fn repo_first(command: Command) -> Command {
    let all = Arguments::command();
    let repo = all.get_arguments().find(|option| option.get_id() == "repo");
    command.args(repo).mut_arg("json", |option| option)
}

/// Collects the names of all options.
fn collect_names(command: &Command, names: &mut BTreeSet<String>) {
    names.extend(command.get_arguments().filter_map(Arg::get_long).map(str::to_owned));
    command.get_subcommands().for_each(|below| collect_names(below, names));
}

/// Puts each option into a group, at the place of its name.
fn in_order(command: Command, names: &[String]) -> Command {
    let place = |option: Arg| match option.get_long() {
        Some(long) => {
            let rank = names.iter().position(|name| name == long);
            let option = option.display_order(rank.unwrap_or(names.len()));
            match option.get_help_heading() {
                None => option.help_heading(WHAT),
                Some(_) => option,
            }
        }
        None => option,
    };
    command.mut_args(place).mut_subcommands(|below| in_order(below, names))
}
