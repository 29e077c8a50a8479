//! Connections that end, or are not answered, behind an answer that did not say so.

use crate::support::{Balancer, Habit, Manner, Profile, Proxy};
use crate::team::{BUCKET, Team, files};

/// A team without working copies, and the balancer by which it reaches its server.
fn balanced() -> (Team, Balancer) {
    let mut team = Team::without_copies(Profile::Aws);
    let balancer = Balancer::new(team.server.address());
    team.set_variable("AWS_ENDPOINT_URL", &balancer.endpoint());
    (team, balancer)
}

#[test]
fn behind_a_proxy_that_answers_one_request_a_connection_each_has_its_own() {
    let mut team = Team::without_copies(Profile::Aws);
    let proxy = Proxy::new(Manner::AnswersOnce);
    team.set_variable("HTTP_PROXY", &proxy.address().to_string());
    team.ok("one", "init team .");
    team.write("one/a", "a");
    team.write("one/large", vec![7; 9 << 20]);
    team.ok("one", "sync");
    team.ok(".", "clone team copy");
    assert!(team.read("copy/large") == vec![7; 9 << 20], "the bytes differ");
    assert_eq!(proxy.unanswered(), 0, "requests on connections that had their answer");
    let heads = proxy.take_heads();
    assert_eq!(heads.len(), team.server.log().len(), "a connection a request");
}

#[test]
fn a_server_that_closes_behind_each_answer_without_a_word_is_no_trouble() {
    let (team, _balancer) = balanced();
    team.ok("one", "init team .");
    for number in 0..50 {
        team.write(format!("one/{number}"), number.to_string());
    }
    team.ok("one", "sync");
    team.ok(".", "clone team copy");
    assert_eq!(team.texts("copy"), team.texts("one"));
}

#[test]
fn a_connection_that_is_closed_instead_of_a_second_answer_costs_one_request() {
    let (team, balancer) = balanced();
    team.ok("one", "init team .");
    for path in ["a", "b", "c"] {
        team.write(format!("one/{path}"), path);
    }
    team.ok("one", "sync");
    balancer.take_to(Habit::HangsUpOnSecond);
    for path in ["a", "b", "new"] {
        team.write(format!("one/{path}"), "edited");
    }
    team.remove("one/c");
    let before = team.server.history(BUCKET).len();
    team.server.clear_log();
    team.ok("one", "sync -j 1");
    assert_eq!(team.bucket(), files(&[("a", "edited"), ("b", "edited"), ("new", "edited")]));
    assert_eq!(team.server.history(BUCKET).len(), before + 4, "each took effect once");
    let seconds = balancer.take_seconds();
    assert!(seconds > 0, "no connection was used again");
    assert_eq!(team.server.count("PutObject"), 3);
    assert_eq!(team.server.count("HeadObject"), 0, "nothing that came to the store was lost");
}
