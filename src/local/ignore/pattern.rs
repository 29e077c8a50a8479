//! Puts a line of a rules file into the dialect of the matcher.
//!
//! The matcher (`ignore`, on `globset`) differs from git (wildmatch.c) in what matters here: it
//! takes braces for alternatives, lets `[!a]` match `/`, knows no `[[:alpha:]]` and no `\` in
//! classes, and takes a line of nothing but `!` or `\/` for everything.

use std::iter::Peekable;
use std::str::Chars;

use crate::monitor::RuleFault;

/// The characters of the classes of POSIX, as far as ASCII goes; git knows no others.
const CLASSES: [(&str, &[(char, char)]); 12] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("blank", &[(' ', ' '), ('\t', '\t')]),
    ("cntrl", &[('\u{1}', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[(' ', ' '), ('\t', '\r')]),
    ("upper", &[('A', 'Z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// Translates a line; `None` where it is empty or a comment, an error where it can match nothing.
pub(super) fn translate(line: &str) -> Result<Option<String>, RuleFault> {
    let line = trim(line);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (negation, rest) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest));
    let (rest, only_folders) = rest.strip_suffix('/').map_or((rest, ""), |rest| (rest, "/"));
    // The matcher adds this itself, but is misled by a slash within a class.
    let anchor = if rest.contains('/') { "/" } else { "**/" };
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Err(RuleFault::NamesNothing);
    }
    if rest.ends_with('/') {
        return Err(RuleFault::EmptyComponent);
    }
    if rest.contains('\0') {
        return Err(RuleFault::Nul);
    }
    if rest.split('/').any(|component| matches!(component, "." | "..")) {
        return Err(RuleFault::DotComponent);
    }
    Ok(Some(format!("{negation}{anchor}{}{only_folders}", translate_body(rest)?)))
}

/// Returns the name of the folder beside the rules file out of which a line takes something back, as
/// in `!folder/file`; `None` where it takes nothing back, or the folder's name is not spelled out.
pub(super) fn taken_back_from(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('!')?;
    let (folder, below) = rest.strip_prefix('/').unwrap_or(rest).split_once('/')?;
    let is_literal = !folder.contains(['*', '?', '[', '\\']);
    (is_literal && !trim(below).is_empty()).then_some(folder)
}

/// Cuts off blanks at the end, but not one behind a backslash.
fn trim(line: &str) -> &str {
    let text = line.trim_end_matches(' ');
    let backslashes = text.len() - text.trim_end_matches('\\').len();
    let kept = usize::from(backslashes % 2 == 1 && text.len() < line.len());
    &line[..text.len() + kept]
}

fn translate_body(body: &str) -> Result<String, RuleFault> {
    let mut glob = String::with_capacity(body.len());
    let mut rest = body.chars().peekable();
    let mut before = '/';
    while let Some(c) = rest.next() {
        let mut last = c;
        match c {
            '*' => {
                let mut stars = 1;
                while rest.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                // Two or more mean folders only as a whole component.
                let component = before == '/' && rest.peek().is_none_or(|next| *next == '/');
                glob.push_str(if stars > 1 && component { "**" } else { "*" });
            }
            '?' => glob.push('?'),
            '/' if before == '/' => return Err(RuleFault::EmptyComponent),
            '[' => push_class(&mut glob, &mut rest)?,
            '\\' => {
                last = rest.next().ok_or(RuleFault::LoneBackslash)?;
                push_literal(&mut glob, last);
            }
            _ => push_literal(&mut glob, c),
        }
        before = last;
    }
    Ok(glob)
}

/// Adds a character that stands for itself.
fn push_literal(glob: &mut String, c: char) {
    match c {
        // The matcher would trim the one and unescape the other at the end of the line.
        '\\' => glob.push_str("[\0\\]"),
        c if c.is_whitespace() => glob.extend(['[', '\0', c, ']']),
        '*' | '?' | '[' | ']' | '{' | '}' | '!' | '#' => glob.extend(['\\', c]),
        _ => glob.push(c),
    }
}

/// Adds a class, of which the `[` has been read.
fn push_class(glob: &mut String, rest: &mut Peekable<Chars<'_>>) -> Result<(), RuleFault> {
    let negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = parse_class(rest)?;
    // Of the matcher's own signs, `]` has to come first and `-` last; `!` and `^` must not come
    // first. NUL, which no name holds, takes that place.
    let bracket = remove(&mut ranges, ']');
    let dash = remove(&mut ranges, '-');
    if !negated {
        remove(&mut ranges, '/');
    }
    if !negated && !bracket && !dash && ranges.is_empty() {
        return Err(RuleFault::EmptyClass);
    }
    glob.push_str(if negated { "[!" } else { "[" });
    glob.push(if bracket { ']' } else { '\0' });
    if negated {
        glob.push('/');
    }
    for (low, high) in ranges {
        glob.push(low);
        if high > low {
            glob.extend(['-', high]);
        }
    }
    glob.push_str(if dash { "-]" } else { "]" });
    Ok(())
}

/// Reads a class up to its `]`, as wildmatch.c does.
fn parse_class(rest: &mut Peekable<Chars<'_>>) -> Result<Vec<(char, char)>, RuleFault> {
    let mut ranges = Vec::new();
    let mut low = None;
    let mut c = rest.next().ok_or(RuleFault::UnclosedClass)?;
    loop {
        let closes = |next: Option<&char>| next.is_none_or(|next| *next == ']');
        if let ('-', Some(start), false) = (c, low, closes(rest.peek())) {
            let mut end = rest.next().ok_or(RuleFault::UnclosedClass)?;
            if end == '\\' {
                end = rest.next().ok_or(RuleFault::UnclosedClass)?;
            }
            ranges.push((start, end));
            low = None;
        } else if c == '['
            && let Some(class) = posix_class(rest)
        {
            ranges.extend_from_slice(class?);
            low = None;
        } else {
            if c == '\\' {
                c = rest.next().ok_or(RuleFault::UnclosedClass)?;
            }
            ranges.push((c, c));
            low = Some(c);
        }
        c = rest.next().ok_or(RuleFault::UnclosedClass)?;
        if c == ']' {
            ranges.retain(|(low, high)| low <= high);
            return Ok(ranges);
        }
    }
}

/// Reads `:name:]` if that comes next.
fn posix_class(
    rest: &mut Peekable<Chars<'_>>,
) -> Option<Result<&'static [(char, char)], RuleFault>> {
    let text: String = rest.clone().take_while(|c| *c != ']').collect();
    let name = text.strip_prefix(':')?.strip_suffix(':')?;
    rest.nth(text.chars().count());
    let class = CLASSES.iter().find(|(known, _)| *known == name);
    Some(class.map(|(_, ranges)| *ranges).ok_or(RuleFault::UnknownClass))
}

/// Takes an ASCII character out of the ranges; tells whether it was in.
fn remove(ranges: &mut Vec<(char, char)>, c: char) -> bool {
    let mut kept = Vec::with_capacity(ranges.len() + 1);
    let mut found = false;
    for (low, high) in ranges.drain(..) {
        if !(low..=high).contains(&c) {
            kept.push((low, high));
            continue;
        }
        found = true;
        let neighbour = |step: i32| u32::from(c).checked_add_signed(step).and_then(char::from_u32);
        let left = neighbour(-1).map(|before| (low, before));
        let right = neighbour(1).map(|after| (after, high));
        kept.extend(left.into_iter().chain(right).filter(|(low, high)| low <= high));
    }
    *ranges = kept;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_into_the_words_of_the_matcher() {
        for (line, glob) in [
            ("a", "**/a"),
            ("/a", "/a"),
            ("a/b/", "/a/b/"),
            ("!a/", "!**/a/"),
            ("a**b/***", "/a*b/**"),
            ("**/a", "/**/a"),
            ("{a,b}", "**/\\{a,b\\}"),
            ("a b", "**/a[\0 ]b"),
            ("[!a]", "**/[!\0/a]"),
            ("[]-]", "**/[]-]"),
            ("[+-9]", "**/[\0++-,.0-9-]"),
            ("[\\]a]", "**/[]a]"),
            ("[[:digit:]x]", "**/[\x000-9x]"),
            ("[b-a]", "**/[\0b]"),
        ] {
            assert_eq!(translate(line), Ok(Some(glob.to_owned())), "{line:?}");
        }
    }

    #[test]
    fn lines_without_a_rule_are_told_from_rules_without_a_meaning() {
        for line in ["", "   ", "#a"] {
            assert_eq!(translate(line), Ok(None), "{line:?}");
        }
        for (line, fault) in [
            ("!", RuleFault::NamesNothing),
            ("/", RuleFault::NamesNothing),
            ("!/", RuleFault::NamesNothing),
            ("//", RuleFault::NamesNothing),
            ("a//b", RuleFault::EmptyComponent),
            ("**//", RuleFault::EmptyComponent),
            ("./a", RuleFault::DotComponent),
            ("!../a", RuleFault::DotComponent),
            ("a/./b", RuleFault::DotComponent),
            (".", RuleFault::DotComponent),
            ("a/..", RuleFault::DotComponent),
            ("a\0", RuleFault::Nul),
            ("a\\", RuleFault::LoneBackslash),
            ("\\/", RuleFault::LoneBackslash),
            ("[a", RuleFault::UnclosedClass),
            ("!bad[", RuleFault::UnclosedClass),
            ("[]", RuleFault::UnclosedClass),
            ("[[:what:]]", RuleFault::UnknownClass),
            ("a[/]b", RuleFault::EmptyClass),
        ] {
            assert_eq!(translate(line), Err(fault), "{line:?}");
        }
    }
}
