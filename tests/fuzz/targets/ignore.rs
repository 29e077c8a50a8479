//! `.lsyncignore`: a path is ignored exactly where git, as its sources tell, would ignore it.

use std::path::Path;

use lsync::disk::Disk as _;
use lsync::fakes::disk::MemoryDisk;
use lsync::local::{IgnoreRules, RULES_FILE};
use lsync::tree::RepoPath;

use super::parts;

/// Beyond this the oracle, which goes back at every star, would take its time.
const LINE_BYTES_MAX: usize = 48;

/// The rules of one file, and paths to ask for.
pub(crate) struct Case {
    /// The lines of the rules file that can have a meaning.
    pub(crate) rules: Vec<String>,
    /// A path, and whether it is a folder.
    pub(crate) paths: Vec<(RepoPath, bool)>,
}

impl Case {
    /// Reads the first part as rules, the second as paths, one a line, folders with `/` behind.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let parts = parts(data);
        let [rules, paths] = parts.as_slice() else { return None };
        let text = std::str::from_utf8(rules).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rules: Vec<_> = text.split('\n').map(str::to_owned).collect();
        if rules.len() > 16 || rules.iter().any(|rule| rule.len() > LINE_BYTES_MAX) {
            return None;
        }
        let paths = std::str::from_utf8(paths).ok()?.split('\n').take(32).filter_map(|line| {
            let (name, is_folder) = line.strip_suffix('/').map_or((line, false), |it| (it, true));
            let path = RepoPath::parse(name).ok().filter(|it| it.as_str().len() <= LINE_BYTES_MAX);
            Some((path?, is_folder))
        });
        Some(Self { rules, paths: paths.collect() })
    }

    /// Tells whether git reads a pattern otherwise than gitignore(5) says: what stands before the
    /// first wildcard is compared apart, so that `a**/b` begins with `**/` to it.
    pub(crate) fn has_quirk(&self) -> bool {
        self.rules.iter().any(|rule| {
            let rule = rule.strip_prefix('!').unwrap_or(rule);
            let start = rule.find(['*', '?', '[', '\\']).unwrap_or(rule.len());
            rule[start..].starts_with("**")
                && !matches!(rule[..start].chars().last(), None | Some('/'))
        })
    }

    /// Asks lsync.
    pub(crate) fn ask(&self) -> Vec<bool> {
        let disk = MemoryDisk::new();
        disk.person().write(format!("/work/{RULES_FILE}"), self.rules.join("\n"));
        let root = disk.open_path(Path::new("/work")).unwrap();
        // Each path of its own, and all with one memory of the folders passed.
        let mut shared = IgnoreRules::new(&disk, &root);
        let ask = |path: &RepoPath, is_folder| {
            let alone = IgnoreRules::new(&disk, &root).check(path, is_folder).unwrap();
            assert_eq!(shared.check(path, is_folder).unwrap(), alone, "{path}");
            alone.inspect(|rule| {
                let line: usize = rule.place.rsplit(':').next().unwrap().parse().unwrap();
                let text = self.rules[line - 1].strip_suffix('\r').unwrap_or(&self.rules[line - 1]);
                assert_eq!(text, rule.pattern, "the rule that is named stands there");
            })
        };
        let mut ask = ask;
        self.paths.iter().map(|(path, is_folder)| ask(path, *is_folder).is_some()).collect()
    }

    /// Says what git would.
    pub(crate) fn expect(&self) -> Vec<bool> {
        let patterns: Vec<_> = self.rules.iter().filter_map(|line| Pattern::read(line)).collect();
        let is_ignored = |path: &RepoPath, is_folder: bool| {
            let decides = |pattern: &&Pattern<'_>| pattern.matches(path.as_str(), is_folder);
            patterns.iter().rev().find(decides).is_some_and(|pattern| !pattern.negated)
        };
        let any = |(path, is_folder): &(RepoPath, bool)| {
            path.ancestors().any(|folder| is_ignored(&folder, true)) || is_ignored(path, *is_folder)
        };
        self.paths.iter().map(any).collect()
    }
}

pub(crate) fn target(data: &[u8]) {
    let Some(case) = Case::read(data) else { return };
    let (found, expected) = (case.ask(), case.expect());
    for ((path, found), expected) in case.paths.iter().zip(found).zip(expected) {
        assert_eq!(found, expected, "{path:?} by {:?}", case.rules);
    }
}

/// A line as git keeps it (dir.c, `parse_path_pattern`).
struct Pattern<'a> {
    text: &'a [u8],
    negated: bool,
    only_folders: bool,
    only_name: bool,
}

impl<'a> Pattern<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        // To git a line ends at a NUL byte; lsync warns of it.
        if line.starts_with('#') || line.contains('\0') {
            return None;
        }
        let line = trim(line.as_bytes());
        let (negated, text) = line.strip_prefix(b"!").map_or((false, line), |it| (true, it));
        let (text, only_folders) = text.strip_suffix(b"/").map_or((text, false), |it| (it, true));
        let only_name = !text.contains(&b'/');
        let text = if only_name { text } else { text.strip_prefix(b"/").unwrap_or(text) };
        (!line.is_empty()).then_some(Self { text, negated, only_folders, only_name })
    }

    fn matches(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let text = if self.only_name { name } else { path };
        (is_folder || !self.only_folders) && matches(self.text, text.as_bytes(), true)
    }
}

/// Cuts blanks off the end (dir.c, `trim_trailing_spaces`).
fn trim(line: &[u8]) -> &[u8] {
    let (mut at, mut end) = (0, None);
    while at < line.len() {
        match line[at] {
            b' ' => end = end.or(Some(at)),
            b'\\' => {
                at += 1;
                if at == line.len() {
                    return line;
                }
                end = None;
            }
            _ => end = None,
        }
        at += 1;
    }
    &line[..end.unwrap_or(line.len())]
}

/// Matches as wildmatch.c does with `WM_PATHNAME`; `begins` where the pattern's beginning, or a `/`
/// before it, lets `**` stand for folders.
fn matches(pattern: &[u8], text: &[u8], begins: bool) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        b'*' => {
            let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
            let rest = &pattern[stars..];
            let crosses =
                stars > 1 && begins && matches!(rest, [] | [b'/', ..] | [b'\\', b'/', ..]);
            if crosses && rest.first() == Some(&b'/') && matches(&rest[1..], text, true) {
                return true;
            }
            let reach = text.iter().position(|byte| *byte == b'/' && !crosses);
            (0..=reach.unwrap_or(text.len())).any(|skip| matches(rest, &text[skip..], false))
        }
        b'?' => text.first().is_some_and(|byte| *byte != b'/') && matches(rest, &text[1..], false),
        b'[' => match text.split_first() {
            Some((byte, behind)) => class(rest, *byte).is_some_and(|(found, rest)| {
                found && *byte != b'/' && matches(rest, behind, false)
            }),
            None => false,
        },
        b'\\' => match rest.split_first() {
            Some((literal, rest)) => {
                text.first() == Some(literal) && matches(rest, &text[1..], *literal == b'/')
            }
            None => false,
        },
        literal => text.first() == Some(literal) && matches(rest, &text[1..], *literal == b'/'),
    }
}

/// Matches a byte with a class behind its `[`; returns what follows it. `None`: it has no end.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let mut matched = false;
    let mut previous = 0;
    loop {
        let c = *pattern.get(at)?;
        let mut next = c;
        if c == b'\\' {
            at += 1;
            next = *pattern.get(at)?;
            matched |= byte == next;
        } else if c == b'-' && previous != 0 && pattern.get(at + 1).is_some_and(|it| *it != b']') {
            at += 1;
            if pattern[at] == b'\\' {
                at += 1;
            }
            matched |= (previous..=*pattern.get(at)?).contains(&byte);
            next = 0;
        } else if let Some((found, length)) = posix_class(&pattern[at..], byte).ok()? {
            matched |= found;
            at += length - 1;
            next = 0;
        } else {
            matched |= byte == c;
        }
        previous = next;
        at += 1;
        if *pattern.get(at)? == b']' {
            return Some((matched != negated, &pattern[at + 1..]));
        }
    }
}

/// A class that git does not know, or that has no end: the pattern matches nothing.
struct NoSuchClass;

/// Matches a byte with `[:name:]`, and returns its length; `None` where something else stands there.
fn posix_class(pattern: &[u8], byte: u8) -> Result<Option<(bool, usize)>, NoSuchClass> {
    let Some(rest) = pattern.strip_prefix(b"[:") else { return Ok(None) };
    let end = rest.iter().position(|byte| *byte == b']').ok_or(NoSuchClass)?;
    let Some(name) = rest[..end].strip_suffix(b":") else { return Ok(None) };
    let found = match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return Err(NoSuchClass),
    };
    Ok(Some((found, end + 3)))
}
