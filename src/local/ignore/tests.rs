use super::*;
use crate::fakes::disk::MemoryDisk;
use crate::local::testing::{path, root, write};

fn rules(files: &[(&str, &str)]) -> (MemoryDisk, IgnoreRules<MemoryDisk>) {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    for (file, text) in files {
        write(&disk, &root, file, text.as_bytes());
    }
    let rules = IgnoreRules::new(&disk, &root);
    (disk, rules)
}

/// Returns `FILE:LINE PATTERN FAULT` of the rules without effect, and how many there are beyond.
fn ineffective(rules: &IgnoreRules<MemoryDisk>) -> (Vec<String>, u64) {
    let (ineffective, more) = rules.stack.files().ineffective();
    let shown = |rule: &crate::monitor::IneffectiveRule| {
        format!("{}:{} {} {:?}", rule.file, rule.line, rule.pattern, rule.fault)
    };
    (ineffective.iter().map(shown).collect(), more)
}

/// Returns `FILE:LINE PATTERN` of the rule; a path that ends with `/` is a folder.
fn check(rules: &mut IgnoreRules<MemoryDisk>, text: &str) -> Option<String> {
    let (name, folder) = text.strip_suffix('/').map_or((text, false), |name| (name, true));
    let rule = rules.check(&path(name), folder).unwrap();
    rule.map(|rule| format!("{} {}", rule.place, rule.pattern))
}

#[test]
fn patterns_mean_what_they_mean_to_git() {
    // gitignore(5), "Pattern format"; each line checked with git check-ignore.
    for (text, ignored, kept) in [
        ("*.o", &["a.o", "d/a.o", "d.o/"][..], &["a.c", "a.o.c"][..]),
        ("/a", &["a", "a/"], &["d/a"]),
        ("build/", &["build/", "d/build/", "build/x", "d/build/x/y"], &["build", "d/build"]),
        ("doc/a", &["doc/a", "doc/a/"], &["d/doc/a"]),
        ("doc/*.txt", &["doc/a.txt"], &["doc/d/a.txt", "d/doc/a.txt"]),
        ("**/doc/a", &["doc/a", "d/doc/a"], &["doc/b"]),
        ("doc/**", &["doc/a", "doc/d/a", "doc/d/"], &["doc/", "doc"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["b", "a/xb"]),
        ("a?c", &["abc"], &["ac", "a/c"]),
        ("[a-c]x", &["ax", "cx"], &["dx"]),
        ("[!a]x", &["bx"], &["ax"]),
        ("[!a]x", &["bx", "d/bx"], &["ax", "d/x"]),
        ("*[!a]b", &["bb"], &["d/b", "ab"]),
        ("[[:alpha:]]", &["a", "Z"], &["1", "[", ":"]),
        ("[a\\]]", &["a", "]"], &["\\"]),
        ("x[a//b]c", &["xac"], &["x/c", "xc"]),
        ("[a:b:]c", &["ac", ":c", "bc"], &["c", "xc"]),
        ("[[a:b:]]c", &["[]c", "a]c", ":]c"], &["ac", "]c"]),
        ("{a,b}", &["{a,b}"], &["a", "b"]),
        ("a**b", &["ab", "axb"], &["a/b"]),
        ("/**", &["a", "d/"], &[]),
        ("# a", &[], &["# a", "a"]),
        ("\\#a", &["#a"], &["a"]),
        ("\\!a", &["!a"], &["a"]),
        ("a  ", &["a"], &["a  "]),
        ("a\\ ", &["a "], &["a"]),
        ("a\r", &["a"], &["a\r"]),
        ("\u{feff}a", &["a"], &["\u{feff}a"]),
        ("\n\n", &[], &["a"]),
        ("*.o\n!keep.o", &["a.o"], &["keep.o", "d/keep.o"]),
        ("!keep.o\n*.o", &["keep.o"], &[]),
        ("d/\n!d/keep", &["d/", "d/keep", "d/x"], &[]),
        ("d/*\n!d/keep", &["d/x"], &["d/", "d/keep"]),
        ("*\n!*/\n!*.md", &["a", "d/a"], &["d/", "a.md", "d/a.md"]),
        ("é", &["é"], &["e\u{301}"]),
        ("A", &["A"], &["a"]),
    ] {
        let (_disk, mut rules) = rules(&[(RULES_FILE, text)]);
        for name in ignored {
            assert!(check(&mut rules, name).is_some(), "{text:?} ignores {name:?}");
        }
        for name in kept {
            assert_eq!(check(&mut rules, name), None, "{text:?} does not ignore {name:?}");
        }
        let (ineffective, more) = ineffective(&rules);
        assert!(ineffective.iter().all(|line| line.contains("FolderIgnored")), "{ineffective:?}");
        assert_eq!(more, 0, "{text:?}");
    }
}

#[test]
fn inner_files_override_outer_ones_and_count_from_their_folder() {
    let (_disk, mut rules) = rules(&[
        (".lsyncignore", "*.log\n/top\n"),
        ("a/.lsyncignore", "!keep.log\n\n/here\n"),
        ("a/b/.lsyncignore", "keep.log\n"),
    ]);
    for (name, rule) in [
        ("a.log", Some(".lsyncignore:1 *.log")),
        ("a/here", Some("a/.lsyncignore:3 /here")),
        ("a/keep.log", None),
        ("a/other.log", Some(".lsyncignore:1 *.log")),
        ("a/b/here", None),
        ("a/b/keep.log", Some("a/b/.lsyncignore:1 keep.log")),
        ("a/c/keep.log", None),
        ("a/top", None),
        ("here", None),
        ("keep.log", Some(".lsyncignore:1 *.log")),
        ("top", Some(".lsyncignore:2 /top")),
        ("a/keep.log", None),
        (".lsyncignore", None),
        ("a/.lsyncignore", None),
    ] {
        assert_eq!(check(&mut rules, name).as_deref(), rule, "{name}");
    }
}

#[test]
fn an_ignored_folder_ignores_all_below_whatever_its_own_rules_say() {
    let (_disk, mut rules) =
        rules(&[(".lsyncignore", "out/\n"), ("out/.lsyncignore", "!*\n"), ("out/d/x", "")]);
    for name in ["out/", "out/x", "out/d/", "out/d/x", "out/d/e/f", "d/out/x"] {
        assert_eq!(check(&mut rules, name).as_deref(), Some(".lsyncignore:1 out/"), "{name}");
    }
    assert_eq!(check(&mut rules, "out"), None);
}

#[test]
fn folders_that_do_not_exist_here_are_subject_to_the_rules_above() {
    let (disk, mut rules) = rules(&[("a/.lsyncignore", "*.tmp\n"), ("file", "")]);
    disk.person().symlink("a", "/copy/away");
    for (name, ignored) in [
        ("a/gone/x.tmp", true),
        ("a/gone/deeper/x.tmp", true),
        ("a/gone/x", false),
        ("away/x.tmp", false),
        ("file/x.tmp", false),
        ("gone/x.tmp", false),
    ] {
        assert_eq!(check(&mut rules, name).is_some(), ignored, "{name}");
    }
}

#[test]
fn the_rules_file_itself_may_be_ignored() {
    let (_disk, mut rules) = rules(&[(".lsyncignore", ".lsyncignore\n*.o\n")]);
    assert!(check(&mut rules, ".lsyncignore").is_some());
    assert!(check(&mut rules, "a.o").is_some());
}

#[test]
fn bad_lines_are_reported_and_the_others_hold() {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    write(&disk, &root, "d/.lsyncignore", b"*.o\n[a-z\n\xff\xfe\n*.p\n!bad[\n./x\n");
    let mut rules = IgnoreRules::new(&disk, &root);
    assert!(check(&mut rules, "d/a.o").is_some());
    assert_eq!(check(&mut rules, "d/a.p").as_deref(), Some("d/.lsyncignore:4 *.p"));
    let expected = [
        "d/.lsyncignore:2 [a-z UnclosedClass",
        "d/.lsyncignore:3 \u{fffd}\u{fffd} NotUtf8",
        "d/.lsyncignore:5 !bad[ UnclosedClass",
        "d/.lsyncignore:6 ./x DotComponent",
    ];
    assert_eq!(ineffective(&rules), (expected.map(str::to_owned).to_vec(), 0));
    assert!(check(&mut rules, "e").is_none() && check(&mut rules, "d/b.o").is_some());
    assert_eq!(ineffective(&rules).0.len(), expected.len(), "a file read twice counts once");
}

#[test]
fn nothing_can_be_taken_back_out_of_an_ignored_folder() {
    let (_disk, mut rules) = rules(&[
        (".lsyncignore", "out/\n!out/keep\n!/out/d/keep/\n!out/\n!lib/a\n!*/b\ntmp\n"),
        ("d/.lsyncignore", "!tmp/a\n!own/a\n"),
        ("e/.lsyncignore", "!tmp\n!tmp/a\n"),
    ]);
    // The line behind takes the folder itself back.
    assert_eq!(check(&mut rules, "out/keep"), None);
    assert!(check(&mut rules, "d/tmp/a").is_some());
    assert_eq!(check(&mut rules, "e/tmp/a"), None);
    let folder = "FolderIgnored { folder: \"d/tmp\", place: \".lsyncignore:7\" }";
    assert_eq!(ineffective(&rules), (vec![format!("d/.lsyncignore:1 !tmp/a {folder}")], 0));
}

#[test]
fn of_many_rules_without_effect_some_are_kept_and_all_are_counted() {
    let (_disk, mut rules) = rules(&[
        (".lsyncignore", &"[a-z\n".repeat(60)),
        ("a/.lsyncignore", &"[a-z\n".repeat(60)),
        ("b/.lsyncignore", "[a-z\n"),
    ]);
    for name in ["a/x", "b/x", "a/y"] {
        assert_eq!(check(&mut rules, name), None);
    }
    let (kept, more) = ineffective(&rules);
    assert_eq!((kept.len(), more), (100, 21));
}

#[test]
fn below_rules_that_cannot_be_read_nothing_is_decided() {
    let large = "#".repeat(usize::try_from(RULES_FILE_BYTES_MAX).unwrap() + 1);
    let (disk, mut rules) = rules(&[
        ("large/.lsyncignore", &large),
        ("shut/.lsyncignore", ""),
        ("d/.lsyncignore/x", ""),
    ]);
    disk.person().set_mode("/copy/shut/.lsyncignore", 0);
    disk.person().symlink("../rules", "/copy/link/.lsyncignore");
    disk.person().pipe("/copy/pipe/.lsyncignore");
    for (name, reason) in [
        ("large/a", "cannot read large/.lsyncignore: "),
        ("large/d/a", "cannot read large/.lsyncignore: "),
        ("link/a", "cannot read link/.lsyncignore: it is a link"),
        ("pipe/a", "cannot read pipe/.lsyncignore: it is no regular file"),
        ("shut/a", "cannot read shut/.lsyncignore: Permission denied"),
    ] {
        let error = rules.check(&path(name), false).unwrap_err().to_string();
        assert!(error.starts_with(reason), "{name}: {error}");
    }
    for name in ["a", "d/a", "large", "shut"] {
        assert_eq!(check(&mut rules, name), None, "{name}");
    }
}

#[test]
fn a_rules_file_of_the_largest_size_is_read() {
    let text = format!("*.o\n{}", "#".repeat(usize::try_from(RULES_FILE_BYTES_MAX).unwrap() - 4));
    let (_disk, mut rules) = rules(&[(".lsyncignore", &text)]);
    assert!(check(&mut rules, "a.o").is_some());
}

#[test]
fn rules_files_are_read_once_while_paths_come_in_order() {
    let (disk, mut rules) = rules(&[(".lsyncignore", "*.o\n"), ("a/.lsyncignore", "*.p\n")]);
    assert!(check(&mut rules, "a/a.o").is_some());
    let root = root(&disk);
    write(&disk, &root, ".lsyncignore", b"");
    write(&disk, &root, "a/.lsyncignore", b"");
    for name in ["a/b.p", "a/c/d.p", "a/d.o", "b.o"] {
        assert!(check(&mut rules, name).is_some(), "{name}");
    }
}
