//! The oracle of the rules is held against git itself, where there is one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::corpus;
use super::mutate::Source;
use super::targets::ignore::Case;

/// How many rules files are shown to git.
const CASES: u64 = 300;

/// Makes one folder of a case, with its rules and its paths; returns what to ask for.
///
/// What cannot lie there together with the rest is left out.
#[expect(clippy::disallowed_methods, reason = "a temporary folder of a test")]
fn lay_out(top: &Path, index: usize, case: &mut Case) -> Vec<String> {
    let folder = top.join(index.to_string());
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(".gitignore"), case.rules.join("\n")).unwrap();
    case.paths.retain(|(path, is_folder)| {
        let place = folder.join(path.as_str());
        let is_special = path.components().any(|name| name.eq_ignore_ascii_case(".git"));
        let made = place.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok())
            && if *is_folder {
                fs::create_dir_all(&place).is_ok()
            } else {
                !place.exists() && fs::write(&place, "").is_ok()
            };
        made && !is_special
    });
    case.paths.iter().map(|(path, _)| format!("{index}/{path}")).collect()
}

/// Asks git which of the paths it ignores.
fn ask_git(top: &Path, paths: &[String]) -> Vec<bool> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "core.ignoreCase=false"]).args(arguments).current_dir(top);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        command
    };
    assert!(git(&["init", "-q"]).status().unwrap().success());
    let mut asking = git(&["check-ignore", "--no-index", "-z", "--stdin", "-v", "-n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = asking.stdin.take().unwrap();
    let question = paths.join("\0") + "\0";
    let writer = std::thread::spawn(move || input.write_all(question.as_bytes()).unwrap());
    let output = asking.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let fields: Vec<_> = output.split(|byte| *byte == 0).collect();
    let answers: Vec<_> = fields.chunks_exact(4).collect();
    assert_eq!(answers.len(), paths.len(), "git answers once for each");
    // Source, line, pattern, path: no pattern is no rule, `!` takes one back.
    answers.iter().map(|it| !it[2].is_empty() && !it[2].starts_with(b"!")).collect()
}

#[test]
fn what_the_oracle_of_the_rules_says_is_what_git_does() {
    let top = tempfile::tempdir().unwrap();
    let samples = corpus("ignore");
    let words =
        ["*", "**", "?", "[", "]", "!", "-", "\\", "/", " ", "a", "b", "é", "/**/", "[:alpha:]"];
    let source = Source { samples: &samples, words: &words };
    let inputs = samples.iter().cloned().chain((0..CASES).map(|seed| source.input(seed)));
    let mut cases: Vec<_> = inputs
        .filter_map(|input| Case::read(&input))
        .filter(|case| !case.has_quirk() && !case.rules.iter().any(|rule| rule.contains('\0')))
        .collect();
    let questions: Vec<_> = cases
        .iter_mut()
        .enumerate()
        .flat_map(|(index, case)| lay_out(top.path(), index, case))
        .collect();
    assert!(questions.len() > 1_000, "only {} paths", questions.len());
    let mut answers = ask_git(top.path(), &questions).into_iter();
    for case in &cases {
        for ((path, is_folder), expected) in case.paths.iter().zip(case.expect()) {
            let answer = answers.next().unwrap();
            assert_eq!(expected, answer, "{path:?} (folder: {is_folder}) by {:?}", case.rules);
        }
    }
}
