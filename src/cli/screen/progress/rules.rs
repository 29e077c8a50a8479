//! Rules without effect, in words.

use crate::cli::screen::render::floods::ALL;
use crate::cli::screen::text::{count, number};
use crate::monitor::{IneffectiveRule, RuleFault};

/// How many are told unless all are asked for.
const TOLD_MAX: usize = 5;

/// Says which rules have no effect and why, a line each: the first few, or all that are known; then
/// how many there are beyond.
pub(super) fn lines(
    rules: &[IneffectiveRule],
    more: u64,
    verbose: bool,
) -> impl Iterator<Item = String> {
    let told = if verbose { rules.len() } else { rules.len().min(TOLD_MAX) };
    let hidden = (rules.len() - told) as u64;
    let rest = match (hidden, more) {
        (0, 0) => None,
        (0, _) => Some(format!("{} more rules have no effect", number(more))),
        _ => {
            let rest = count(hidden + more, "more rule has", "more rules have");
            Some(format!("{rest} no effect; {ALL}"))
        }
    };
    rules[..told].iter().map(line).chain(rest)
}

fn line(rule: &IneffectiveRule) -> String {
    let IneffectiveRule { file, line, pattern, fault } = rule;
    format!("{file}:{line}: the rule \"{pattern}\" has no effect: {}", why(fault))
}

fn why(fault: &RuleFault) -> String {
    let plain = match fault {
        RuleFault::NotUtf8 => "it is not UTF-8",
        RuleFault::Nul => "no name has a NUL byte",
        RuleFault::NamesNothing => "it names nothing",
        RuleFault::EmptyComponent => "no path has two slashes in a row",
        RuleFault::DotComponent => {
            "no path has a `.` or `..` in it; a rule begins with `/` to count from its own folder"
        }
        RuleFault::LoneBackslash => "it ends with a single backslash",
        RuleFault::UnclosedClass => "its `[` is not closed; `\\[` means the character itself",
        RuleFault::UnknownClass => "it names an unknown class of characters",
        RuleFault::EmptyClass => "its `[…]` holds no character that a name can have",
        RuleFault::Refused(reason) => return reason.clone(),
        RuleFault::FolderIgnored { folder, place } => {
            return format!(
                "the folder {folder} is ignored by {place}, and nothing in an ignored folder is \
                 looked at"
            );
        }
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(line: usize) -> IneffectiveRule {
        let fault = RuleFault::UnclosedClass;
        IneffectiveRule {
            file: ".lsyncignore".to_owned(),
            line,
            pattern: "!bad[".to_owned(),
            fault,
        }
    }

    #[test]
    fn the_first_five_are_named_and_the_others_counted() {
        let told = |count: usize, more, verbose| {
            lines(&(1..=count).map(bad).collect::<Vec<_>>(), more, verbose).collect::<Vec<_>>()
        };
        assert_eq!(
            told(1, 0, false),
            [
                ".lsyncignore:1: the rule \"!bad[\" has no effect: its `[` is not closed; `\\[` means \
              the character itself"
            ]
        );
        assert_eq!(told(5, 0, false).len(), 5);
        assert_eq!(told(6, 0, false)[5], "1 more rule has no effect; --verbose names all");
        assert_eq!(
            told(100, 1_200, false)[5],
            "1,295 more rules have no effect; --verbose names all"
        );
        assert_eq!(told(100, 0, true).len(), 100);
        assert_eq!(told(100, 1_200, true)[100], "1,200 more rules have no effect");
    }
}
