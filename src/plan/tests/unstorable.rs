//! Files whose times no object can hold.

use super::{path, stat};
use crate::plan::unstorable::leave_out;
use crate::plan::{Action, ActionKind, NoticeKind, Plan, Stage};

fn action(name: &str, kind: ActionKind, stage: Stage, clash: u32) -> Action {
    Action { clash, local: Some(stat(1)), ..Action::new(path(name), kind, stage) }
}

fn far(mut action: Action) -> Action {
    action.local.as_mut().unwrap().mtime = i64::MAX;
    action
}

#[test]
fn an_upload_whose_time_cannot_be_stored_is_a_notice_with_all_that_would_follow_it() {
    let mut plan = Plan {
        actions: vec![
            far(action(".lsyncignore", ActionKind::Upload, Stage::Rules, 0)),
            action("k", ActionKind::DeleteRemote, Stage::Room, 1),
            far(action("far", ActionKind::Upload, Stage::Main, 0)),
            far(action("forgotten", ActionKind::Forget, Stage::Main, 0)),
            far(action("k/far", ActionKind::Upload, Stage::Main, 1)),
            action("k/near", ActionKind::Upload, Stage::Main, 1),
            action("gone", ActionKind::DeleteRemote, Stage::Last, 0),
            action("k/gone", ActionKind::DeleteRemote, Stage::Last, 1),
            action("m/gone", ActionKind::DeleteRemote, Stage::Last, 2),
        ],
        ..Plan::default()
    };
    leave_out(&mut plan);
    let left: Vec<_> = plan.actions.iter().map(|action| action.path.as_str()).collect();
    assert_eq!(left, [".lsyncignore", "k", "forgotten", "k/near", "gone", "m/gone"]);
    let told = plan.notices.iter().map(|notice| (notice.path.as_str(), notice.kind()));
    let expected = ["far", "k/far"].map(|path| (path, NoticeKind::TimeTooFar));
    assert!(told.eq(expected) && plan.notices.iter().all(|notice| notice.incomplete));
}
