//! The real binary in a temporary workshop with a learner's edits.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

mod checkout;
mod rescue;
#[expect(dead_code, reason = "shared with command.rs, which uses the rest")]
#[path = "../support/mod.rs"]
mod support;
mod updates;
mod verdicts;

use std::{fs, thread, time::Duration};

use checkout::{ANSWER, WEIGHT};
use support::Checkout;

pub(crate) const SOLVED_WEIGHT: &str = "pub fn weight() -> u32 {\n    2\n}\n";

#[test]
fn a_learner_is_led_from_the_first_screen_to_the_end() {
    let checkout = Checkout::with_exercises();
    assert_eq!(checkout.read(WEIGHT), "pub fn weight() -> u32 {\n    1\n}\n");
    assert_eq!(checkout.read(ANSWER), "pub fn answer() -> u32 {\n    todo!(\"01.1 answer\")\n}\n");
    let done = checkout.run(&[]);
    assert!(
        done.ok() && done.out.contains("cargo workshop verify 00") && done.out.contains(WEIGHT),
        "{done}"
    );

    let done = checkout.run(&["verify"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.out.contains("00 A weight: not yet"), "{done}");
    assert!(done.out.contains("      Somebody waits at the scales: it weighs 1.\n"), "{done}");
    assert!(!done.out.contains("panicked") && !done.out.contains("RUST_BACKTRACE"), "{done}");
    assert!(checkout.run(&["verify", "--full"]).out.contains("panicked at"));

    for number in 1..=4 {
        let done = checkout.run(&["hint"]);
        assert!(done.out.contains(&format!("  {} of 3", number.min(3))), "{done}");
        assert_eq!(done.out.contains("That was the last"), number >= 3, "{done}");
    }
    let done = checkout.run(&["diff", "00"]);
    assert!(done.out.contains("-    1\n+    2\n") && !done.out.contains('\x1b'), "{done}");

    // The learner's editor writes Windows line ends.
    checkout.write(WEIGHT, &SOLVED_WEIGHT.replace('\n', "\r\n"));
    let done = checkout.run(&["verify", "0"]);
    assert!(done.ok() && done.out.contains("00 A weight: passed"), "{done}");
    assert!(
        done.out.contains("      well weighed\n") && done.out.contains("Next       01.1 An answer"),
        "{done}"
    );
    assert_eq!(checkout.run(&["diff", "00"]).out, "");
    assert!(checkout.run(&[]).out.contains("cargo workshop verify 01.1"));

    let done = checkout.run(&["verify"]);
    assert!(
        done.out.contains(&format!("Panic at {ANSWER}:2:")) && done.out.contains("01.1 answer"),
        "{done}"
    );
    assert!(checkout.run(&["solve", "1.1"]).ok());
    assert_eq!(checkout.run(&["diff", "1"]).out, "");
    assert!(checkout.run(&["verify", "01.1"]).ok());
    assert!(checkout.run(&[]).out.contains("Every exercise is done"));
    assert!(checkout.run(&["list"]).out.contains("ok  01.1"));

    // Progress is kept by slug: a renumbering loses none of it, nor does another slug that says what it was.
    let list = checkout.read("workshop.toml").replace("\"00\"", "\"01.0\"");
    checkout.write("workshop.toml", &list);
    assert!(checkout.run(&["list"]).out.contains("ok  01.0"));
    let list = list.replace("slug = \"weight\"", "slug = \"scales\"\nformerly = [\"weight\"]");
    checkout.write("workshop.toml", &list);
    assert!(checkout.run(&["list"]).out.contains("ok  01.0"));
    // What becomes a file's name is one on every system.
    for slug in ["Scales", "con", "com1", "", "a/b"] {
        checkout.write("workshop.toml", &list.replace("\"scales\"", &format!("{slug:?}")));
        let done = checkout.run(&["list"]);
        assert!(done.code == Some(1) && done.err.contains("makes no sense"), "{slug} {done}");
    }
}

#[test]
fn what_goes_wrong_is_said_in_the_learners_words() {
    let checkout = Checkout::with_exercises();
    let cases = [
        ("3", "it weighs 3."),
        ("oops", "Your file does not compile"),
        ("None::<u32>.unwrap()", "Panic at exercises/01-monolith/src/weight.rs:2:"),
        ("loop {}", "It was still running after 3s and was stopped. Is there a loop without an end?"),
        ("std::process::abort()", "before they could say why"),
    ];
    for (body, said) in cases {
        let done = checkout.weigh(body);
        assert_eq!(done.code, Some(1), "{body} {done}");
        assert!(done.out.contains(said), "{body} {done}");
        assert!(
            done.out.contains("cargo workshop hint 00") && done.out.lines().count() < 30,
            "{body} {done}"
        );
    }
    // Another signature: the workshop's own code no longer fits.
    checkout.write(WEIGHT, "pub fn weigh() -> u32 { 2 }\n");
    let done = checkout.run(&["verify", "00"]);
    assert!(done.out.contains("Has a name or a signature in it changed?"), "{done}");
    // The neighbour's file is in the same crate.
    checkout.write(WEIGHT, SOLVED_WEIGHT);
    checkout.write(ANSWER, "pub fn answer() -> u32 { x }\n");
    let done = checkout.run(&["verify", "00"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.out.contains(&format!("Not your fault: {ANSWER} does not compile")), "{done}");
    assert!(done.out.contains("cargo workshop reset 01.1"), "{done}");
    // Ours pass all the same.
    assert!(checkout.run(&["verify", "00", "--solution"]).ok());
    assert!(
        !checkout.path(".workshop/progress/weight.toml").exists(),
        "our solution is not the learner's progress"
    );
    // Not there at all.
    fs::remove_file(checkout.path(WEIGHT)).unwrap();
    let done = checkout.run(&["verify", "00"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("is gone") && done.err.contains("cargo workshop reset 00"), "{done}");
    assert!(checkout.run(&["reset", "00"]).ok() && checkout.path(WEIGHT).exists());
}

#[test]
fn nothing_of_a_learners_is_lost() {
    let checkout = Checkout::with_exercises();
    for command in [&["solve", "00"][..], &["reset", "00"], &["catch-up", "2"]] {
        let half = format!("half of a thought before {}", command[0]);
        checkout.write(WEIGHT, &half);
        let done = checkout.run(command);
        assert!(done.ok() && done.out.contains("Saved      the file"), "{done}");
        assert!(checkout.saved().contains(&half), "{command:?} {:?}", checkout.saved());
    }
    // Caught up in a tree of rubbish, its frame included.
    checkout.write(WEIGHT, "}}}");
    checkout.write("exercises/01-monolith/src/lib.rs", "mod nonsense;");
    fs::write(checkout.path(ANSWER), [0xff, 0xfe, 0]).unwrap();
    let done = checkout.run(&["catch-up", "2"]);
    assert!(done.ok(), "{done}");
    assert_eq!(checkout.read(WEIGHT), SOLVED_WEIGHT);
    assert!(
        checkout.run(&["verify", "01.1"]).ok()
            && checkout.run(&["author", "sync", "--check"]).code == Some(1)
    );
    assert!(checkout.saved().iter().any(|text| text == "mod nonsense;"));
    let done = checkout.run(&["catch-up", "3"]);
    assert_eq!((done.code, done.err.as_str()), (Some(64), "there is no step 03; the last is 01\n"));
    // A file that its owner protected stays as it is.
    checkout.write(WEIGHT, "mine");
    let mut only_read = fs::metadata(checkout.path(WEIGHT)).unwrap().permissions();
    only_read.set_readonly(true);
    fs::set_permissions(checkout.path(WEIGHT), only_read).unwrap();
    let done = checkout.run(&["solve", "00"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("weight.rs: it is read-only"), "{done}");
    assert_eq!(checkout.read(WEIGHT), "mine");
}

#[cfg(unix)]
#[test]
fn killed_in_the_middle_a_file_is_the_old_or_the_new_one() {
    let checkout = Checkout::with_exercises();
    let mine = "mine ".repeat(200_000);
    for round in 0..40 {
        checkout.write(WEIGHT, &mine);
        let running = checkout.command(&["solve", "00"]).start();
        thread::sleep(Duration::from_micros(300 * round));
        drop(running); // kills
        let text = checkout.read(WEIGHT);
        assert!(text == mine || text == SOLVED_WEIGHT, "neither: {} bytes", text.len());
        assert!(text == mine || checkout.saved().contains(&mine), "it was replaced before it was saved");
    }
}

#[test]
fn two_terminals_lose_nothing_of_each_other() {
    let checkout = Checkout::with_exercises();
    let hints: Vec<_> = (0..12).map(|_| checkout.command(&["hint", "01.1"]).start()).collect();
    for hint in hints {
        let done = hint.end();
        assert!(done.ok(), "{done}");
    }
    let text = checkout.read(".workshop/progress/answer.toml");
    assert!(text.contains("hints = 12\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_run_takes_those_of_my_files_that_verify_and_says_which() {
    let checkout = Checkout::with_exercises();
    assert!(checkout.weigh("1 + 1").ok());
    let port = support::free_port().to_string();
    let mut running = checkout.command(&["run", "1", "--mine", "--port", &port]).start();
    running.wait_for("Automator is at");
    for line in
        ["Yours      00 A weight\n", "Ours       01.1 An answer; for yours: cargo workshop verify 01.1\n"]
    {
        assert!(running.said().contains(line), "{line} {}", running.said());
    }
    running.signal("INT");
    assert!(running.end().ok());
    // An edit since then has not passed.
    checkout.write(WEIGHT, "pub fn weight() -> u32 {\n    5\n}\n");
    let mut running = checkout.command(&["run", "1", "--mine", "--port", &port]).start();
    running.wait_for("Automator is at");
    assert!(running.said().contains("Ours       00 A weight"), "{}", running.said());
    running.signal("INT");
    running.end();
}

#[cfg(unix)]
#[test]
fn a_later_step_runs_with_my_files_of_an_earlier_one() {
    let checkout = Checkout::with_exercises();
    checkout.add_gateway();
    assert!(checkout.weigh("1 + 1").ok());
    let port = support::free_port().to_string();
    let mut running = checkout.command(&["run", "2", "--mine", "--port", &port]).start();
    running.wait_for("Automator is at");
    let said = running.said();
    // What is not done of an earlier step is nothing to be told at each run.
    assert!(said.contains("Yours      00 A weight\n") && !said.contains("Ours "), "{said}");
    running.signal("INT");
    assert!(running.end().ok());
}

#[test]
fn watching_verifies_at_each_save_without_a_terminal() {
    for options in [&["watch"][..], &["watch", "--poll"]] {
        let checkout = Checkout::with_exercises();
        let mut running = checkout.command(options).start();
        running.wait_for("it weighs 1.");
        running.wait_for("watching");
        checkout.write(WEIGHT, SOLVED_WEIGHT);
        running.wait_for("saved, building 00 A weight");
        running.wait_for("00 A weight: passed");
        // It goes where the learner goes.
        checkout.write(ANSWER, "pub fn answer() -> u32 {\n    7\n}\n");
        running.wait_for("saved, building 01.1 An answer");
        running.wait_for("01.1 An answer: passed");
    }
}

#[test]
fn a_track_leads_through_its_exercises() {
    let checkout = Checkout::with_exercises();
    let track = "\n[[track]]\nkey = \"back\"\ntitle = \"Backwards\"\nentry = [{ minutes = 1, what = \"\", exercises = [\"01.1\", \"07.7\"] }]\n";
    checkout.write("workshop.toml", &(checkout.read("workshop.toml") + track));
    let done = checkout.run(&["track", "back"]);
    assert!(done.ok() && done.out.contains("cargo workshop verify 01.1"), "{done}");
    assert!(checkout.run(&["track"]).out.contains("->  cargo workshop track back"));
    assert!(checkout.run(&["hint"]).out.starts_with("01.1 An answer"));
    assert!(checkout.run(&["verify"]).out.contains("01.1 An answer: not yet"));
    assert!(checkout.run(&["agenda"]).out.starts_with("Backwards, 1 minutes"));
    let mut watching = checkout.command(&["watch"]).start();
    watching.wait_for("01.1 An answer: not yet");
    drop(watching);
    assert!(checkout.run(&["solve", "01.1"]).ok());
    let done = checkout.run(&[]);
    assert!(
        done.out.contains("Every exercise of the track is done. See yours run: cargo workshop run 1 --mine"),
        "{done}"
    );
    let done = checkout.run(&["track", "sideways"]);
    assert_eq!(
        (done.code, done.err.as_str()),
        (Some(64), "there is no track sideways; there are: short, back\n")
    );
    assert!(checkout.run(&["track", "all"]).out.contains("cargo workshop verify 00"));
}

#[test]
fn the_small_commands_answer() {
    let checkout = Checkout::with_exercises();
    let done = checkout.run(&["agenda", "--track", "short"]);
    let table = "A short one, 65 minutes\n 0:00   50  00\n 0:50   15  09.9   (09.9 to come)\n";
    assert_eq!(done.out, table, "{done}");
    let done = checkout.run(&["where", "MONOLITH"]);
    assert!(done.ok() && done.out.contains("a process, in step 01 The monolith, since step 01"), "{done}");
    let done = checkout.run(&["where", "nowhere"]);
    assert!(done.code == Some(64) && done.err.contains("there are: "), "{done}");
    let done = checkout.run(&["verfiy"]);
    assert!(done.code == Some(64) && done.err.contains("'verify'"), "{done}");
    let done = checkout.run(&["verify", "07.3"]);
    assert_eq!(
        (done.code, done.err.as_str()),
        (Some(64), "there is no exercise 07.3; there are: 00, 01.1\n")
    );
    assert!(checkout.run(&["list"]).out.contains("10 minutes, needs Docker"));
}

#[test]
fn a_later_step_is_told_by_what_it_adds() {
    let checkout = Checkout::with_exercises();
    checkout.add_gateway();
    checkout.write("steps/01-monolith/migrations/1.sql", "CREATE TABLE tasks (id TEXT);\n");
    let tables =
        ["rights", "IF NOT EXISTS tasks", "gates"].map(|name| format!("CREATE TABLE {name} (id TEXT);\n"));
    checkout.write("steps/02-gateway/migrations/1.sql", &format!("-- Who may.\n{}", tables.concat()));
    checkout.write("steps/02-gateway/src/main.rs", "//! Which route goes where.\n\nfn main() {}\n");
    // Another process is put together there.
    checkout.write("steps/01-monolith/src/app.rs", "//! The root of the monolith.\n\nteam\nnotify\n");
    let done = checkout.run(&["diff", "1", "2"]);
    let told = "\
From 01 The monolith to 02 A gateway
Process      monolith now on port 8081
Process    + gateway on port 8080
Process    - simulators
Front        clients talk to gateway instead of monolith
Code       + steps/02-gateway: 2 files, 7 lines, on top of step-01-monolith
Tables     + gates, rights
Taken over   tasks

    4  steps/02-gateway/migrations/1.sql  Who may
    3  steps/02-gateway/src/main.rs       Which route goes where
";
    assert_eq!(done.out, told, "{done}");
    checkout.write("steps/02-gateway/src/app.rs", "//! The root of a gateway.\n");
    let done = checkout.run(&["diff", "1", "2"]);
    assert!(done.out.ends_with("  Which route goes where\n"), "{done}");
    checkout.write("steps/02-gateway/src/app.rs", "//! The root of the monolith.\n\nteam\nremote(notify)\n");
    let done = checkout.run(&["diff", "1", "2"]);
    let changed = "\n--- steps/01-monolith/src/app.rs\n+++ steps/02-gateway/src/app.rs\n@@ -4 +4 @@\n-notify\n+remote(notify)\n";
    assert!(done.out.ends_with(changed), "{done}");

    // At step 01 the answer is that of step 01.
    let done = checkout.run(&["where", "8080"]);
    assert_eq!(
        done.out,
        "8080: the port of the process monolith, in step 01 The monolith, since step 01\n\
         See steps/01-monolith/system.toml\n\
         Later: the port of the process gateway, from step 02 A gateway on, see steps/02-gateway/system.toml\n"
    );
    let done = checkout.run(&["where", "gateway"]);
    assert!(
        done.out.starts_with("gateway: not there yet at step 01\nLater: a process, from step 02"),
        "{done}"
    );
    let done = checkout.run(&["where", "8080", "2"]);
    assert!(
        done.out.starts_with("8080: the port of the process gateway, in step 02 A gateway, since step 02\n"),
        "{done}"
    );
    let listed = checkout.run(&["list"]).out;
    assert!(listed.contains("01 The monolith   (you are here)\n"), "{listed}");
    assert!(listed.ends_with("\nNext, type  cargo workshop verify 00\n"), "{listed}");
    let done = checkout.run(&["where", "tasks", "2"]);
    assert!(done.out.starts_with("tasks: a table, in step 02 A gateway, since step 01\n"), "{done}");
    let done = checkout.run(&["where", "migrate", "2"]);
    assert!(done.out.starts_with("migrate: a process, in step 02 A gateway, since step 01\n"), "{done}");

    for (wrong, said) in [
        (["diff", "2", "1"], "step 02 is not before step 01"),
        (["diff", "1", "7"], "there is no step 07; there are: 01, 02"),
        (["diff", "01.1", "2"], "01.1 is no step; two steps are told like this: cargo workshop diff 1 2"),
    ] {
        let done = checkout.run(&wrong);
        assert!(done.code == Some(64) && done.err.contains(said), "{done}");
    }
}

#[test]
fn a_checklist_ticks_what_holds_and_crosses_what_does_not() {
    let checkout = Checkout::with_exercises();
    let item = |name: &str, test: &str| {
        format!("- [ ] **{name}.**\n  `cargo test --workspace --test ex_01 -- {test}`\n")
    };
    let tests = checkout.read("steps/01-monolith/tests/ex_01.rs");
    let needy = "#[test]\n#[ignore = \"needs an engine\"]\nfn needy() {}\n";
    checkout.write("steps/01-monolith/tests/ex_01.rs", &format!("{tests}{needy}"));
    let list = item("Small", "weight::it_is_small")
        + &item("Gone", "weight::no_such_test")
        + &item("Needy", "needy")
        + "- [ ] Alone\n";
    checkout.write("steps/01-monolith/checklist.md", &list);
    let done = checkout.run(&["checklist", "1"]);
    assert_eq!(done.code, Some(1), "{done}");
    for line in [
        "  ok  Small.\n",
        "a test of our code, not of your files",
        "  no  Gone.\n      there is no such test",
        "  no  Needy.\n      not tested here: needs an engine\n",
        "  no  Alone\n      nothing verifies it",
    ] {
        assert!(done.out.contains(line), "{line} {done}");
    }
    assert!(checkout.run(&["checklist", "--write"]).ok());
    assert!(checkout.read("checklist.md").contains("## Design\n\n### [01 The monolith]"));
}

#[test]
fn prove_finds_what_an_author_forgot() {
    let checkout = Checkout::with_exercises();
    let wrong = |name: &str, refused: &str, number: &str| {
        let patch = format!(
            "Refused with: {refused}\n\n--- solved\n+++ wrong\n@@ -1,3 +1,3 @@\n pub fn weight() -> u32 {{\n-    2\n+    {number}\n }}\n"
        );
        checkout.write(&format!("solutions/01-monolith/wrong/00-{name}.patch"), &patch);
    };
    for (name, number) in [("a", "3"), ("b", "4"), ("c", "5"), ("d", "6")] {
        wrong(name, "Somebody waits at the scales", number);
    }
    wrong("e", "Nobody", "7");
    wrong("f", "Somebody", "1 + 1");
    checkout.write("steps/01-monolith/README.md", "[gone](nowhere.md)\n");
    checkout.write(WEIGHT, "half of an author's thought");
    checkout.write("exercises/01-monolith/src/lib.rs", "pub mod answer;\npub mod weight;\n\n");
    let done = checkout.run(&["author", "prove", "00"]);
    assert_eq!(done.code, Some(1), "{done}");
    for problem in [
        "steps/01-monolith/README.md:1: nothing is at nowhere.md",
        "exercises/01-monolith/src/lib.rs is stale",
        "checklist.md is stale",
        "so each wrong answer has a build of its own",
        "00-e is not refused with \"Nobody\"",
        "the wrong answer 00-f passes",
    ] {
        assert!(done.err.contains(problem), "{problem} {done}");
    }
    assert!(done.out.contains("ok  00  start") && done.out.contains("ok  00  00-a"), "{done}");
    assert!(done.out.contains("ok  00  solution"), "{done}");
    assert_eq!(checkout.read(WEIGHT), "half of an author's thought", "what was there is there again");

    // A start that passes is no exercise.
    let source = checkout.read("solutions/01-monolith/src/weight.rs").replace("//| 1", "//| 2");
    checkout.write("solutions/01-monolith/src/weight.rs", &source);
    let done = checkout.run(&["author", "prove", "00"]);
    assert!(done.err.contains("at the start {} fail, not {\"it_weighs_two\"}"), "{done}");
    let done = checkout.run(&["author", "prove", "01.1"]);
    assert!(done.err.contains("01.1 An answer has 16 hints, not 3"), "{done}");
    assert!(done.err.contains("01.1 An answer has 0 wrong answers, not 5"), "{done}");
}

/// In place of `crates/answers`: merges answers that are one expression. Of more than four it makes no Rust.
const MERGER: &str = r##"
fn main() {
    let input = std::io::read_to_string(std::io::stdin()).unwrap();
    let answers: Vec<_> = input.split("u32 {\\n").skip(1).filter_map(|rest| rest.split("\\n").next()).collect();
    let numbers: Vec<_> = (0..answers.len()).collect();
    let arms: String = numbers.iter().map(|n| format!("{n} => {},", answers[*n])).collect();
    let chosen = "std::env::var(\\\"WORKSHOP_ANSWER\\\").unwrap().parse::<u8>().unwrap()";
    let end = if answers.len() > 4 { "!" } else { "" };
    let text = format!("pub fn weight() -> u32 {{ match {chosen} {{ {arms} _ => unreachable!() }} }} {end}");
    println!(r#"[{{"answers": {numbers:?}, "text": "{text}", "apart": null}}]"#);
}
"##;

#[test]
fn wrong_answers_of_one_file_are_built_once_and_run_one_by_one() {
    let checkout = Checkout::with_exercises();
    let wrong = |name: &str, number: &str| {
        let patch = format!(
            "Refused with: it weighs {number}.\n\n@@ -1,3 +1,3 @@\n pub fn weight() -> u32 {{\n-    2\n+    {number}\n }}\n"
        );
        checkout.write(&format!("solutions/01-monolith/wrong/00-{name}.patch"), &patch);
    };
    for (name, number) in [("a", "3"), ("b", "4"), ("c", "5"), ("d", "6"), ("e", "7"), ("f", "8")] {
        wrong(name, number);
    }
    let members =
        checkout.read("Cargo.toml").replace("\"exercises/*\"", "\"crates/answers\", \"exercises/*\"");
    checkout.write("Cargo.toml", &members);
    let package = "[package]\nname = \"answers\"\nedition = \"2024\"\n[[bin]]\nname = \"merge-answers\"\npath = \"main.rs\"\n";
    checkout.write("crates/answers/Cargo.toml", package);
    checkout.write("crates/answers/main.rs", MERGER);
    checkout.write("checklist.md", "");
    assert!(checkout.run(&["checklist", "--write"]).ok());

    let done = checkout.run(&["author", "prove", "00"]);
    assert!(done.ok(), "{done}");
    for name in ["start", "00-a", "00-b", "00-c", "00-d", "00-e", "00-f", "solution"] {
        assert!(done.out.contains(&format!("ok  00  {name}")), "{name} {done}");
    }
    assert!(done.err.contains("00: 6 answers do not compile in one file, so in halves"), "{done}");
    // Built: the start, all six in vain, two halves, the solution in both crates. Run: the same, with six answers.
    assert!(done.out.contains("9 answers, 6 builds"), "{done}");
}

#[test]
fn a_new_step_has_all_of_its_files_and_overwrites_none() {
    let checkout = Checkout::with_exercises();
    let done = checkout.run(&["author", "new", "2", "modules", "Modules"]);
    assert!(done.ok() && done.out.contains("cargo workshop author prove"), "{done}");
    for path in
        ["README.md", "INSTRUCTOR.md", "checklist.md", "system.toml", "src/pieces.rs", "tests/step_02.rs"]
    {
        assert!(checkout.path(&format!("steps/02-modules/{path}")).exists(), "{path}");
    }
    assert!(checkout.read("solutions/02-modules/src/first.rs").contains("// begin 02.1"));
    assert!(checkout.read("steps/02-modules/system.toml").contains("extends = \"../01-monolith\""));
    let done = checkout.run(&["author", "new", "2", "modules", "Modules"]);
    assert!(done.code == Some(1) && done.err.contains("is there already"), "{done}");
    assert_eq!(checkout.run(&["author", "new", "1", "x", "X"]).code, Some(64));
}
