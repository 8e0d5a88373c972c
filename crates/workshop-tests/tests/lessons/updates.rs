//! The newest version, with a learner's edits in it.

use crate::{
    checkout::{ANSWER, WEIGHT},
    support::Checkout,
};

const MINE: &str = "pub fn weight() -> u32 {\n    1 + 1\n}\n";

/// The authors' repository and a learner's clone with an edit.
fn published() -> (Checkout, Checkout) {
    let origin = Checkout::with_exercises();
    origin.write("README.md", "Welcome.\n");
    origin.publish();
    let clone = Checkout::clone_of(&origin);
    clone.write(WEIGHT, MINE);
    (origin, clone)
}

#[test]
fn an_update_puts_the_edits_back_and_says_what_moved() {
    let (origin, clone) = published();
    clone.write("README.md", "Welcome to me.\n");
    clone.write("steps/01-monolith/system.toml", &(clone.read("steps/01-monolith/system.toml") + "# mine\n"));
    clone.write("notes.txt", "mine alone");
    // The first exercise has another start in another file now, and the page at the root another text.
    origin.write("README.md", "Welcome back.\n");
    origin.git(&["mv", "solutions/01-monolith/src/weight.rs", "solutions/01-monolith/src/scales.rs"]);
    origin.git(&["mv", WEIGHT, "exercises/01-monolith/src/scales.rs"]);
    let solution = "solutions/01-monolith/src/scales.rs";
    origin.write(solution, &origin.read(solution).replace("//| 1", "//| 3"));
    origin.write("exercises/01-monolith/src/scales.rs", "pub fn weight() -> u32 {\n    3\n}\n");
    let list = origin
        .read("workshop.toml")
        .replace("src/weight.rs", "src/scales.rs")
        .replace("\"weight\"", "\"scales\"");
    origin.write(
        "workshop.toml",
        &list.replace("slug = \"scales\"", "slug = \"scales\"\nformerly = [\"weight\"]"),
    );
    origin.commit("Weigh with scales");

    let done = clone.run(&["update"]);
    assert!(done.ok(), "{done}");
    assert!(done.out.contains("           Weigh with scales\n"), "{done}");
    assert!(
        done.out.contains(&format!("Back       exercises/01-monolith/src/scales.rs, where {WEIGHT} moved\n")),
        "{done}"
    );
    assert!(done.out.contains("its start is another now: cargo workshop verify 00"), "{done}");
    assert_eq!(clone.read("exercises/01-monolith/src/scales.rs"), MINE);
    assert!(!clone.path(WEIGHT).exists());
    // Changed on both sides: the workshop's stands, theirs is kept.
    assert!(done.out.contains("Left out   README.md: the workshop changed it too"), "{done}");
    assert_eq!(clone.read("README.md"), "Welcome back.\n");
    assert!(clone.saved().iter().any(|text| text == "Welcome to me.\n"));
    assert!(clone.read("steps/01-monolith/system.toml").ends_with("# mine\n"));
    assert_eq!(clone.read("notes.txt"), "mine alone");
    assert_eq!(clone.git(&["rev-parse", "HEAD"]), origin.git(&["rev-parse", "HEAD"]));

    let done = clone.run(&["update"]);
    assert!(done.ok() && done.out.contains("Up to date already"), "{done}");
}

#[test]
fn an_update_that_cannot_be_leaves_everything_as_it_is() {
    let (origin, clone) = published();
    origin.write("README.md", "Welcome back.\n");
    origin.write("new.txt", "new");
    origin.commit("Welcome back");
    let is_as_it_was =
        |clone: &Checkout| clone.read(WEIGHT) == MINE && clone.read("README.md") == "Welcome.\n";

    // In the way of a new file.
    clone.write("new.txt", "mine");
    let done = clone.run(&["update"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("git stays where it was") && done.err.contains("new.txt"), "{done}");
    assert!(is_as_it_was(&clone) && clone.read("new.txt") == "mine", "{done}");
    std::fs::remove_file(clone.path("new.txt")).unwrap();
    // No network.
    clone.git(&["remote", "set-url", "origin", "/no/such/place"]);
    let done = clone.run(&["update"]);
    assert!(done.code == Some(1) && done.err.contains("nothing was changed"), "{done}");
    assert!(is_as_it_was(&clone));
    clone.git(&["remote", "set-url", "origin", origin.path("").to_str().unwrap()]);
    // Commits of their own.
    clone.write(ANSWER, "mine");
    clone.git(&["add", ANSWER]);
    clone.git(&["commit", "--quiet", "--message", "Mine"]);
    let done = clone.run(&["update"]);
    assert!(done.code == Some(1) && done.err.contains("git rebase origin/main"), "{done}");
    assert!(is_as_it_was(&clone) && clone.read(ANSWER) == "mine");
    // A class' tag, and no repository at all.
    clone.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    let done = clone.run(&["update"]);
    assert!(done.code == Some(1) && done.err.contains("it stays the version that it is"), "{done}");
    let done = Checkout::with_exercises().command(&["update"]).env("GIT_CEILING_DIRECTORIES", "/").end();
    assert!(done.code == Some(1) && done.err.contains("no checkout of git"), "{done}");
}

#[cfg(unix)]
#[test]
fn a_new_command_puts_the_edits_back_itself() {
    use std::os::unix::fs::PermissionsExt;
    let (origin, clone) = published();
    origin.write("crates/workshop/src/main.rs", "fn main() {}\n");
    origin.commit("Another command");
    clone.write("new-cargo", "#!/bin/sh\necho \"$*\" >>new-cargo.log\n");
    std::fs::set_permissions(clone.path("new-cargo"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let done = clone.command(&["update"]).cargo(clone.path("new-cargo").to_str().unwrap()).end();
    assert!(done.ok(), "{done}");
    let called = clone.read("new-cargo.log");
    let name = called.strip_prefix("workshop restore ").unwrap().trim();
    // The old one has left it to the new one.
    assert_ne!(clone.read(WEIGHT), MINE);
    assert!(clone.run(&["restore", name]).ok());
    assert_eq!(clone.read(WEIGHT), MINE);
    // One that does not build says how.
    origin.write("crates/workshop/src/main.rs", "fn main\n");
    origin.commit("A broken command");
    let done = clone.command(&["update"]).cargo("no-such-cargo").end();
    assert!(done.code == Some(1) && done.err.contains("when you type: cargo workshop restore 2"), "{done}");
}
