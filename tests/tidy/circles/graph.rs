//! Files, arrows between them, and the circles that the arrows form.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::filling::names_of;
use super::sources::parse;
use super::walking::used;

/// Which file uses what of which other.
pub(super) struct Graph {
    /// The names of the files.
    pub(super) files: Vec<String>,
    /// For each file those that it uses, and one thing that it uses of them.
    pub(super) arrows: Vec<BTreeMap<usize, String>>,
}

impl Graph {
    /// Reads the arrows out of the texts of files.
    pub(super) fn of(files: &[(String, String)]) -> Self {
        let sources = parse(files);
        let names = names_of(&sources);
        let arrows = sources.iter().enumerate().map(|(file, it)| used(&names, file, it)).collect();
        Self { files: sources.iter().map(|source| source.name.clone()).collect(), arrows }
    }

    /// Returns the sets of more than one file of which each leads to each.
    pub(super) fn circles(&self) -> Vec<BTreeSet<usize>> {
        let mut search = Search::new(self);
        for file in 0..self.files.len() {
            if search.numbers[file].is_none() {
                search.enter(file);
            }
        }
        search.found.retain(|circle| circle.len() > 1);
        search.found.sort_by_key(|circle| circle.first().copied());
        search.found
    }

    /// Returns the arrows that stand inside circles.
    pub(super) fn in_circles(&self) -> BTreeSet<(usize, usize)> {
        let circles = self.circles();
        let arrows = circles.iter().flat_map(|circle| {
            circle.iter().flat_map(move |from| {
                let inside = self.arrows[*from].keys().filter(|to| circle.contains(to));
                inside.map(move |to| (*from, *to))
            })
        });
        arrows.collect()
    }

    /// Writes an arrow.
    pub(super) fn written(&self, (from, to): (usize, usize)) -> String {
        format!("{} -> {}", self.files[from], self.files[to])
    }

    /// Returns a shortest way from a file to another, both included.
    pub(super) fn way(&self, from: usize, to: usize) -> Vec<usize> {
        let mut before = BTreeMap::from([(from, from)]);
        let mut waiting = VecDeque::from([from]);
        while let Some(file) = waiting.pop_front() {
            for next in self.arrows[file].keys() {
                before.entry(*next).or_insert_with(|| {
                    waiting.push_back(*next);
                    file
                });
            }
        }
        let mut way = vec![to];
        while let Some(file) = way.last().and_then(|file| before.get(file))
            && way.last() != Some(&from)
        {
            way.push(*file);
        }
        way.reverse();
        way
    }
}

/// Tarjan's search for strongly connected components.
struct Search<'a> {
    graph: &'a Graph,
    /// In which order the files were entered.
    numbers: Vec<Option<usize>>,
    /// The lowest number that a file leads back to.
    lows: Vec<usize>,
    open: Vec<usize>,
    count: usize,
    found: Vec<BTreeSet<usize>>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph) -> Self {
        let files = graph.files.len();
        let (numbers, lows) = (vec![None; files], vec![0; files]);
        Self { graph, numbers, lows, open: Vec::new(), count: 0, found: Vec::new() }
    }

    fn enter(&mut self, file: usize) -> usize {
        let number = self.count;
        self.count += 1;
        self.numbers[file] = Some(number);
        self.lows[file] = number;
        self.open.push(file);
        for next in self.graph.arrows[file].keys() {
            let low = match self.numbers[*next] {
                None => self.enter(*next),
                Some(number) if self.open.contains(next) => number,
                Some(_) => continue,
            };
            self.lows[file] = self.lows[file].min(low);
        }
        if self.lows[file] == number {
            let begins = self.open.iter().position(|it| *it == file).expect("it is open");
            self.found.push(self.open.drain(begins..).collect());
        }
        self.lows[file]
    }
}
