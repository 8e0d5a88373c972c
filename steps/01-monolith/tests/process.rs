//! The shipped process: what it says, and with which exit code, when it is configured wrongly.

#![expect(clippy::expect_used, reason = "a test")]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

const EX_USAGE: i32 = 64;

/// Runs `monolith-01` with nothing in its environment but `settings`; it must end by itself.
fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_monolith-01"))
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)))
        .envs(settings.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

/// Asserts the exit code, and that stderr's last line is the only one that speaks of an error and has each of `words`.
#[track_caller]
fn refuses(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "not one line: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for word in words {
        assert!(errors[0].contains(word), "{word:?} is missing: {stderr}");
    }
}

fn folder() -> acceptance::tempfile::TempDir {
    acceptance::tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_wrong_value_names_its_variable_and_exits_64() {
    let folder = folder();
    let cases = [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("HOST", "example.com"),
        ("DATABASE_URL", "mysql://x"),
        ("AUTOMATOR_API_TOKEN", " "),
        ("GITHUB_WEBHOOK_SECRET", ""),
        ("GITHUB_API_URL", "not a url"),
        ("AUTOMATOR_CATALOGUE", "missing.toml"),
    ];
    for (variable, value) in cases {
        refuses(&run(folder.path(), &[], &[(variable, value)]), EX_USAGE, &[variable]);
    }
}

#[test]
fn without_a_token_only_loopback_is_listened_on() {
    let folder = folder();
    for host in ["0.0.0.0", "::"] {
        refuses(&run(folder.path(), &[], &[("HOST", host)]), EX_USAGE, &["AUTOMATOR_API_TOKEN", host]);
    }
}

#[test]
fn a_wrong_catalogue_is_refused_in_one_line() {
    let folder = folder();
    let path = folder.path().join("catalogue.toml");
    for (text, word) in [("[[repository]]\nname = 7\n", "name"), ("", "no repository"), ("= broken", "TOML")]
    {
        std::fs::write(&path, text).expect("the folder can be written");
        let settings = [("AUTOMATOR_CATALOGUE", "catalogue.toml")];
        refuses(&run(folder.path(), &[], &settings), EX_USAGE, &["AUTOMATOR_CATALOGUE", word]);
    }
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    let text =
        "These are notes and no database, and they are long enough to be taken for a header. ".repeat(20);
    std::fs::write(&path, &text).expect("the folder can be written");
    for arguments in [&["migrate"][..], &[]] {
        let output = run(folder.path(), arguments, &[("DATABASE_URL", "sqlite://notes.txt")]);
        refuses(&output, 1, &["sqlite://notes.txt", "not a database"]);
    }
    assert_eq!(std::fs::read_to_string(&path).ok(), Some(text));
}

#[test]
fn a_server_that_was_not_migrated_says_what_to_do() {
    let folder = folder();
    refuses(&run(folder.path(), &[], &[]), 1, &["monolith-01 migrate"]);
}

#[test]
fn a_password_is_never_shown() {
    let folder = folder();
    let url = "postgres://app:hunter2@127.0.0.1:1/automator";
    let output = run(folder.path(), &["migrate"], &[("DATABASE_URL", url)]);
    refuses(&output, 1, &["127.0.0.1:1/automator"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"));
}

#[test]
fn a_taken_port_is_named() {
    let folder = folder();
    assert!(run(folder.path(), &["migrate"], &[]).status.success());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    refuses(&run(folder.path(), &[], &[("PORT", &port)]), 1, &["PORT", &port]);
}
