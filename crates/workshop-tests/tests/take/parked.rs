//! `cargo workshop parked` beside a running step.

use crate::{
    checkout::Steps,
    support::{self, kill},
};

#[test]
fn parked_messages_are_shown_sent_again_and_given_up() {
    let steps = Steps::new();
    let mut running = steps.start(&[]);
    running.wait_for("Automator is at");
    let done = steps.checkout.run(&["parked"]);
    assert!(done.ok(), "{done}");
    let wanted = "one  ask_web.mail about mona, for mails in notify\n    \
                  tried 5 times, parked at 2030-01-02T03:04:05Z: no address\n    2 messages about it wait behind it\n";
    assert!(done.out.starts_with(wanted), "{done}");
    assert_eq!(steps.checkout.run(&["parked", "list"]).out, done.out);

    let done = steps.checkout.run(&["parked", "retry", "two"]);
    assert_eq!(
        (done.code, done.err.as_str()),
        (Some(1), "notify refuses: an earlier one about mona is parked\n"),
        "{done}"
    );
    let done = steps.checkout.run(&["parked", "give-up", "one"]);
    assert!(done.ok() && done.out == "ask_web.mail about mona is given up, by notify\n", "{done}");
    assert_eq!(steps.read("gone"), "one give-up");
    let done = steps.checkout.run(&["parked", "retry", "one"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert_eq!(done.err, "no message one is parked; cargo workshop parked shows those that are\n", "{done}");

    std::fs::remove_file(steps.checkout.path(".workshop/run/06/gone")).unwrap();
    let done = steps.checkout.run(&["parked", "retry", "one"]);
    assert!(done.ok() && done.out == "ask_web.mail about mona is sent again, by notify\n", "{done}");
    assert_eq!(steps.read("gone"), "one retry");

    // A service that is away may have what is asked for; the others are told of all the same.
    let pid = steps.read("notify.pid");
    assert!(kill("KILL", &pid));
    running.wait_for("notify was killed");
    let done = steps.checkout.run(&["parked"]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), ""), "{done}");
    assert!(done.err.starts_with("notify does not answer (") && done.err.lines().count() == 1, "{done}");
    let done = steps.checkout.run(&["parked", "retry", "one"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(
        done.err.starts_with("no service that answers has parked one, and notify does not answer: "),
        "{done}"
    );
    running.signal("INT");
    assert!(running.end().ok());
}

#[test]
fn without_a_running_step_or_an_id_it_says_so_in_one_line() {
    let steps = Steps::new();
    let none = "no step is running; messages are parked at step 07: cargo workshop run 7\n";
    for arguments in [&["parked"][..], &["parked", "list"], &["parked", "retry", "one"]] {
        let done = steps.checkout.run(arguments);
        assert_eq!((done.code, done.err.as_str()), (Some(1), none), "{arguments:?} {done}");
    }
    for id in ["", "a/b", "../x", "a b", "\n"] {
        let done = steps.checkout.run(&["parked", "give-up", id]);
        assert_eq!(done.code, Some(64), "{id:?} {done}");
        assert!(done.err.contains("is no id of a message") && done.err.lines().count() == 1, "{id:?} {done}");
    }
    for arguments in [&["parked", "retry"][..], &["parked", "forget", "x"]] {
        assert_eq!(steps.checkout.run(arguments).code, Some(64), "{arguments:?}");
    }

    // A run that was killed leaves its file, and nobody behind it.
    let mut running = steps.start(&[]);
    running.wait_for("Automator is at");
    let mode = |file: &str| {
        let path = steps.checkout.path(".workshop/run/06").join(file);
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
    };
    assert_eq!(mode("running.json"), 0o600, "it has a token in it");
    let pid = steps.read("monolith.pid");
    running.signal("KILL");
    let _ = running.end();
    assert!(steps.exists("running.json"));
    let done = steps.checkout.run(&["parked"]);
    assert_eq!((done.code, done.err.as_str()), (Some(1), none), "{done}");
    support::until("nobody is left", || !support::is_alive(&pid));
}

#[test]
fn a_step_that_parks_nothing_says_from_which_step_on_they_do() {
    let steps = Steps::new();
    let system = steps.checkout.path("steps/06-after/src/main.rs");
    // `notify` answers what it does not know as a server of gRPC does: 200, and nothing.
    let text = std::fs::read_to_string(&system).unwrap().replace(
        "name != \"notify\" => (404",
        "!name.is_empty() => (if name == \"notify\" { 200 } else { 404 }",
    );
    std::fs::write(&system, text).unwrap();
    let mut running = steps.start(&[]);
    running.wait_for("Automator is at");
    let done = steps.checkout.run(&["parked"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert_eq!(done.err, "step 06 parks no messages, step 07 does: cargo workshop run 7\n", "{done}");
    running.signal("INT");
    assert!(running.end().ok());
}
