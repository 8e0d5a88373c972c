//! `cargo workshop once` beside a running step.

use crate::{checkout::Steps, support};

#[test]
fn a_process_that_waits_for_somebody_to_ask_runs_beside_the_others_and_to_its_end() {
    let steps = Steps::new();
    let done = steps.checkout.run(&["once", "mover"]);
    let none = "no step is running; start one in another terminal, such as: cargo workshop run 7\n";
    assert_eq!((done.code, done.err.as_str()), (Some(1), none), "{done}");

    let mut running = steps.start(&[]);
    running.wait_for("Automator is at");
    assert!(!steps.exists("logs") && !running.said().contains("begins at"), "nobody has asked");
    let done = steps.checkout.run(&["once"]);
    assert!(done.ok() && done.out == "Step 06 has: mover\n", "{done}");
    let done = steps.checkout.run(&["once", "monolith"]);
    assert_eq!(done.code, Some(64), "{done}");
    assert_eq!(done.err, "step 06 has no monolith to ask for; there are: mover\n", "{done}");

    let moves = steps.checkout.command(&["once", "mover", "move", "--module", "notify"]).start();
    support::until("it is ready", || {
        steps.exists("mover.state") && steps.read("mover.state") == "ready 1000"
    });
    let done = steps.checkout.run(&["once", "mover", "status"]);
    assert!(done.ok() && done.out.contains("\"stage\":\"ready\""), "{done}");
    for word in ["approve", "keep"] {
        assert!(steps.checkout.run(&["once", "mover", word]).ok());
    }
    let done = moves.end();
    assert!(done.ok() && done.out.starts_with("begins at (\"waiting\", 0)"), "{done}");
    steps.breaks("full");
    let done = steps.checkout.run(&["once", "mover", "move", "--module", "notify"]);
    assert_eq!((done.code, done.err.as_str()), (Some(3), "the disk is full\n"), "{done}");
    running.signal("INT");
    assert!(running.end().ok());
}

#[test]
fn what_came_between_two_steps_names_databases_and_who_waits_for_somebody_to_ask() {
    let steps = Steps::new();
    let done = steps.checkout.run(&["diff", "5", "6"]);
    assert!(done.ok(), "{done}");
    assert!(
        done.out.contains("By hand    + mover\n") && done.out.contains("Databases  + database.notify\n"),
        "{done}"
    );
    let done = steps.checkout.run(&["where", "mover"]);
    assert!(done.ok(), "{done}");
    assert!(
        done.out.contains("a process that waits for: cargo workshop once mover, in step 06 After"),
        "{done}"
    );
}
