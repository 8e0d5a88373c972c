//! What `verify` says of failures that are not simply wrong answers, and that nothing outlives it.

use std::fs;

use crate::{
    SOLVED_WEIGHT,
    checkout::{ANSWER, WEIGHT},
    support::Checkout,
};

#[test]
fn what_cargo_itself_fails_at_is_said_in_its_words() {
    let checkout = Checkout::with_exercises();
    checkout.write(WEIGHT, SOLVED_WEIGHT);
    let cases = [
        ("RUSTC_WRAPPER", "no-such-wrapper", "could not execute process `no-such-wrapper"),
        ("RUSTFLAGS", "-C linker=no-such-linker", "linker `no-such-linker` not found"),
    ];
    for (name, value, words) in cases {
        // What a reader has set for themselves must not hide it.
        for (setting, to) in
            [("CARGO_TERM_QUIET", "true"), ("CARGO_TERM_COLOR", "always"), ("CARGO_TERM_VERBOSE", "true")]
        {
            let done = checkout.command(&["verify", "00"]).env(name, value).env(setting, to).end();
            assert_eq!(done.code, Some(1), "{done}");
            assert!(
                done.out.contains("Nothing is said of your file") && done.out.contains(words),
                "{setting} {done}"
            );
            assert!(!done.out.contains("Stuck?") && !done.out.contains('\x1b'), "{done}");
            assert!(done.out.contains("cargo workshop doctor") && done.out.lines().count() < 30, "{done}");
        }
    }
    // No network, and a crate that is not here.
    let manifest = "steps/01-monolith/Cargo.toml";
    let right = checkout.read(manifest);
    checkout
        .write(manifest, &right.replace("[dependencies]", "[dependencies]\nno-such-crate-at-all = \"77\""));
    let done = checkout.run(&["verify", "00"]);
    assert!(
        done.out.contains("Nothing is said of your file") && done.out.contains("no-such-crate-at-all"),
        "{done}"
    );
    checkout.write(manifest, &right);
    // The settings do no harm where all is well, and a test's own neither.
    let done = checkout
        .command(&["verify", "00"])
        .env("CARGO_TERM_QUIET", "true")
        .env("RUST_TEST_NOCAPTURE", "1")
        .end();
    assert!(done.ok() && done.out.contains("      well weighed\n"), "{done}");
}

#[test]
fn a_verdict_stays_readable() {
    let checkout = Checkout::with_exercises();
    // Fourteen lines of their own, before the verdict.
    let done = checkout.weigh("for n in 0..40 { println!(\"looking {n}\"); }\n    3");
    let verdict = done.out.find("Somebody waits at the scales: it weighs 3.");
    let printed = done.out.find("looking 0");
    assert!(verdict.is_some() && verdict < printed && done.out.lines().count() < 30, "{done}");
    // Two values, each a page long.
    let done = checkout.weigh("assert_eq!(\"a\".repeat(5000), \"b\".repeat(5000));\n    2");
    assert!(done.out.contains("assertion `left == right` failed"), "{done}");
    assert!(done.out.lines().all(|line| line.chars().count() < 250), "{done}");
    // No text.
    for (bytes, said) in
        [(&b"pub fn\n\xe4"[..], "line 2 has the byte 0xe4"), (b"\xff\xfep\0", "It is UTF-16")]
    {
        fs::write(checkout.path(WEIGHT), bytes).unwrap();
        let done = checkout.run(&["verify", "00"]);
        assert!(done.code == Some(1) && done.out.contains(said), "{done}");
        assert!(done.out.contains(WEIGHT) && !done.out.contains("Not your fault"), "{done}");
    }
    // A neighbour's is the neighbour's.
    checkout.write(WEIGHT, SOLVED_WEIGHT);
    checkout.write(ANSWER, "pub fn answer() -> u32 { x }\n");
    assert!(
        checkout.run(&["verify", "00"]).out.contains(&format!("Not your fault: {ANSWER} does not compile"))
    );
}

#[test]
fn a_pass_is_followed_by_the_debrief() {
    let checkout = Checkout::with_exercises();
    let list = checkout.read("workshop.toml");
    let debrief = "file = \"src/weight.rs\"\ndebrief = \"\"\"\nWhat weighs two, weighs two.\n\nWhy two? Because.\n\"\"\"";
    checkout.write("workshop.toml", &list.replace("file = \"src/weight.rs\"", debrief));
    assert!(!checkout.weigh("3").out.contains("Debrief"));
    let done = checkout.weigh("2");
    let said = "\nDebrief\n  What weighs two, weighs two.\n\n  Why two? Because.\n\nCompare ";
    assert!(done.ok() && done.out.contains(said), "{done}");
    let mut watching = checkout.command(&["watch", "00"]).start();
    watching.wait_for("Why two? Because.");
}

/// Endless, and written down by its number.
#[cfg(unix)]
fn endless(checkout: &Checkout) -> std::path::PathBuf {
    let noted = checkout.path("endless.pid");
    let body = format!("std::fs::write({noted:?}, std::process::id().to_string()).unwrap();\n    loop {{}}");
    checkout.write(WEIGHT, &format!("pub fn weight() -> u32 {{\n    {body}\n}}\n"));
    noted
}

#[cfg(unix)]
#[test]
fn an_endless_loop_ends_with_verify_however_that_ends() {
    use crate::support::{is_alive, until};
    let checkout = Checkout::with_exercises();
    let noted = endless(&checkout);
    for signal in ["KILL", "TERM"] {
        let running = checkout.command(&["verify", "00", "--limit", "600"]).start();
        until("the loop runs", || fs::read_to_string(&noted).is_ok_and(|id| !id.is_empty()));
        let id = checkout.read("endless.pid");
        assert!(is_alive(&id));
        running.signal(signal);
        running.end();
        until(&format!("after SIG{signal} nothing spins"), || !is_alive(&id));
        fs::remove_file(&noted).unwrap();
    }
    // Stopped by its limit, with what it started.
    let helper = checkout.path("helper.pid");
    let body = format!(
        "let child = std::process::Command::new(\"sleep\").arg(\"600\").spawn().unwrap();\n    \
         std::fs::write({helper:?}, child.id().to_string()).unwrap();\n    loop {{}}"
    );
    let done = checkout.weigh(&body);
    assert!(done.out.contains("It was still running after 3s"), "{done}");
    let id = checkout.read("helper.pid");
    until("what it started is gone", || !is_alive(&id));
}
