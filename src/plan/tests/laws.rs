//! Laws that hold in every cell, over all combinations of change, content and direction.

use super::DIRECTIONS;
use crate::plan::{Change, Decision, Direction, LocalChange, RemoteChange, Untracked, reconcile};
use crate::tree::Comparison;

/// One cell: what three sides show, which way, and what comes of it.
#[derive(Debug, Clone, Copy)]
struct Cell {
    change: Change,
    content: Comparison,
    direction: Direction,
    decision: Decision,
}

/// What a side holds, against the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Nothing,
    Known,
    Unknown,
}

impl Cell {
    fn local(self) -> Side {
        match self.change {
            Change::Tracked(LocalChange::Same | LocalChange::Touched, _) => Side::Known,
            Change::Tracked(LocalChange::Modified, _)
            | Change::Untracked(Untracked::Local | Untracked::Both) => Side::Unknown,
            Change::Tracked(LocalChange::Deleted, _) | Change::Untracked(Untracked::Remote) => {
                Side::Nothing
            }
        }
    }

    fn remote(self) -> Side {
        match self.change {
            Change::Tracked(_, RemoteChange::Same) => Side::Known,
            Change::Tracked(_, RemoteChange::Modified)
            | Change::Untracked(Untracked::Remote | Untracked::Both) => Side::Unknown,
            Change::Tracked(_, RemoteChange::Deleted) | Change::Untracked(Untracked::Local) => {
                Side::Nothing
            }
        }
    }

    fn is_tracked(self) -> bool {
        matches!(self.change, Change::Tracked(..))
    }
}

fn contents() -> [Comparison; 3] {
    [Comparison::Same, Comparison::Different, Comparison::Unknown]
}

fn changes() -> Vec<Change> {
    let mut changes: Vec<_> =
        [Untracked::Local, Untracked::Remote, Untracked::Both].map(Change::Untracked).to_vec();
    for local in
        [LocalChange::Same, LocalChange::Touched, LocalChange::Modified, LocalChange::Deleted]
    {
        for remote in [RemoteChange::Same, RemoteChange::Modified, RemoteChange::Deleted] {
            changes.push(Change::Tracked(local, remote));
        }
    }
    changes
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for change in changes() {
        for content in contents() {
            for direction in DIRECTIONS {
                let decision = reconcile(change, content, direction);
                cells.push(Cell { change, content, direction, decision });
            }
        }
    }
    assert_eq!(cells.len(), 15 * 3 * 7);
    cells
}

fn is_pull(direction: Direction) -> bool {
    matches!(direction, Direction::Pull | Direction::ForcedPull | Direction::MirrorPull)
}

fn is_push(direction: Direction) -> bool {
    matches!(direction, Direction::Push | Direction::ForcedPush | Direction::MirrorPush)
}

fn is_mirror(direction: Direction) -> bool {
    matches!(direction, Direction::MirrorPull | Direction::MirrorPush)
}

#[test]
fn a_push_changes_nothing_here_and_a_pull_nothing_in_the_bucket() {
    for cell in cells() {
        match cell.decision {
            Decision::Download { .. } | Decision::DeleteLocal { .. } => {
                assert!(!is_push(cell.direction), "{cell:?}");
            }
            Decision::Upload { .. } | Decision::DeleteRemote { .. } => {
                assert!(!is_pull(cell.direction), "{cell:?}");
            }
            _ => (),
        }
    }
}

#[test]
fn what_is_left_for_later_is_ahead_of_a_pull_or_behind_a_push() {
    for cell in cells() {
        match cell.decision {
            Decision::Ahead => assert!(is_pull(cell.direction), "{cell:?}"),
            Decision::Behind => assert!(is_push(cell.direction), "{cell:?}"),
            _ => (),
        }
    }
}

#[test]
fn a_deletion_needs_a_base_row_except_in_mirrors_and_absence_on_the_other_side() {
    for cell in cells() {
        let other = match cell.decision {
            Decision::DeleteLocal { .. } => cell.remote(),
            Decision::DeleteRemote { .. } => cell.local(),
            _ => continue,
        };
        assert!(cell.is_tracked() || is_mirror(cell.direction), "{cell:?}");
        assert_eq!(other, Side::Nothing, "{cell:?}");
    }
}

#[test]
fn a_transfer_has_a_source_and_a_deletion_something_to_delete() {
    for cell in cells() {
        match cell.decision {
            Decision::Upload { .. } | Decision::DeleteLocal { .. } => {
                assert_ne!(cell.local(), Side::Nothing, "{cell:?}");
            }
            Decision::Download { .. } | Decision::DeleteRemote { .. } => {
                assert_ne!(cell.remote(), Side::Nothing, "{cell:?}");
            }
            _ => (),
        }
    }
}

#[test]
fn a_loser_is_called_unknown_exactly_if_the_base_does_not_know_it() {
    for cell in cells() {
        let (said, loser) = match cell.decision {
            Decision::Upload { unknown_loser } | Decision::DeleteRemote { unknown_loser } => {
                (unknown_loser, cell.remote())
            }
            Decision::Download { unknown_loser } | Decision::DeleteLocal { unknown_loser } => {
                (unknown_loser, cell.local())
            }
            _ => continue,
        };
        assert_eq!(said, loser == Side::Unknown, "{cell:?}");
        let may_lose =
            !matches!(cell.direction, Direction::Sync | Direction::Push | Direction::Pull);
        assert!(!said || may_lose, "{cell:?}");
    }
}

#[test]
fn conflicts_are_found_only_where_both_sides_changed_and_nobody_wins() {
    for cell in cells() {
        if let Decision::Conflict(_) = cell.decision {
            assert_ne!(cell.local(), Side::Known, "{cell:?}");
            assert_ne!(cell.remote(), Side::Known, "{cell:?}");
            let nobody_wins =
                matches!(cell.direction, Direction::Sync | Direction::Push | Direction::Pull);
            assert!(nobody_wins, "{cell:?}");
        }
    }
}

#[test]
fn a_conflict_is_one_whatever_the_way_and_is_never_resolved_by_plain_push_or_pull() {
    let plain = [Direction::Sync, Direction::Push, Direction::Pull];
    for change in changes() {
        for content in contents() {
            let found = plain.map(|direction| {
                matches!(reconcile(change, content, direction), Decision::Conflict(_))
            });
            assert!(found == [true; 3] || found == [false; 3], "{change:?} {content:?}");
        }
    }
}

#[test]
fn equal_contents_on_both_sides_never_conflict_and_move_no_bytes() {
    for cell in cells() {
        let both = cell.local() == Side::Unknown && cell.remote() == Side::Unknown;
        if cell.content == Comparison::Same && both {
            assert_eq!(cell.decision, Decision::Adopt, "{cell:?}");
        }
    }
}

#[test]
fn unknown_contents_count_as_different() {
    for change in changes() {
        for direction in DIRECTIONS {
            assert_eq!(
                reconcile(change, Comparison::Unknown, direction),
                reconcile(change, Comparison::Different, direction),
            );
        }
    }
}

#[test]
fn contents_matter_only_where_both_sides_hold_what_the_base_does_not_know() {
    for cell in cells() {
        if cell.local() != Side::Unknown || cell.remote() != Side::Unknown {
            let other = reconcile(cell.change, Comparison::Different, cell.direction);
            assert_eq!(cell.decision, other, "{cell:?}");
        }
    }
}

#[test]
fn after_a_mirror_the_losing_side_holds_what_the_winning_side_held() {
    for cell in cells().into_iter().filter(|cell| is_mirror(cell.direction)) {
        let (winner, loser) = match cell.direction {
            Direction::MirrorPull => (cell.remote(), cell.local()),
            _ => (cell.local(), cell.remote()),
        };
        let expected = match (winner, loser, cell.decision) {
            (_, _, Decision::Agree) => winner == Side::Known && loser == Side::Known,
            (_, _, Decision::Adopt) => winner != Side::Nothing && loser != Side::Nothing,
            (_, _, Decision::Forget) => winner == Side::Nothing && loser == Side::Nothing,
            (_, _, Decision::Upload { .. } | Decision::Download { .. }) => winner != Side::Nothing,
            (_, _, Decision::DeleteLocal { .. } | Decision::DeleteRemote { .. }) => {
                winner == Side::Nothing
            }
            (_, _, Decision::Ahead | Decision::Behind | Decision::Conflict(_)) => false,
        };
        assert!(expected, "{cell:?}");
    }
}

#[test]
fn a_row_is_dropped_only_where_neither_side_has_the_file() {
    for cell in cells() {
        let gone =
            cell.is_tracked() && cell.local() == Side::Nothing && cell.remote() == Side::Nothing;
        assert_eq!(cell.decision == Decision::Forget, gone, "{cell:?}");
    }
}

#[test]
fn sync_leaves_nothing_for_later() {
    for cell in cells().into_iter().filter(|cell| cell.direction == Direction::Sync) {
        assert!(!matches!(cell.decision, Decision::Ahead | Decision::Behind), "{cell:?}");
    }
}

#[test]
fn a_pull_and_a_push_together_do_what_a_sync_does() {
    for change in changes() {
        for content in contents() {
            let [sync, push, pull] = [Direction::Sync, Direction::Push, Direction::Pull]
                .map(|direction| reconcile(change, content, direction));
            let expected = match (push, pull) {
                (Decision::Behind, pull) => pull,
                (push, Decision::Ahead) => push,
                (push, pull) => {
                    assert_eq!(push, pull, "{change:?} {content:?}");
                    push
                }
            };
            assert_eq!(sync, expected, "{change:?} {content:?}");
        }
    }
}
