//! Each answer does in the merged file what it does by itself: all are compiled and run.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::{File, files};

fn merged(answers: &[&str]) -> Vec<File> {
    files(&answers.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// A compiled program with a module for each text, of which a run prints what its `say(3)` is.
struct Program(TempDir);

impl Program {
    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut source, mut arms) = (String::new(), String::new());
        for (number, text) in texts.enumerate() {
            source +=
                &format!("mod m{number} {{\n{text}\npub fn said() -> String {{ say(3).to_string() }}\n}}\n");
            arms += &format!("\"{number}\" => println!(\"{{}}\", m{number}::said()),\n");
        }
        source += &format!(
            "fn main() {{ match std::env::args().nth(1).unwrap().as_str() {{ {arms} _ => panic!() }} }}"
        );
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("answers.rs"), &source).unwrap();
        let compiled = Command::new("rustc")
            .args(["--edition", "2024", "-A", "warnings", "answers.rs"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{}\n{source}", String::from_utf8_lossy(&compiled.stderr));
        Self(folder)
    }

    /// What the module with this number says when `answer` is chosen.
    fn says(&self, module: usize, answer: Option<usize>) -> Output {
        let mut command = Command::new(self.0.path().join("answers"));
        command.arg(module.to_string()).env_remove("WORKSHOP_ANSWER");
        if let Some(answer) = answer {
            command.env("WORKSHOP_ANSWER", answer.to_string());
        }
        command.output().unwrap()
    }
}

/// Which answers share a file. Fails unless each says there what it says by itself, and they say different things.
fn proved(answers: &[&str]) -> Vec<Vec<usize>> {
    let files = merged(answers);
    let texts = answers.iter().copied().chain(files.iter().map(|file| file.text.as_str()));
    let program = Program::of(texts);
    let said = |module, answer| {
        let output = program.says(module, answer);
        assert!(output.status.success(), "{}\n{files:?}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let mut different: Vec<_> = (0..answers.len()).map(|number| said(number, None)).collect();
    for (module, file) in (answers.len()..).zip(&files) {
        for number in &file.answers {
            assert_eq!(said(module, Some(*number)), different[*number], "{}", file.text);
        }
    }
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 1, "answers that all do the same prove nothing");
    files.into_iter().map(|file| file.answers).collect()
}

#[test]
fn what_is_equal_stays_and_a_body_that_differs_is_chosen_when_the_program_runs() {
    let answers = [
        "//! A file.\n/// Doubles.\nfn two(n: i32) -> i32 { n * 2 }\nfn say(n: i32) -> i32 { two(n) }",
        "//! A file.\n/// Doubles.\nfn two(n: i32) -> i32 { n * 2 }\nfn say(n: i32) -> i32 { two(n) + 1 }",
        "//! A file.\n/// Doubles.\nfn two(n: i32) -> i32 { n * 2 }\nfn say(n: i32) -> i32 { /* as the first */ two(n) }",
    ];
    assert_eq!(proved(&answers), [[0, 1, 2]]);
    let text = &merged(&answers)[0].text;
    for (what, times) in [("n * 2", 1), ("two(n) + 1", 1), ("two(n) }", 1), ("0 | 2 =>", 1)] {
        assert_eq!(text.matches(what).count(), times, "{what} in {text}");
    }
}

#[test]
fn a_function_that_only_one_has_is_there_for_it() {
    let answers = [
        "fn say(n: i32) -> i32 { n }",
        "fn say(n: i32) -> i32 { helper(n) }\nfn helper(n: i32) -> i32 { n - STEP }\nconst STEP: i32 = 7;",
        "fn say(n: i32) -> i32 { helper(n) }\nfn helper(n: i32) -> i32 { n - 9 }",
    ];
    assert_eq!(proved(&answers), [[0, 1, 2]]);
}

#[test]
fn a_function_whose_name_another_one_uses_keeps_them_apart() {
    // In one file the second would call that of the first.
    let answers = [
        "fn say(_: i32) -> usize { size_of::<i32>() }\nfn size_of<T>() -> usize { 5 }",
        "fn say(_: i32) -> usize { size_of::<i32>() }",
    ];
    assert_eq!(proved(&answers), [[0], [1]]);
}

#[test]
fn an_import_is_seen_by_nobody_else() {
    let answers = [
        "use std::cmp::{max, min};\nfn say(n: i32) -> i32 { max(min(n, 1), 0) }",
        "use std::cmp::max;\nuse std::cmp::max as min;\nfn say(n: i32) -> i32 { max(min(n, 1), 0) }",
        "use std::cmp::max;\nfn say(n: i32) -> i32 { let min = |n: i32, _| n * 2; max(min(n, 1), 0) }",
    ];
    assert_eq!(proved(&answers), [[0, 1, 2]]);
}

#[test]
fn a_trait_in_scope_changes_the_methods_of_nobody_else() {
    const REST: &str = "
        struct Text(&'static str);
        impl std::ops::Deref for Text { type Target = str; fn deref(&self) -> &str { self.0 } }
        mod loud {
            pub trait Loud { fn len(self) -> usize; }
            impl Loud for super::Text { fn len(self) -> usize { 99 } }
        }";
    let answers = [
        [REST, "fn say(_: i32) -> usize { Text(\"four\").len() }"].concat(),
        [REST, "use loud::Loud as _;\nfn say(_: i32) -> usize { Text(\"four\").len() }"].concat(),
    ];
    assert_eq!(proved(&answers.each_ref().map(String::as_str)), [[0, 1]]);
}

#[test]
fn an_import_that_a_signature_needs_keeps_them_apart() {
    let answers = [
        "use std::primitive::i32 as Number;\nfn say(n: i32) -> Number { n }",
        "use std::primitive::i64 as Number;\nfn say(n: i32) -> Number { i64::from(n) + 1 }",
    ];
    assert_eq!(proved(&answers), [[0], [1]]);
}

#[test]
fn methods_are_chosen_in_an_impl_and_in_that_of_a_trait() {
    const REST: &str = "
        use std::fmt::{self, Display};
        struct Half(i32);
        fn say(n: i32) -> Half { Half::of(n) }";
    let own = |body: &str| format!("impl Half {{ /// Half of it.\n fn of(n: i32) -> Self {{ {body} }} }}");
    let shown = |body: &str| {
        format!(
            "impl Display for Half {{ fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{ {body} }} }}"
        )
    };
    let answers = [
        [REST, &own("Self(n / 2)"), &shown("write!(f, \"{}\", self.0)")].concat(),
        [REST, &own("Self(n * 2)"), &shown("write!(f, \"{}\", self.0)")].concat(),
        [REST, &own("Self(n / 2)"), &shown("write!(f, \"a half: {}\", self.0)")].concat(),
        [
            REST,
            &own("Self(n / 2).more() } fn more(self) -> Self { Self(self.0 + 8)"),
            &shown("write!(f, \"{}\", self.0)"),
        ]
        .concat(),
    ];
    assert_eq!(proved(&answers.each_ref().map(String::as_str)), [[0, 1, 2, 3]]);
}

#[test]
fn an_item_more_in_the_impl_of_a_trait_keeps_them_apart() {
    // Nobody writes `ne`, and `!=` calls it.
    let answers = ["", "fn ne(&self, _: &Self) -> bool { true }"].map(|more| {
        format!(
            "struct Two(i32);
            impl PartialEq for Two {{ fn eq(&self, other: &Self) -> bool {{ self.0 == other.0 }} {more} }}
            fn say(n: i32) -> bool {{ Two(n) != Two(n) }}"
        )
    });
    assert_eq!(proved(&answers.each_ref().map(String::as_str)), [[0], [1]]);
}

#[test]
fn async_functions_are_chosen_too() {
    const RUN: &str = "
        use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
        fn say(n: i32) -> i32 {
            match pin!(answer(n)).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(n) => n,
                Poll::Pending => 0,
            }
        }";
    let answers = ["async move { n }.await", "if n > 2 { return 40; } n"]
        .map(|body| format!("{RUN}\nasync fn answer(n: i32) -> i32 {{ {body} }}"));
    assert_eq!(proved(&answers.each_ref().map(String::as_str)), [[0, 1]]);
}

#[test]
fn what_differs_outside_of_bodies_keeps_them_apart() {
    let answers = [
        "struct Two(i32);\nfn say(n: i32) -> i32 { Two(n).0 }",
        "struct Two(i64);\nfn say(n: i32) -> i32 { Two(n.into()).0 as i32 + 1 }",
        "struct Two(i32);\nfn say(n: i32) -> i32 { Two(n).0 + 2 }",
        "struct Two(i32);\nfn say(n: i64) -> i64 { Two(n as i32).0.into() }",
        "struct Two(i32);\nimpl Drop for Two { fn drop(&mut self) { print!(\"gone \"); } }\nfn say(n: i32) -> i32 { Two(n).0 }",
        "struct Two(i32);\n#[inline(never)]\nfn say(n: i32) -> i32 { Two(n).0 + 3 }",
    ];
    assert_eq!(proved(&answers), [vec![0, 2], vec![1], vec![3], vec![4], vec![5]]);
    let files = merged(&answers);
    assert_eq!(files[0].apart, None);
    assert_eq!(files[1].apart.as_deref(), Some("`type Two` differs by more than bodies"));
    assert_eq!(files[1].text, answers[1], "an answer by itself is its own text");
}

#[test]
fn a_body_that_must_be_known_earlier_keeps_them_apart() {
    let answers = ["const fn say(n: i32) -> i32 { n }", "const fn say(n: i32) -> i32 { n + 1 }"];
    assert_eq!(proved(&answers), [[0], [1]]);
    let answers =
        ["n", "\"three\""].map(|body| format!("fn say(n: i32) -> impl std::fmt::Display {{ {body} }}"));
    assert_eq!(proved(&answers.each_ref().map(String::as_str)), [[0], [1]]);
}

#[test]
fn what_is_no_rust_is_by_itself() {
    let files =
        merged(&["fn say(n: i32) -> i32 { n }", "fn say(n: i32) -> i32 { n ", "fn say(n: i32) -> i32 { 7 }"]);
    assert_eq!(files.iter().map(|file| file.answers.as_slice()).collect::<Vec<_>>(), [&[0, 2][..], &[1]]);
    assert!(files[1].apart.as_ref().is_some_and(|why| why.starts_with("it cannot be read as Rust")));
}

#[test]
fn nobody_answers_when_none_is_chosen() {
    let answers = ["fn say(n: i32) -> i32 { n }", "fn say(n: i32) -> i32 { n + 1 }"];
    let program = Program::of(merged(&answers).iter().map(|file| file.text.as_str()));
    assert!(program.says(0, Some(1)).status.success());
    for none in [None, Some(2)] {
        let output = program.says(0, none);
        assert!(!output.status.success(), "it chose by itself: {output:?}");
    }
}
