//! Ours in place of theirs and back again, whatever state the tree is in.

use std::{fs, thread, time::Duration};

use crate::{
    SOLVED_WEIGHT,
    checkout::{ANSWER, WEIGHT},
    support::Checkout,
};

const MINE: &str = "pub fn weight() -> u32 {\n    1 + 1\n}\n";

#[test]
fn who_catches_up_keeps_what_has_passed() {
    let checkout = Checkout::with_exercises();
    assert!(checkout.weigh("1 + 1").ok());
    let done = checkout.run(&["catch-up", "2"]);
    assert!(
        done.ok() && done.out.contains("Yours      1, ") && done.out.contains("Ours       1\n"),
        "{done}"
    );
    assert_eq!(checkout.read(WEIGHT), MINE);
    let list = checkout.run(&["list"]).out;
    assert!(list.contains("A weight                             done\n"), "{list}");
    assert!(list.contains("An answer                            our solution\n"), "{list}");
    // Edited since, it has not passed, and ours is not theirs either, verified or not.
    checkout.write(WEIGHT, "half a thought");
    assert!(checkout.run(&["catch-up", "2"]).ok());
    assert_eq!(checkout.read(WEIGHT), SOLVED_WEIGHT);
    for _ in 0..2 {
        let list = checkout.run(&["list"]).out;
        assert!(!list.contains("done\n"), "{list}");
        assert!(checkout.run(&["verify", "00"]).ok());
    }
    // What they make of it is theirs.
    assert!(checkout.weigh("2 * 1").ok());
    assert!(checkout.run(&["list"]).out.contains("A weight                             done\n"));
}

#[test]
fn what_was_saved_comes_back() {
    let checkout = Checkout::with_exercises();
    assert_eq!(checkout.run(&["restore"]).out, "Nothing is saved yet.\n");
    let done = checkout.run(&["restore", "00"]);
    assert_eq!((done.code, done.err.as_str()), (Some(64), "no copy of 00 A weight is saved\n"));
    checkout.write(WEIGHT, "first thought");
    checkout.write(ANSWER, "an answer");
    assert!(checkout.run(&["catch-up", "2"]).ok());
    // The folders are called by the second.
    thread::sleep(Duration::from_millis(1100));
    checkout.write(WEIGHT, "second thought");
    let done = checkout.run(&["reset", "00"]);
    assert!(done.out.contains("back again: cargo workshop restore 2"), "{done}");
    // Of one exercise, the newest.
    let done = checkout.run(&["restore", "00"]);
    assert!(done.ok() && done.out.contains(&format!("Back       {WEIGHT}\n")), "{done}");
    assert_eq!(checkout.read(WEIGHT), "second thought");
    // A whole folder, by its name or the way there; what stood there is saved once more.
    let listed = checkout.run(&["restore"]).out;
    let name = listed.lines().find(|line| line.ends_with("-catch-up-02")).unwrap();
    for name in [name.to_owned(), format!(".workshop/saved/{name}/")] {
        checkout.write(WEIGHT, "third thought");
        assert!(checkout.run(&["restore", &name]).ok());
        assert_eq!(
            (checkout.read(WEIGHT), checkout.read(ANSWER)),
            ("first thought".into(), "an answer".into())
        );
    }
    assert!(checkout.saved().iter().any(|text| text == "third thought"));
    assert!(!checkout.run(&["list"]).out.contains("our solution"), "theirs is no solution of ours");
    assert_eq!(checkout.run(&["restore", "nothing"]).code, Some(64));
}

#[test]
fn a_broken_manifest_stops_no_rescue() {
    let checkout = Checkout::with_exercises();
    let manifest = "exercises/01-monolith/Cargo.toml";
    let right = checkout.read(manifest);
    for command in [&["reset", "00"][..], &["catch-up", "2"]] {
        for wrong in [Some("[package"), Some(""), None] {
            match wrong {
                Some(text) => checkout.write(manifest, text),
                None => fs::remove_file(checkout.path(manifest)).unwrap(),
            }
            let done = checkout.run(command);
            assert!(done.ok(), "{command:?} {done}");
            assert_eq!(checkout.read(manifest), right);
        }
    }
    // Whoever verifies is told what cargo says, and the way out.
    checkout.write(manifest, "[package");
    let done = checkout.run(&["verify", "00"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.out.contains("the build itself gave up") && done.out.contains("unclosed table"), "{done}");
    assert!(done.out.contains("comes back with: cargo workshop reset 00"), "{done}");
    assert!(!done.out.contains("cargo workshop hint"), "{done}");
}
