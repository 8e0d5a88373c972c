//! What a test program of Rust's own harness said, read for people.

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    /// Without its module.
    pub(crate) name: String,
    pub(crate) passed: bool,
    /// What it printed or panicked with, without the noise around it.
    pub(crate) said: String,
}

impl Test {
    /// Its name is a sentence.
    pub(crate) fn sentence(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// The tests of `module` in the harness's output; each as it ended.
pub(crate) fn read(output: &str, module: &str) -> Vec<Test> {
    let prefix = format!("{module}::");
    let verdicts = output.lines().filter_map(|line| {
        let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        Some((name.strip_prefix(&prefix)?, verdict))
    });
    verdicts
        .map(|(name, verdict)| Test {
            name: name.to_owned(),
            passed: verdict == "ok",
            said: section(output, &format!("{prefix}{name}")),
        })
        .collect()
}

/// What stands under `---- NAME stdout ----`: the last panic first, which is the test's own; what was printed, and panics on
/// the way there, after it.
fn section(output: &str, name: &str) -> String {
    let head = format!("---- {name} stdout ----");
    let lines = output.lines().skip_while(|line| *line != head).skip(1);
    // The next section, or the list of names that follows the last one.
    let lines = lines.take_while(|line| !is_head(line) && !matches!(*line, "failures:" | "successes:"));
    let lines: Vec<_> = lines.collect();
    let last = lines.iter().rposition(|line| is_panic(line)).unwrap_or(0);
    let text = |lines: &[&str]| {
        lines.iter().filter_map(|line| without_noise(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
    };
    let (before, verdict) = (text(&lines[..last]), text(&lines[last..]));
    if before.is_empty() { verdict } else { format!("{verdict}\nBefore that:\n{before}") }
}

fn is_panic(line: &str) -> bool {
    line.starts_with("thread '") && line.contains(" panicked at ")
}

fn is_head(line: &str) -> bool {
    line.starts_with("---- ") && line.ends_with(" stdout ----")
}

/// The line as a person wants it; `None` for one that is about Rust, not about the exercise. Of a panic's place only that in
/// an exercise is of use.
fn without_noise(line: &str) -> Option<String> {
    if line.starts_with("note: run with `RUST_BACKTRACE") {
        return None;
    }
    if is_panic(line) {
        let place = line.rsplit(" panicked at ").next()?.trim_end_matches(':');
        return place.replace('\\', "/").contains("exercises/").then(|| format!("Panic at {place}:"));
    }
    Some(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 3 tests
test pins::a_pin ... ok
test pins::the_faults ... FAILED
test other::x ... ok

successes:

---- pins::a_pin stdout ----
note: 3 requests

successes:
    pins::a_pin

failures:

---- pins::the_faults stdout ----

thread 'pins::the_faults' (7) panicked at steps/01-monolith/tests/ex_01.rs:3:5:
Fault 3, paging, went unnoticed.
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

failures:
    pins::the_faults

test result: FAILED. 2 passed; 1 failed
";

    #[test]
    fn tests_are_read_with_what_they_said() {
        let tests = read(OUTPUT, "pins");
        let test =
            |name: &str, passed, said: &str| Test { name: name.to_owned(), passed, said: said.to_owned() };
        assert_eq!(
            tests,
            [
                test("a_pin", true, "note: 3 requests"),
                test("the_faults", false, "Fault 3, paging, went unnoticed.")
            ]
        );
        assert_eq!(tests[1].sentence(), "the faults");
    }

    #[test]
    fn what_was_printed_comes_after_the_verdict() {
        let printed = "looking\n".repeat(20);
        let output = format!(
            "---- pins::a stdout ----\n{printed}thread 'w' (8) panicked at exercises/01-monolith/src/pins.rs:9:5:\n\
             assertion `left == right` failed\n  left: 1\n right: 2\n{printed}\n\
             thread 'pins::a' (7) panicked at steps/01-monolith/tests/ex_01.rs:3:5:\nFault 3 went unnoticed.\n\nfailures:\n"
        );
        let said = section(&output, "pins::a");
        assert!(said.starts_with("Fault 3 went unnoticed.\nBefore that:\nlooking\n"), "{said}");
        assert!(
            said.contains(
                "Panic at exercises/01-monolith/src/pins.rs:9:5:\nassertion `left == right` failed"
            ),
            "{said}"
        );
    }

    #[test]
    fn of_a_panic_only_the_place_in_an_exercise_is_kept() {
        let line = "thread 'main' (1) panicked at exercises/01-monolith/src/pins.rs:12:5:";
        assert_eq!(without_noise(line).unwrap(), "Panic at exercises/01-monolith/src/pins.rs:12:5:");
        assert_eq!(without_noise("thread 'main' panicked at /rustc/x.rs:1:1:"), None);
        assert_eq!(
            without_noise("thread 'm' panicked at exercises\\01\\src\\pins.rs:1:2:").unwrap(),
            "Panic at exercises\\01\\src\\pins.rs:1:2:"
        );
    }
}
