//! Another table takes the place of the one in use.

use acceptance::tokio::{self, task::JoinSet};

use crate::{
    client::get,
    started::{ALL_OLD, PATIENT, Started, with},
};

/// How many requests are under way while something changes.
const MANY: usize = 200;

/// Begins so many requests that wait at the upstream's gate: one half for the answer, the other half in the middle of it.
pub(crate) async fn begin_many(gateway: &Started) -> JoinSet<()> {
    let mut waiting = JoinSet::new();
    for number in 0..MANY {
        let url = gateway.url.clone();
        let (path, whole) = if number % 2 == 0 { ("/gate", "old") } else { ("/parts", "firstsecond") };
        waiting.spawn(async move {
            let answer = get(&url, path, "").await;
            assert!(answer.status == 200 && answer.is_whole, "{answer:?}");
            assert_eq!(answer.text(), whole);
        });
    }
    gateway.old.has_seen(MANY).await;
    waiting
}

/// Opens the gate and waits until every one of them has its answer.
pub(crate) async fn all_are_answered(gateway: &Started, mut waiting: JoinSet<()>) {
    gateway.old.open_gate();
    let mut answered = 0;
    while let Some(request) = waiting.join_next().await {
        request.expect("an answer");
        answered += 1;
    }
    assert_eq!(answered, MANY);
}

fn percent(percent: u8) -> String {
    format!("{ALL_OLD}percent = {percent}\n")
}

#[test]
fn one_edit_sends_a_route_to_the_new_upstream_and_one_sends_it_back() {
    with(ALL_OLD, async |gateway| {
        for (percent, upstream) in [(0, "old"), (100, "new"), (0, "old")] {
            if percent != 0 || !gateway.old.seen().is_empty() {
                gateway.change(&self::percent(percent)).await;
            }
            for person in ["", "X-Person: a\r\n", "X-Person: b\r\n"] {
                assert_eq!(get(&gateway.url, "/", person).await.text(), upstream, "{percent} {person}");
            }
        }
    });
}

#[test]
fn a_share_of_the_people_is_sent_to_the_new_upstream_and_stays_there() {
    with(&percent(30), async |gateway| {
        let mut new = Vec::new();
        for person in 0..200 {
            let key = format!("X-Person: {person}\r\n");
            let first = get(&gateway.url, "/", &key).await;
            assert_eq!(
                first.text(),
                get(&gateway.url, "/x", &key).await.text(),
                "{person} is sent to and fro"
            );
            if first.text() == "new" {
                new.push(key);
            }
        }
        assert!((30..90).contains(&new.len()), "{} of 200 are sent to the new one", new.len());
        assert_eq!(get(&gateway.url, "/", "").await.text(), "old", "nobody knows who asks");
        gateway.change(&percent(60)).await;
        for key in new {
            assert_eq!(
                get(&gateway.url, "/", &key).await.text(),
                "new",
                "{key} has seen the new one already"
            );
        }
    });
}

#[test]
fn the_longest_prefix_wins_and_a_header_wins_over_none() {
    let more = "[[route]]\nname = \"tasks\"\nprefix = \"/api/tasks\"\nold = \"new\"\n\
                [[route]]\nname = \"preview\"\nprefix = \"/\"\nold = \"new\"\nheader = { name = \"X-Preview\", value = \"yes\" }\n";
    with(&format!("{ALL_OLD}{more}"), async |gateway| {
        for (path, head, upstream) in [
            ("/", "", "old"),
            ("/api/tasks", "", "new"),
            ("/api/tasks/1", "", "new"),
            ("/api/tasksx", "", "old"),
            ("/api/%74asks", "", "new"),
            ("/", "X-Preview: yes\r\n", "new"),
            ("/", "X-Preview: no\r\n", "old"),
        ] {
            assert_eq!(get(&gateway.url, path, head).await.text(), upstream, "{path} {head}");
        }
    });
}

#[test]
fn a_bad_table_is_refused_with_its_line_and_the_old_one_is_kept() {
    with(ALL_OLD, async |gateway| {
        for bad in ["percent = 101\n", "= broken\n"] {
            let before = gateway.status().await["taken"].clone();
            gateway.write(&format!("{ALL_OLD}{bad}"));
            let status = gateway.becomes(|status| !status["refused"].is_null()).await;
            // Four lines of upstreams, seven of the route.
            assert!(status["refused"].as_str().is_some_and(|reason| reason.contains("line 12")), "{status}");
            assert_eq!(status["taken"], before, "{status}");
            assert_eq!(get(&gateway.url, "/", "").await.text(), "old");
            gateway.write(ALL_OLD);
            let _ = gateway.becomes(|status| status["refused"].is_null()).await;
        }
        let log = gateway.system.log("gateway").unwrap();
        assert!(log.contains("refused") && log.contains("line 12"), "{log}");
    });
}

#[test]
fn requests_in_flight_across_a_reload_all_get_an_answer() {
    with(&PATIENT, async |gateway| {
        let waiting = begin_many(gateway).await;
        gateway.change("[[route]]\nname = \"other\"\nprefix = \"/\"\nold = \"new\"\n").await;
        assert_eq!(get(&gateway.url, "/", "").await.text(), "new", "the other table is in use");
        all_are_answered(gateway, waiting).await;
    });
}

#[test]
fn no_request_is_lost_while_tables_change() {
    with(ALL_OLD, async |gateway| {
        let mut clients = JoinSet::new();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        for _ in 0..8 {
            let (url, stopped) = (gateway.url.clone(), stopped.clone());
            clients.spawn(async move {
                let mut seen = 0;
                while !*stopped.borrow() {
                    let answer = get(&url, "/", "").await;
                    assert!(answer.status == 200 && ["old", "new"].contains(&answer.text()), "{answer:?}");
                    seen += 1;
                }
                seen
            });
        }
        for round in 0..6 {
            gateway.change(&percent(if round % 2 == 0 { 100 } else { 0 })).await;
        }
        stop.send_replace(true);
        while let Some(seen) = clients.join_next().await {
            assert!(seen.expect("every request had an answer") > 0);
        }
        assert!(!gateway.old.seen().is_empty() && !gateway.new.seen().is_empty());
    });
}

#[cfg(unix)]
#[test]
fn a_hang_up_has_the_table_read_at_once() {
    with(ALL_OLD, async |gateway| {
        let id = gateway.system.id("gateway").unwrap().to_string();
        // Read without a change: only the signal can have made it.
        let kill = std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap();
        assert!(kill.success());
        let _ = gateway.becomes(|status| status["taken"] == 2).await;
        assert_eq!(get(&gateway.url, "/", "").await.text(), "old");
    });
}
