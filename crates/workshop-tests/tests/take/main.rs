//! The real binary in a temporary workshop whose step has databases of its own and takes over the data of the step before.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

mod checkout;
mod once;
mod parked;
#[expect(dead_code, reason = "shared with command.rs, which uses the rest")]
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod terminal;

use std::{fs, os::unix::fs::PermissionsExt, thread, time::Duration};

use checkout::{DATA, Steps};
use support::{Done, Running, kill};

const AGAIN: &str = "nothing is lost; go on: cargo workshop run 6 --take 5";

/// What a table says in the row `label`.
fn cells<'a>(done: &'a Done, label: &str) -> Vec<&'a str> {
    let row = done.out.lines().find_map(|line| line.strip_prefix(label));
    assert!(row.is_some(), "no row {label}: {done}");
    row.unwrap().split_whitespace().collect()
}

/// The number of the mover that was said last.
fn mover(running: &Running) -> String {
    let said = running.said();
    let last = said.rsplit("the mover is process ").next().unwrap();
    last.split(';').next().unwrap().to_owned()
}

#[test]
fn each_database_is_a_file_of_its_own_for_its_owners_eyes_and_fresh_means_all() {
    let steps = Steps::new();
    let mut running = steps.start(&[]);
    running.wait_for(
        "Step 06: After. Databases: .workshop/run/06/automator.db, beside it automator-notify.db (kept)",
    );
    running.signal("INT");
    assert!(running.end().ok());
    for (file, text) in [("automator.db", "of monolith"), ("automator-notify.db", "of notify")] {
        assert!(steps.read(file).ends_with(text));
        let path = steps.checkout.path(".workshop/run/06").join(file);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }

    steps.checkout.write(".workshop/run/06/automator-notify.db", "SQLite format 3\0broken");
    let done = steps.start(&[]).end();
    assert_eq!(done.code, Some(1), "{done}");
    let wanted = "the database .workshop/run/06/automator-notify.db cannot be brought up to date; migrate-notify says above why; \
                  if it is the file's fault, begin with an empty one: cargo workshop run 6 --fresh\n";
    assert!(done.err.ends_with(wanted), "{done}");
    steps.checkout.write(".workshop/run/06/automator-notify.db", "a shopping list");
    let done = steps.start(&[]).end();
    assert!(done.err.contains("automator-notify.db is no SQLite database"), "{done}");

    steps.checkout.write(".workshop/run/06/automator.db", "SQLite format 3\0old");
    let mut running = steps.start(&["--fresh", "--data", "elsewhere"]);
    running.wait_for("Databases: elsewhere/automator.db, beside it automator-notify.db (kept)");
    running.signal("INT");
    assert!(running.end().ok());
    assert!(steps.read("automator.db").ends_with("old"), "another folder's database was removed");
    let mut running = steps.start(&["--fresh"]);
    running.wait_for("Automator is at");
    running.signal("INT");
    assert!(running.end().ok());
    assert!(steps.read("automator.db").ends_with("of monolith"));
    assert!(steps.read("automator-notify.db").ends_with("of notify"));
}

#[test]
fn data_is_moved_there_back_and_there_again_while_people_work() {
    let steps = Steps::with_data();
    let done = steps.start(&["--take", "5", "--at-once"]).end();
    assert!(done.ok(), "{done}");
    assert!(done.out.contains("copied .workshop/run/05/automator.db\n"), "{done}");
    for said in [
        "moved: 1,000 rows were copied; writers waited: notify 12 ms\n",
        "back on the old database; writers waited: notify 12 ms\n",
        "what was old is dropped\n",
        "Tasks before 4, after 4\n",
    ] {
        assert!(done.out.contains(said), "{said}: {done}");
    }
    // Without a terminal, a line a second at most, and no sign that only a terminal understands.
    assert!(
        done.out.contains(" of 1,000 rows, lag 7 | notify ") && !done.out.contains(['\r', '\u{1b}']),
        "{done}"
    );
    assert_eq!(cells(&done, "rows copied"), ["1,000", "-", "1,000"], "{done}");
    assert_eq!(cells(&done, "rows a second"), ["2,000", "-", "2,000"], "{done}");
    assert_eq!(cells(&done, "requests failed"), ["0", "0", "0"], "{done}");
    assert!(cells(&done, "requests sent").iter().all(|sent| sent.parse::<u32>().unwrap() > 10), "{done}");
    let written = done.out.lines().find_map(|line| line.strip_prefix("Writes acknowledged ")).unwrap();
    let (writes, rest) = written.split_once(", ").unwrap();
    assert!(writes.parse::<u32>().unwrap() > 10 && rest == "lost 0; stale reads 0", "{done}");
    assert!(done.out.ends_with("Next: cargo workshop run 6\n"), "{done}");
    assert!(!done.err.contains('|'), "logs belong into files: {done}");

    assert_eq!(steps.read("automator.db"), DATA);
    assert_eq!(fs::read_to_string(steps.checkout.path(".workshop/run/05/automator.db")).unwrap(), DATA);
    let url = format!("sqlite://{}?mode=rwc", steps.checkout.path(".workshop/run/06/automator.db").display());
    assert!(steps.read("logs/notify.log").contains(&format!("MOVING_FROM_URL is Some({url:?})")));
    assert!(!steps.exists("taking") && !steps.exists("running.json") && !steps.exists("lock"));

    // What was taken over is the step's own now.
    let done = steps.start(&["--take", "5"]).end();
    assert_eq!(done.code, Some(1), "{done}");
    let wanted = "step 06 has data of its own (.workshop/run/06/automator.db); to take step 5's in its place: \
                  cargo workshop run 6 --take 5 --fresh\n";
    assert_eq!(done.err, wanted, "{done}");
    let mut running = steps.start(&[]);
    running.wait_for("notify         | MOVING_FROM_URL is None");
    running.wait_for("Automator is at");
    running.signal("INT");
    assert!(running.end().ok());
}

#[test]
fn a_mover_that_is_killed_is_started_again_and_goes_on() {
    let steps = Steps::with_data();
    let mut running = steps.start(&["--take", "5", "--at-once"]);
    running.wait_for("the mover is process ");
    let killed = mover(&running);
    assert!(kill("KILL", &killed));
    support::until("another one has begun", || mover(&running) != killed);
    let done = running.end();
    assert!(done.ok(), "{done}");
    let log = steps.read("logs/mover.log");
    assert!(log.lines().nth(1).unwrap().starts_with("begins at (\"copying\", "), "{log}");
}

#[test]
fn whoever_stops_in_the_middle_goes_on_by_the_same_command() {
    let steps = Steps::with_data();
    let mut running = steps.start(&["--take", "5", "--at-once"]);
    running.wait_for("notify is copied");
    running.signal("INT");
    let done = running.end();
    assert_eq!(done.code, Some(130), "{done}");
    assert!(done.err.contains(&format!("{AGAIN} --at-once\n")), "{done}");

    // Nobody gets half of it.
    let done = steps.start(&[]).end();
    assert_eq!(done.code, Some(1), "{done}");
    let wanted = "the data of step 05 is being taken over; go on: cargo workshop run 6 --take 5, or begin anew: \
                  cargo workshop run 6 --fresh\n";
    assert_eq!(done.err, wanted, "{done}");

    // What the earlier step left is not read any more, and the copy is not made again.
    steps.checkout.write(".workshop/run/05/automator.db", "something else");
    let mut running = steps.start(&["--take", "5", "--at-once"]);
    running.wait_for("going on with the data of step 05 where it was left");
    running.wait_for("back on the old database");
    running.signal("KILL");
    let _ = running.end();
    let done = steps.start(&["--take", "5", "--at-once"]).end();
    assert!(done.ok(), "{done}");
    assert!(!done.out.contains("back on the old database"), "it went back twice: {done}");
    assert_eq!(steps.read("automator.db"), DATA);
}

#[test]
fn what_a_mover_cannot_do_is_told_with_its_words() {
    let steps = Steps::with_data();
    for (fault, told) in [
        ("differs", "3 rows of notify differ, so people go on with the old database"),
        ("full", "mover ended with exit status: 3 before it was done; its last lines:\n"),
    ] {
        steps.breaks(fault);
        let done = steps.start(&["--take", "5", "--at-once", "--fresh"]).end();
        assert_eq!(done.code, Some(1), "{done}");
        assert!(done.err.contains(told) && done.err.contains(AGAIN), "{done}");
        assert_eq!(fault == "full", done.err.contains("the disk is full"), "{done}");
        fs::remove_file(steps.checkout.path(".workshop/run/06").join(fault)).unwrap();
        fs::remove_file(steps.checkout.path(".workshop/run/06/mover.state")).ok();
    }
}

#[test]
fn a_write_that_was_acknowledged_and_is_not_there_is_found() {
    let steps = Steps::with_data();
    steps.breaks("forgets");
    let done = steps.start(&["--take", "5", "--at-once"]).end();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("writes were lost; the first: task a was set to be due on 20"), "{done}");
    assert!(!done.out.contains("stale reads 0"), "{done}");
    assert!(!done.err.contains(AGAIN), "there is nothing to go on with: {done}");
}

#[test]
fn what_cannot_be_taken_over_is_said_before_anything_is_built() {
    let steps = Steps::new();
    let refused = |arguments: &[&str], code: i32, told: &str| {
        let done = steps.checkout.run(arguments);
        assert_eq!(done.code, Some(code), "{arguments:?} {done}");
        assert!(done.err.contains(told), "{arguments:?} {done}");
        if code == 1 {
            assert_eq!(done.err.lines().count(), 1, "{arguments:?} {done}");
        }
        assert!(!steps.checkout.path("target").exists());
    };
    let run = ["run", "6", "--take", "5", "--port", &steps.port];
    refused(&["run", "6", "--take", "6"], 64, "step 06 takes over the data of step 05, not of 06");
    refused(&["run", "6", "--take", "9"], 64, "there is no step 09");
    refused(&["run", "5", "--take", "5"], 64, "step 05 takes no data over");
    refused(&["run", "6", "--at-once"], 64, "--take");
    let none = "there is no data of step 05 (.workshop/run/05/automator.db); make some: cargo workshop run 5, and Ctrl-C when it says";
    refused(&run, 1, none);
    refused(&[&run[..], &["--data", "mine"]].concat(), 1, "there is no data of step 05 (mine/automator.db)");

    steps.checkout.write("mine/automator.db", "a shopping list");
    let no_database = "mine/automator.db is no SQLite database";
    refused(&[&run[..], &["--data", "mine"]].concat(), 1, no_database);
    steps.checkout.write(".workshop/run/05/automator.db", DATA);
    steps.checkout.write(".workshop/run/05/lock", "");
    let lock = fs::File::options().write(true).open(steps.checkout.path(".workshop/run/05/lock")).unwrap();
    lock.lock().unwrap();
    refused(
        &run,
        1,
        "step 05 is running (another terminal); stop it first with Ctrl-C, then: cargo workshop run 6 --take 5",
    );
    assert!(!steps.exists("automator.db") && !steps.exists("taking"));
}

#[test]
fn a_step_without_a_mover_takes_a_copy_and_has_told_once_more_what_it_needs() {
    let steps = Steps::with_data();
    let system = steps.checkout.path("steps/06-after/system.toml");
    let text = fs::read_to_string(&system).unwrap();
    let retell = "[[process]]\nname = \"retell\"\nmanual = true\nenv = { DATABASE_URL = \"{database.notify}\" }\n[take]";
    let also = "also = { \"database.notify\" = \"database\" }\nthen = [\"retell\"]";
    fs::write(&system, text.replace("[take]", retell).replace("mover = \"mover\"", also)).unwrap();
    let mut running = steps.start(&["--take", "5"]);
    running.wait_for("retell: told again: 7");
    running.wait_for("Automator is at");
    assert!(!running.said().contains("imported"), "it has its data already: {}", running.said());
    for file in ["automator.db", "automator-notify.db"] {
        assert_eq!(steps.read(file), DATA, "{file}");
    }
    running.signal("INT");
    assert!(running.end().ok());
    // What was taken over is the step's own now.
    let mut running = steps.start(&[]);
    running.wait_for("imported");
    running.signal("INT");
    let _ = running.end();
}

/// At a terminal, which `script` of util-linux plays, each lap waits for Enter.
#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal_each_lap_waits_for_enter() {
    let steps = Steps::with_data();
    let run = ["run", "6", "--take", "5", "--port", &steps.port];
    let mut running = terminal::start(&steps.checkout.command(&run));
    let questions = ["cut over", "go back to", "move once more", "cut over", "drop what is old"];
    for (count, question) in questions.into_iter().enumerate() {
        support::until(question, || running.said().matches("Enter to ").count() > count);
        let said = running.said();
        assert!(said.rsplit("Enter to ").next().unwrap().starts_with(question), "{said}");
        // Long enough for a lap of its own, were it not waited for.
        thread::sleep(Duration::from_millis(700));
        assert_eq!(running.said().matches("Enter to ").count(), count + 1, "{}", running.said());
        terminal::enter(&mut running);
    }
    let done = running.end();
    assert!(done.ok() && done.out.contains("[########################] 1,000 of 1,000 rows"), "{done}");
}
