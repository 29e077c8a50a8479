//! Random trees, and what people and tools do to them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::path;
use super::model::{World, child, clear};
use crate::tree::RepoPath;

/// Names whose order, case or form is easily mistaken; `-` and `.` sort before `/`, `0` after it.
const NAMES: [&str; 10] = ["a", "a.", "a-", "a0", "A", "b", "é", "e\u{301}", ".lsyncignore", "a"];

/// Names that a rule may ignore.
const IGNORABLE: [&str; 3] = ["b", "a-", "A"];

/// One thing that a person or a tool does to one side.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// New contents at a name, whatever is in the way.
    Write(String),
    /// New contents of a file.
    Change(Index),
    /// A file goes.
    Delete(Index),
    /// The same contents, another stat or `ETag`.
    Touch(Index),
    /// A file becomes a folder with one file.
    Unfold(Index, &'static str),
    /// The folder of a file becomes a file.
    Fold(Index),
    /// A file gets another name.
    Rename(Index, String),
    /// A file gets the contents that it has on the other side.
    Take(Index),
    /// A key appears below the key of a file (only in the bucket).
    Beside(Index, &'static str),
    /// A file becomes a link (only here).
    Link(Index),
}

/// A beginning, and what happens to it on both sides.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) base: Vec<String>,
    pub(super) ignored_before: Vec<&'static str>,
    pub(super) local: Vec<Edit>,
    pub(super) remote: Vec<Edit>,
    pub(super) ignored_after: Vec<&'static str>,
    pub(super) file_beside_folder: bool,
    pub(super) pages: Vec<usize>,
    pub(super) seed: u64,
}

pub(super) fn story() -> impl Strategy<Value = Story> {
    let ignored = || prop::collection::vec(prop::sample::select(&IGNORABLE[..]), 0..2);
    (
        prop::collection::vec(name(), 0..9),
        ignored(),
        edits(),
        edits(),
        ignored(),
        any::<bool>(),
        prop::collection::vec(0..4_usize, 0..6),
        any::<u64>(),
    )
        .prop_map(|(base, before, local, remote, after, file_beside_folder, pages, seed)| {
            Story {
                base,
                ignored_before: before.clone(),
                local,
                remote,
                // Rules change in one story of four.
                ignored_after: if seed % 4 == 0 { after } else { before },
                file_beside_folder,
                pages,
                seed,
            }
        })
}

pub(super) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 0..6)
}

fn name() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        3 => prop::collection::vec(name(), 1..=1),
        4 => prop::collection::vec(name(), 2..=2),
        2 => prop::collection::vec(name(), 3..=4),
    ]
    .prop_map(|names| names.join("/"))
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    let child = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        4 => name().prop_map(Edit::Write),
        4 => index().prop_map(Edit::Change),
        4 => index().prop_map(Edit::Delete),
        2 => index().prop_map(Edit::Touch),
        4 => (index(), child()).prop_map(|(index, name)| Edit::Unfold(index, name)),
        4 => index().prop_map(Edit::Fold),
        4 => (index(), name()).prop_map(|(index, name)| Edit::Rename(index, name)),
        2 => index().prop_map(Edit::Take),
        1 => (index(), child()).prop_map(|(index, name)| Edit::Beside(index, name)),
        1 => index().prop_map(Edit::Link),
    ]
}

impl Story {
    /// Tells the story up to the run.
    pub(super) fn tell(&self) -> World {
        let mut world = World { file_beside_folder: self.file_beside_folder, ..World::default() };
        world.ignored = self.ignored_before.iter().map(|name| (*name).to_owned()).collect();
        for name in &self.base {
            let path = path(name);
            clear(&mut world.local, &path);
            clear(&mut world.remote, &path);
            let content = world.new_content();
            world.put_local(&path, content);
            // What is ignored may be on both sides all the same, and differ.
            let other = if world.is_ignored(&path) { world.new_content() } else { content };
            world.put_remote(&path, other);
        }
        let tracked: Vec<_> =
            world.local.keys().filter(|path| !world.is_ignored(path)).cloned().collect();
        for path in &tracked {
            world.agree(path);
        }
        self.local.iter().for_each(|edit| edit_local(&mut world, edit));
        self.remote.iter().for_each(|edit| edit_remote(&mut world, edit));
        world.ignored = self.ignored_after.iter().map(|name| (*name).to_owned()).collect();
        world
    }
}

/// Picks a path of a side.
fn pick<T>(side: &BTreeMap<RepoPath, T>, index: Index) -> Option<RepoPath> {
    (!side.is_empty()).then(|| side.keys().nth(index.index(side.len())).cloned()).flatten()
}

pub(super) fn edit_local(world: &mut World, edit: &Edit) {
    let picked = match edit {
        Edit::Write(name) => Some(path(name)),
        Edit::Take(index) => pick(&world.remote, *index),
        Edit::Change(index)
        | Edit::Delete(index)
        | Edit::Touch(index)
        | Edit::Unfold(index, _)
        | Edit::Fold(index)
        | Edit::Rename(index, _)
        | Edit::Beside(index, _)
        | Edit::Link(index) => pick(&world.local, *index),
    };
    let Some(picked) = picked else { return };
    let content = world.local.get(&picked).map(|file| file.content);
    let (target, content) = match edit {
        Edit::Write(_) | Edit::Change(_) => (Some(picked), world.new_content()),
        Edit::Delete(_) => {
            world.local.remove(&picked);
            (None, 0)
        }
        Edit::Touch(_) => (Some(picked), content.unwrap_or_default()),
        Edit::Take(_) => {
            let content = world.remote[&picked].content;
            (Some(picked), content)
        }
        Edit::Unfold(_, name) | Edit::Beside(_, name) => {
            world.local.remove(&picked);
            (Some(child(&picked, name)), world.new_content())
        }
        Edit::Fold(_) => (picked.parent(), world.new_content()),
        Edit::Rename(_, name) => {
            let target = path(name);
            let Some(mut file) = world.local.remove(&picked) else { return };
            clear(&mut world.local, &target);
            world.links.retain(|link| !link.is_within(&target) && !target.is_below(link));
            world.ticks += 1;
            file.stat.ctime = world.ticks;
            world.local.insert(target, file);
            return;
        }
        Edit::Link(_) => {
            world.local.remove(&picked);
            world.links.insert(picked);
            (None, 0)
        }
    };
    if let Some(target) = target {
        clear(&mut world.local, &target);
        world.links.retain(|link| !link.is_within(&target) && !target.is_below(link));
        world.put_local(&target, content);
    }
}

pub(super) fn edit_remote(world: &mut World, edit: &Edit) {
    let picked = match edit {
        Edit::Write(name) => Some(path(name)),
        Edit::Take(index) => pick(&world.local, *index),
        Edit::Change(index)
        | Edit::Delete(index)
        | Edit::Touch(index)
        | Edit::Unfold(index, _)
        | Edit::Fold(index)
        | Edit::Rename(index, _)
        | Edit::Beside(index, _)
        | Edit::Link(index) => pick(&world.remote, *index),
    };
    let Some(picked) = picked else { return };
    let content = world.remote.get(&picked).map(|object| object.content);
    let (target, content) = match edit {
        Edit::Write(_) | Edit::Change(_) => (picked, world.new_content()),
        Edit::Delete(_) | Edit::Link(_) => {
            world.remote.remove(&picked);
            return;
        }
        Edit::Touch(_) => (picked, content.unwrap_or_default()),
        Edit::Take(_) => {
            let content = world.local[&picked].content;
            (picked, content)
        }
        Edit::Beside(_, name) if world.file_beside_folder => {
            let content = world.new_content();
            return world.put_remote(&child(&picked, name), content);
        }
        Edit::Unfold(_, name) | Edit::Beside(_, name) => {
            world.remote.remove(&picked);
            (child(&picked, name), world.new_content())
        }
        Edit::Fold(_) => match picked.parent() {
            Some(parent) => (parent, world.new_content()),
            None => return,
        },
        Edit::Rename(_, name) => {
            let Some(object) = world.remote.remove(&picked) else { return };
            let target = path(name);
            clear(&mut world.remote, &target);
            world.remote.insert(target, object);
            return;
        }
    };
    clear(&mut world.remote, &target);
    world.put_remote(&target, content);
}
