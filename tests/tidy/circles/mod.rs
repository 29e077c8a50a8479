//! No circle of files: what a file stands on can be read without the file.
//!
//! A file has an arrow to another where its production code uses something that is defined there:
//! a type, function or constant by its path, through imports and re-exports; a field; a method, where
//! what is declared says of which type the receiver is. Arrows that lead back form a circle.
//!
//! An import is an arrow, too, unless it hands on what it imports: nothing but a trait or a constant in
//! a text is imported and then not named. A `mod` is none.
//!
//! What cannot be seen: methods of values whose type is nowhere declared (what a function gives back
//! in a tuple, what `match` and `if` give, what is in a map), and methods of traits that are not the
//! crate's where a type has several blocks of one, as of `From`.

mod filling;
mod graph;
mod names;
mod reading;
mod sources;
mod tokens;
mod types;
mod walking;

use graph::Graph;

/// Returns the first line of production code in which a name stands.
fn line_of(text: &str, name: &str) -> usize {
    let is_there = |line: &str| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    };
    let lines = crate::code(text);
    lines.iter().find(|(_, line)| is_there(line)).map_or(1, |(number, _)| *number)
}

/// Finds arrows in circles.
fn in_circles(files: &[(String, String)]) -> Vec<String> {
    let graph = Graph::of(files);
    let say = |(from, to): (usize, usize)| {
        let arrow = graph.written((from, to));
        let name = &graph.arrows[from][&to];
        let text = files.iter().find(|(file, _)| *file == graph.files[from]);
        let line = text.map_or(1, |(_, text)| line_of(text, name));
        let back = graph.way(to, from);
        let back: Vec<_> = back.into_iter().map(|it| graph.files[it].as_str()).collect();
        format!("{arrow}: uses {name} (line {line}), and {}", back.join(" -> "))
    };
    graph.in_circles().into_iter().map(say).collect()
}

#[test]
fn no_circle_of_files_stands_in_the_sources() {
    crate::assert_none(&in_circles(&crate::sources()));
}

/// Returns what the rule says of files below `src/`.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> =
        files.iter().map(|(name, text)| (format!("src/{name}"), (*text).to_owned())).collect();
    in_circles(&files)
}

/// Two files, each with a type, beside which a case puts two more.
const TYPES: [(&str, &str); 2] = [
    ("thing.rs", "pub struct Thing;"),
    (
        "owner.rs",
        "use crate::thing::Thing;\npub struct Owner { pub thing: Option<std::sync::Arc<Thing>> }",
    ),
];

/// The file `a.rs`: gives a method to a type of another file, and uses the file that calls it.
const METHOD: &str =
    "use crate::thing::Thing;\nimpl Thing { pub fn act(&self) { crate::b::help() } }";

#[test]
fn the_rule_sees_circles_of_two_files() {
    for (a, b) in [
        ("use crate::b::B;\npub struct A(B);", "use super::a::A;\npub struct B(Vec<A>);"),
        ("use crate::b::{self as other};\nfn f() { other::g() }", "fn g() { crate::a::f() }"),
        ("pub fn f() { super::b::g() }", "pub fn g() { let _ = crate::a::f; }"),
        ("pub const A: u8 = crate::b::B;", "pub const B: u8 = 1 + lsync::a::A;"),
        (
            "pub enum A { One }\nuse crate::b::B;",
            "impl B { }\npub struct B;\nuse crate::a::A::One;",
        ),
        ("use crate::b::*;\nfn f() { g() }", "pub fn g() { crate::a::f() }"),
        ("pub fn f() { format!(\"{}\", crate::b::g()); }", "fn g() -> u8 { crate::a::f() }"),
        ("fn f() { assert!(matches!(x(), crate::b::B { .. })) }", "struct B(crate::a::f);"),
        ("fn f() { odd! { if => super::b::g() } }", "fn g() { crate::a::f() }"),
        (
            "fn f() { select! { biased; () = crate::b::g() => return, } }",
            "fn g() { crate::a::f() }",
        ),
        (
            "pub trait Does { fn does(&self) { crate::b::g() } }",
            "use crate::a::Does as _;\npub fn g() {}",
        ),
        ("#[serde(with = \"crate::b::seconds\")]\nstruct A;", "fn seconds(_: crate::a::A) {}"),
    ] {
        let found = said(&[("a.rs", a), ("b.rs", b), ("lib.rs", "mod a;\nmod b;")]);
        assert_eq!(found.len(), 2, "{a}\n{b}\n{found:?}");
    }
}

#[test]
fn the_rule_sees_circles_by_methods() {
    for b in [
        "use crate::thing::Thing;\npub fn help() {}\nfn f(thing: &Thing) { thing.act() }",
        "use crate::thing::Thing;\npub fn help() {}\nfn f((thing, _): (&Thing, u8)) { thing.act() }",
        "use crate::thing::Thing;\npub fn help() { let it = Thing; it.act() }",
        "use crate::thing::Thing;\npub fn help() { let it: Thing = f(); it.act() }",
        "use crate::thing::Thing;\npub fn help() { Thing::act(&g()) }",
        "use crate::thing::Thing;\npub fn help() { f().act() }\nfn f() -> Thing { Thing }",
        "use crate::thing::Thing;\npub fn help(all: &[Thing]) { for one in all { one.act() } }",
        "use crate::thing::Thing;\npub fn help(all: &[Thing]) { all.iter().map(|one| one.act()) }",
        "pub fn help() {}\nimpl crate::thing::Thing { fn more(&self) { self.act() } }",
        "pub fn help() {}\nimpl crate::thing::Thing { fn more() { Self::act() } }",
        "pub fn help() {}\nimpl crate::owner::Owner { fn f(&self) { self.thing.unwrap().act() } }",
        "pub fn help() {}\nfn f(it: &crate::owner::Owner) { if let Some(it) = &it.thing { it.act() } }",
        "pub fn help() {}\nfn f(it: &crate::thing::Thing) { odd!(if it => it.act()) }",
    ] {
        let lib = "mod a;\nmod b;\nmod owner;\nmod thing;";
        let found = said(&[TYPES[0], TYPES[1], ("a.rs", METHOD), ("b.rs", b), ("lib.rs", lib)]);
        assert_eq!(found.len(), 2, "{b}\n{found:?}");
    }
}

#[test]
fn the_rule_sees_circles_through_what_is_handed_on() {
    let found = said(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod a;\nmod b;\npub use a::A;\npub(crate) use b::help as g;"),
        ("m/a.rs", "pub struct A;\nfn f() {\n    super::g()\n}"),
        ("m/b.rs", "use super::A;\npub fn help() -> A {}"),
    ]);
    let says = [
        "src/m/a.rs -> src/m/b.rs: uses g (line 3), and src/m/b.rs -> src/m/a.rs",
        "src/m/b.rs -> src/m/a.rs: uses A (line 1), and src/m/a.rs -> src/m/b.rs",
    ];
    assert_eq!(found, says);
}

#[test]
fn the_rule_sees_circles_of_a_folder_and_its_head() {
    let head = "mod more;\npub struct Whole;\nimpl Whole { fn f(&self) { self.g() } }";
    let more = "impl super::Whole { pub(super) fn g(&self) {} }";
    let found = said(&[("lib.rs", "mod m;"), ("m/mod.rs", head), ("m/more.rs", more)]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_rule_lets_pass_what_is_no_circle() {
    let lib = ("lib.rs", "mod m;");
    let below = ("m/a.rs", "use super::LIMIT;\npub fn f() -> u8 { LIMIT }");
    for head in [
        "mod a;\npub use a::f;\npub const LIMIT: u8 = 1;",
        "pub mod a;\npub(in crate::m) use a::{self as b, f as g};\npub const LIMIT: u8 = 1;",
        "mod a;\n/// As [`a::f`].\n// a::f()\npub const LIMIT: u8 = 1;",
        "mod a;\npub const LIMIT: u8 = 1;\nconst TEXT: &str = \"a::f()\";",
        "mod a;\npub const LIMIT: u8 = 1;\n#[cfg(test)]\nmod tests { use super::a::f; }",
        "mod a;\npub const LIMIT: u8 = 1;\n#[cfg(test)]\nfn g() { a::f() }",
    ] {
        crate::assert_none(&said(&[lib, ("m/mod.rs", head), below]));
    }
    let head = "mod a;\n#[cfg(test)]\nmod b;\npub const LIMIT: u8 = 1;\nfn g() { b::h() }";
    let of_tests = ("m/b.rs", "pub fn h() { super::g() }");
    crate::assert_none(&said(&[lib, ("m/mod.rs", head), below, of_tests]));
    let head = "mod a;\npub use a::f;\npub const LIMIT: u8 = 1;\nfn g(f: u8) -> u8 { f }";
    crate::assert_none(&said(&[lib, ("m/mod.rs", head), below]));
}
