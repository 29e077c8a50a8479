//! `.lsyncignore`: what a person is told of the rules, and when they hold.

use crate::team::Team;

/// Returns the warnings of a command.
fn warnings(team: &Team, line: &str) -> Vec<String> {
    let output = team.run("one", line);
    output.assert_code(0);
    let lines = output.stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_rule_without_effect_is_warned_of_with_file_and_line_by_every_command() {
    let team = Team::sharing(&[("a", "a"), ("d/b", "b")]);
    team.write("one/.lsyncignore", "*.o\n!bad[\nbuild/\n!build/keep\n");
    team.write("one/d/.lsyncignore", "./x\n");
    team.write("one/build/keep", "kept");
    let told = [".lsyncignore:2: the rule \"!bad[\" ", ".lsyncignore:4: ", "d/.lsyncignore:1: "];
    let commands =
        ["status", "status --offline", "sync -n", "sync", "push", "pull", "pull d", "sync"];
    for line in commands {
        let warnings = warnings(&team, line);
        let is_told = |(warning, start): (&String, &&str)| warning.starts_with(*start);
        assert_eq!(warnings.len(), told.len(), "{line}: {warnings:?}");
        assert!(warnings.iter().zip(&told).all(is_told), "{line}: {warnings:?}");
    }
    assert!(warnings(&team, "status -q").is_empty());
    assert!(!team.bucket().contains_key("build/keep"));
    team.write("one/.lsyncignore", "*.o\n!bad\\[\nbuild/*\n!build/keep\n");
    team.remove("one/d/.lsyncignore");
    assert!(warnings(&team, "sync").is_empty());
    assert!(team.bucket().contains_key("build/keep"));
}

#[test]
fn many_rules_without_effect_are_told_once() {
    let team = Team::sharing(&[("a", "a")]);
    team.write("one/.lsyncignore", "[a\n".repeat(30));
    let told = warnings(&team, "sync");
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(told[5].starts_with("25 more rules have no effect"), "{told:?}");
    assert_eq!(warnings(&team, "status --verbose").len(), 30);
}
