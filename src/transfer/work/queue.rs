//! [`Queue`]: what is still to be done, in memory that shrinks with it.

use crate::plan::Action;

/// Hands actions out in their order, and gives memory back as they go: the journal grows meanwhile.
pub(super) struct Queue {
    /// The next one last.
    reversed: Vec<Action>,
}

impl Queue {
    /// Queues actions where they lie.
    pub(super) fn of(mut actions: Vec<Action>) -> Self {
        actions.reverse();
        Self { reversed: actions }
    }
}

impl Iterator for Queue {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        let next = self.reversed.pop();
        let (count, room) = (self.reversed.len(), self.reversed.capacity());
        // A large block is cut where it lies; a small one is copied, all in all not even thrice.
        if count < room / 4 * 3 {
            self.reversed.shrink_to_fit();
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ActionKind, Stage};
    use crate::tree::RepoPath;

    #[test]
    fn actions_come_in_their_order_and_leave_no_memory_behind() {
        let action = |number: usize| {
            let path = RepoPath::parse(&format!("{number:04}")).unwrap();
            Action::new(path, ActionKind::Upload, Stage::Main)
        };
        let actions: Vec<_> = (0..1_000).map(action).collect();
        let mut queue = Queue::of(actions.clone());
        for (taken, expected) in actions.into_iter().enumerate() {
            assert_eq!(queue.next(), Some(expected));
            let (left, room) = (999 - taken, queue.reversed.capacity());
            assert!(room <= left + left / 3 + 4, "room for {room}, and {left} are left");
        }
        assert_eq!(queue.next(), None);
    }
}
