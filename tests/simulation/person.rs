//! Persons: what they do to their files, and what follows from it for the harness.
//!
//! A content is **knowingly superseded** where the path that held it was overwritten or removed by
//! somebody who had that path before their eyes: a person on their disk, or another tool in the
//! bucket. Then nobody owes it to anybody any more, and a command of that client may replace it in
//! the bucket, at that key. Nothing else supersedes a content.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lsync::tree::Kind;

use crate::state::{Expected, ROOT, Simulation, State, Tree, Undoing, value_of};

/// Few names, so that they meet: files, folders, files that are folders elsewhere, and names that
/// sort between a folder and what is in it.
const PATHS: &[&str] =
    &["a", "a/in", "a-1", "b.txt", "d/x", "d/y", "d/e/z", "d.x", "d", "f", "g.tmp", "d/h.tmp"];

/// mtimes that persons set back to, in seconds since 1970.
const MTIMES: &[i64] = &[1_600_000_000, 1_650_000_000];

const RULES_FILE: &str = ".lsyncignore";
const RULES: &[&str] = &["*.tmp\n", "b.txt\n", "d/\n", "", "d/e\n*.tmp\n"];

/// What a person can do.
#[derive(Debug, Clone, Copy)]
enum Act {
    WriteInPlace,
    WriteInTwoSteps,
    Append,
    Save,
    RewriteUnseen,
    SetMtime,
    SetMode,
    Remove,
    Rename,
    FileToFolder,
    MakeFolder,
    Link,
    Rules,
    Touch,
}

const ACTS: &[(u32, Act)] = &[
    (18, Act::Save),
    (14, Act::WriteInPlace),
    (4, Act::WriteInTwoSteps),
    (5, Act::Append),
    (8, Act::RewriteUnseen),
    (5, Act::SetMtime),
    (3, Act::Touch),
    (4, Act::SetMode),
    (14, Act::Remove),
    (9, Act::Rename),
    (7, Act::FileToFolder),
    (2, Act::MakeFolder),
    (3, Act::Link),
    (3, Act::Rules),
];

impl State {
    /// Draws a path: often the one that is being transferred.
    pub(crate) fn path(&mut self) -> String {
        match self.hot.clone() {
            Some(hot) if self.random.u32(0..10) < 4 => hot,
            _ => self.pick(PATHS).to_owned(),
        }
    }

    /// Draws what a person does and to what: often to a file that the command at work is about to
    /// replace or remove.
    fn deed(&mut self, client: usize) -> (String, Act) {
        let targets = self.clients[client].targets.clone();
        if targets.is_empty() || self.random.u32(0..3) > 0 {
            return (self.path(), self.act());
        }
        let act = self.pick(&[
            Act::RewriteUnseen,
            Act::RewriteUnseen,
            Act::WriteInPlace,
            Act::Save,
            Act::Append,
            Act::Remove,
        ]);
        (self.pick(&targets), act)
    }

    fn act(&mut self) -> Act {
        let total = ACTS.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.random.u32(0..total);
        for (weight, act) in ACTS {
            if drawn < *weight {
                return *act;
            }
            drawn -= weight;
        }
        Act::Save
    }
}

/// A person at one machine.
struct Hands<'a> {
    simulation: &'a Simulation,
    client: usize,
}

impl Hands<'_> {
    fn person(&self) -> lsync::fakes::disk::Person {
        self.simulation.machines[self.client].observer.person()
    }

    fn at(path: &str) -> PathBuf {
        Path::new(ROOT).join(path)
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        self.person().stat(Self::at(path)).map(|stat| stat.kind)
    }

    /// Tells whether everything above the path is a folder, or absent.
    fn has_room(&self, path: &str) -> bool {
        let above = Path::new(path).ancestors().skip(1).filter(|it| !it.as_os_str().is_empty());
        let mut kinds = above.map(|it| self.person().stat(Path::new(ROOT).join(it)));
        kinds.all(|stat| stat.is_none_or(|stat| stat.kind == Kind::Folder))
    }

    /// Tells whether a file can be written there.
    fn is_writable(&self, path: &str) -> bool {
        self.has_room(path) && matches!(self.kind(path), None | Some(Kind::File))
    }

    fn fresh(&self, state: &mut State) -> Vec<u8> {
        state.fresh(self.simulation.name(self.client))
    }

    /// Does something; returns it in words.
    fn act(&self, state: &mut State, act: Act, path: &str) -> Option<String> {
        let is_file = self.kind(path) == Some(Kind::File);
        match act {
            Act::Save | Act::WriteInPlace | Act::WriteInTwoSteps if self.is_writable(path) => {
                Some(self.write(state, act, path))
            }
            Act::Append if is_file => Some(self.append(state, path)),
            Act::RewriteUnseen if is_file => self.rewrite_unseen(state, path),
            Act::SetMtime | Act::Touch if is_file => Some(self.set_mtime(state, act, path)),
            Act::SetMode if self.kind(path).is_some() => {
                let mode = state.pick(&[0, 0o644, 0o755, 0o755]);
                self.person().set_mode(Self::at(path), mode);
                Some(format!("sets the mode to {mode:o}"))
            }
            Act::Remove if self.kind(path).is_some() => {
                self.person().remove(Self::at(path));
                Some("removes".to_owned())
            }
            Act::Rename if self.kind(path).is_some() => self.rename(state, path),
            Act::FileToFolder => self.change_shape(state, path),
            Act::MakeFolder if self.has_room(path) && self.kind(path).is_none() => {
                self.person().make_folders(Self::at(path));
                Some("makes a folder".to_owned())
            }
            Act::Link if self.has_room(path) => Some(self.link(state, path)),
            Act::Rules => Some(self.edit_rules(state)),
            _ => None,
        }
    }

    fn write(&self, state: &mut State, act: Act, path: &str) -> String {
        let (person, at, bytes) = (self.person(), Self::at(path), self.fresh(state));
        match act {
            Act::Save => {
                person.save(&at, &bytes);
                format!("saves {:?}", text(&bytes))
            }
            // The first half must be another one than every other.
            Act::WriteInTwoSteps
                if !state.values.contains_key(&value_of(&bytes[..=bytes.len() / 2])) =>
            {
                let half = &bytes[..=bytes.len() / 2];
                state.values.insert(value_of(half), format!("{}|", text(half)));
                person.write(&at, half);
                format!("begins to write {:?}", text(half))
            }
            _ => {
                person.write(&at, &bytes);
                format!("writes {:?}", text(&bytes))
            }
        }
    }

    fn append(&self, state: &mut State, path: &str) -> String {
        let (person, at) = (self.person(), Self::at(path));
        let mut whole = person.read(&at);
        state.counter += 1;
        let more = format!("+{}", state.counter);
        person.append(&at, more.as_bytes());
        whole.extend(more.as_bytes());
        state.values.insert(value_of(&whole), text(&whole));
        format!("appends, to {:?}", text(&whole))
    }

    fn set_mtime(&self, state: &mut State, act: Act, path: &str) -> String {
        let mtime = match act {
            Act::Touch => self.simulation.machines[self.client].disk.now(),
            _ => state.pick(MTIMES) * 1_000_000_000,
        };
        self.person().set_mtime(Self::at(path), mtime);
        format!("sets the mtime to {mtime}")
    }

    /// Makes a folder of a file, or the reverse.
    fn change_shape(&self, state: &mut State, path: &str) -> Option<String> {
        let (person, at) = (self.person(), Self::at(path));
        let inside = format!("{path}/in");
        let (file, words) = match self.kind(path)? {
            Kind::File => (Self::at(&inside), "makes a folder of it, and in it"),
            Kind::Folder => (at.clone(), "makes a file of the folder"),
            Kind::Link | Kind::Special => return None,
        };
        let bytes = self.fresh(state);
        person.remove(&at);
        person.save(file, &bytes);
        Some(format!("{words} {:?}", text(&bytes)))
    }

    fn link(&self, state: &mut State, path: &str) -> String {
        let (person, at) = (self.person(), Self::at(path));
        if self.kind(path).is_some() {
            person.remove(&at);
        }
        person.make_folders(at.parent().unwrap());
        let target = state.pick(&["/outside/secret", "/outside", "b.txt", "d"]);
        person.symlink(target, &at);
        format!("makes a link to {target}")
    }

    /// Writes as many other bytes, and sets the mtime back: only the ctime can tell.
    fn rewrite_unseen(&self, state: &mut State, path: &str) -> Option<String> {
        let (person, at) = (self.person(), Self::at(path));
        let stat = person.stat(&at)?;
        let size = usize::try_from(stat.size).unwrap();
        let mut bytes = self.fresh(state);
        // Another: nothing tells such an edit between the last look at a file and the call that moves it.
        let is_moving = state.clients[self.client].moving.as_deref() == Some(path);
        if size < 9 || is_moving || stat.mode & 0o200 == 0 {
            return None;
        }
        bytes.resize(size, b'~');
        state.values.insert(value_of(&bytes), text(&bytes));
        person.write(&at, &bytes);
        person.set_mtime(&at, stat.mtime);
        Some(format!("rewrites with the same size and mtime: {:?}", text(&bytes)))
    }

    fn rename(&self, state: &mut State, path: &str) -> Option<String> {
        let to = state.path();
        let is_within = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}/"));
        if is_within(&to, path) || is_within(path, &to) || !self.has_room(&to) {
            return None;
        }
        let folder_stands = self.kind(&to) == Some(Kind::Folder);
        if folder_stands {
            return None;
        }
        let person = self.person();
        person.make_folders(Self::at(&to).parent().unwrap());
        person.rename(Self::at(path), Self::at(&to));
        Some(format!("renames to {to}"))
    }

    fn edit_rules(&self, state: &mut State) -> String {
        let mut place = RULES_FILE.to_owned();
        if state.random.u32(0..3) == 0
            && let Some((folder, _)) = state.path().rsplit_once('/')
            && self.kind(folder) == Some(Kind::Folder)
        {
            place = format!("{folder}/{RULES_FILE}");
        }
        let rules = state.pick(RULES);
        // The comment makes the content one of a kind.
        state.counter += 1;
        let text = format!("{rules}# {}{}\n", self.simulation.name(self.client), state.counter);
        state.values.insert(value_of(text.as_bytes()), text.clone());
        self.person().save(Self::at(&place), &text);
        format!("writes the rules {text:?} into {place}")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(24)]).into_owned()
}

impl Simulation {
    /// Lets a person do something somewhere.
    pub(crate) fn person_acts(&self, state: &mut State) {
        let client = state.random.usize(0..self.machines.len());
        self.person_acts_at(state, client);
    }

    pub(crate) fn person_acts_at(&self, state: &mut State, client: usize) {
        if state.clients[client].is_in_gap {
            return;
        }
        let (path, act) = state.deed(client);
        self.does(state, client, |hands, state| hands.act(state, act, &path).map(|it| (path, it)));
        let pause = match state.random.u32(0..4) {
            0 | 1 => 0,
            2 => state.random.i64(0..8_000_000),
            _ => state.random.i64(0..2_000_000_000),
        };
        self.machines[client].disk.advance(pause);
    }

    /// Lets a person close, move or rename what was just transferred, or a folder above it. What
    /// would stop the command later is undone before its next call.
    pub(crate) fn interfere(&self, state: &mut State, client: usize, path: &str) {
        if state.clients[client].is_in_gap {
            return;
        }
        let above: Vec<&str> = path.match_indices('/').map(|(end, _)| &path[..end]).collect();
        let folder = if above.is_empty() { None } else { Some(state.pick(&above)) };
        let what = folder.filter(|_| state.random.bool()).unwrap_or(path).to_owned();
        let drawn = state.random.u32(0..3);
        self.does(state, client, |hands, state| {
            let stat = hands.person().stat(Hands::at(&what))?;
            if drawn == 0 {
                hands.person().set_mode(Hands::at(&what), 0);
                let undoing = Undoing::Mode(what.clone(), stat.mode);
                state.clients[client].undoing = Some(undoing).filter(|_| stat.kind == Kind::Folder);
                return Some((what, "closes".to_owned()));
            }
            let to = format!("{what}.moved");
            if hands.kind(&to).is_some() {
                return None;
            }
            hands.person().rename(Hands::at(&what), Hands::at(&to));
            let undoing = Undoing::Rename(to.clone(), what.clone());
            state.clients[client].undoing = Some(undoing).filter(|_| drawn == 1);
            Some((what, format!("renames to {to}")))
        });
    }

    /// Lets a person undo what they did for one call.
    pub(crate) fn undo(&self, state: &mut State, client: usize) {
        let Some(undoing) = state.clients[client].undoing.take() else { return };
        self.does(state, client, |hands, _| match undoing {
            Undoing::Rename(from, to) => {
                if hands.kind(&from).is_none() || hands.kind(&to).is_some() || !hands.has_room(&to)
                {
                    return None;
                }
                hands.person().rename(Hands::at(&from), Hands::at(&to));
                Some((from, format!("renames back to {to}")))
            }
            Undoing::Mode(path, mode) => {
                hands.kind(&path)?;
                hands.person().set_mode(Hands::at(&path), mode);
                Some((path, "opens".to_owned()))
            }
        });
    }

    /// Lets a person act, and keeps account of what follows.
    fn does(
        &self,
        state: &mut State,
        client: usize,
        act: impl FnOnce(&Hands<'_>, &mut State) -> Option<(String, String)>,
    ) {
        let before = self.tree(client);
        let hands = Hands { simulation: self, client };
        let done = act(&hands, state);
        let Some((path, words)) = done else { return };
        let name = self.name(client);
        state.note(|| format!("{name}'s person {words}: {path}"));
        let after = self.tree(client);
        let inode = |path: &str| hands.person().stat(Hands::at(path)).map(|stat| stat.inode);
        let acted_on = inode(&path);
        let has_other_name =
            |it: &String| *it != path && acted_on.is_some() && inode(it) == acted_on;
        let others = after.keys().filter(|it| has_other_name(it)).cloned().collect();
        state.person_changed(client, (&before, &after), (&path, &others));
        for other in &mut state.clients {
            other.is_disturbed = true;
        }
    }

    /// Takes away what keeps lsync from seeing everything.
    pub(crate) fn tidies_up(&self, state: &mut State, client: usize) {
        let person = self.machines[client].observer.person();
        for (path, item) in person.snapshot_below(ROOT) {
            let path = path.to_str().unwrap().to_owned();
            let at = Hands::at(&path);
            let is_own = path == ".lsync" || path.starts_with(".lsync/");
            if is_own || person.stat(&at).is_none() {
                continue;
            }
            let mode = if item.kind == Kind::Folder { 0o755 } else { 0o644 };
            let is_in_the_way = matches!(item.kind, Kind::Link) || path.ends_with(".lsyncignore");
            self.does(state, client, |_, _| {
                if is_in_the_way {
                    person.remove(&at);
                } else if item.mode & 0o700 != mode & 0o700 {
                    person.set_mode(&at, mode);
                } else {
                    return None;
                }
                Some((path, "tidies up".to_owned()))
            });
        }
    }
}

impl State {
    /// Draws the consequences of a person's act on a file, which may have `others` as names, too.
    fn person_changed(
        &mut self,
        client: usize,
        (before, after): (&Tree, &Tree),
        (acted_on, others): (&str, &BTreeSet<String>),
    ) {
        let step = self.step;
        let client = &mut self.clients[client];
        for (path, value) in before {
            if after.get(path) != Some(value) {
                client.replaced.insert((path.clone(), *value));
                client.expected.remove(path);
                client.fragile_names.insert(path.clone());
                // A copy that a command is about to make is none that a person relies on.
                let stays = |(path, it): (&String, &u64)| {
                    it == value
                        && (before.get(path) != Some(it) || client.expected.contains_key(path))
                };
                if !after.iter().any(stays) {
                    client.owned.remove(value);
                }
            }
        }
        for (path, value) in after {
            client.had.insert((path.clone(), *value));
            if before.get(path) != Some(value) {
                if !client.fragile_names.insert(path.clone()) {
                    // What was moved away from here may not have its new name yet, and now it has
                    // lost the old one.
                    let (had, owned) = (&client.had, client.owned.iter());
                    let moved = owned.filter(|it| had.contains(&(path.clone(), **it)));
                    client.fragile.extend(moved);
                }
                if !before.values().any(|it| it == value) {
                    client.owned.insert(*value);
                }
                // Of a rename, a crash without any order may keep half: the name is gone, and the
                // folder that it went to was never made.
                client.fragile.insert(*value);
                let since = *client.written.entry(*value).or_insert(step);
                let by = others.contains(path).then(|| acted_on.to_owned());
                let file = Expected { by, ..Expected::new(*value, since) };
                client.expected.insert(path.clone(), file);
            }
        }
    }
}
