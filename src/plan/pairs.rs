//! [`Pairs`]: what ended with what began, each at most once. Pure.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// By what two things are taken for one.
pub(super) struct Look<S, W> {
    /// What decides first.
    pub(super) strong: S,
    /// What decides where nothing has the same `strong`.
    pub(super) weak: W,
}

/// Things that ended, by how they look.
pub(super) struct Pairs<S, W> {
    strong: HashMap<S, VecDeque<usize>>,
    weak: HashMap<W, VecDeque<usize>>,
    is_taken: Vec<bool>,
}

impl<S: Hash + Eq, W: Hash + Eq> Pairs<S, W> {
    /// Takes what ended, in its order.
    pub(super) fn of(ended: impl Iterator<Item = Look<S, W>>) -> Self {
        let (mut strong, mut weak) = (HashMap::<_, VecDeque<_>>::new(), HashMap::new());
        let mut count = 0;
        for look in ended {
            strong.entry(look.strong).or_default().push_back(count);
            weak.entry(look.weak).or_insert_with(VecDeque::new).push_back(count);
            count += 1;
        }
        Self { strong, weak, is_taken: vec![false; count] }
    }

    /// Gives each thing that began one that ended: all by the strong look first, then the rest by the
    /// weak one. `None` began and takes part in nothing.
    pub(super) fn pair<'a>(
        &mut self,
        began: impl Iterator<Item = Option<&'a Look<S, W>>> + Clone,
    ) -> Vec<Option<usize>>
    where
        S: 'a,
        W: 'a,
    {
        let strong = began.clone().map(|look| {
            look.and_then(|look| first_free(self.strong.get_mut(&look.strong)?, &mut self.is_taken))
        });
        let mut pairs: Vec<_> = strong.collect();
        for (pair, look) in pairs.iter_mut().zip(began) {
            if let (None, Some(look)) = (&pair, look) {
                let free = self.weak.get_mut(&look.weak);
                *pair = free.and_then(|places| first_free(places, &mut self.is_taken));
            }
        }
        pairs
    }

    /// Returns what looks most like this, taken or not.
    pub(super) fn likest(&self, look: &Look<S, W>) -> Option<usize> {
        let first = |places: &VecDeque<usize>| places.front().copied();
        let strong = self.strong.get(&look.strong).and_then(first);
        strong.or_else(|| self.weak.get(&look.weak).and_then(first))
    }
}

/// Takes the first place that nothing has taken yet. The last one stays, for [`Pairs::likest`].
fn first_free(places: &mut VecDeque<usize>, is_taken: &mut [bool]) -> Option<usize> {
    while let Some(place) = places.front().copied() {
        if !is_taken[place] {
            is_taken[place] = true;
            return Some(place);
        }
        if places.len() == 1 {
            return None;
        }
        places.pop_front();
    }
    None
}
