//! The shipped process: what it says, and with which exit code, when it is configured wrongly.

#![expect(clippy::expect_used, reason = "a test")]

use std::{
    io::{Read, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use acceptance::harness::ports::Port;

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
        ("GITHUB_API_URL", "ftp://example.com"),
        ("GITHUB_API_URL", "mailto:x"),
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
    // A secret pasted with its line end, and a URL of another framework.
    let pasted =
        [("AUTOMATOR_API_TOKEN", "hunter2\n"), ("DATABASE_URL", "postgresql+asyncpg://app:hunter2@host/db")];
    for (variable, value) in pasted {
        let output = run(folder.path(), &[], &[(variable, value)]);
        refuses(&output, EX_USAGE, &[variable]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"), "{variable}");
    }
}

/// Without a token the only wall is the loopback address, and a browser on this machine is inside.
#[test]
fn without_a_token_no_foreign_page_reads_or_writes() {
    let rebound = "host: evil.example\r\norigin: http://evil.example\r\ncontent-length: 0\r\n";
    let write = "POST /api/imports HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n";
    let requests = [
        format!("POST /api/imports HTTP/1.1\r\n{rebound}"),
        format!("GET /api/team HTTP/1.1\r\n{rebound}"),
        format!("{write}origin: https://evil.example\r\n"),
        write.to_owned(),
    ];
    assert_eq!(answers(&[], &requests), [Some(403), Some(403), Some(403), Some(202)]);
}

#[test]
fn with_a_token_and_names_whoever_calls_it_otherwise_is_sent_away_and_tokens_are_not_tried() {
    let settings =
        [("AUTOMATOR_API_TOKEN", "a-token-of-a-test"), ("ALLOWED_HOSTS", "automator.example,b.example")];
    let read = |host: &str| format!("GET /api/team HTTP/1.1\r\nhost: {host}\r\n");
    let write = |token: &str| {
        format!(
            "POST /api/imports HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\n"
        )
    };
    let mut requests =
        vec![read("evil.example"), read("b.example"), read("automator.example:8080"), read("127.0.0.1")];
    requests.push(write("a-token-of-a-test"));
    requests.extend((0..61).map(|_| write("another-token")));
    let mut wanted = vec![Some(421), Some(200), Some(200), Some(200), Some(202)];
    wanted.extend([Some(401); 60]);
    wanted.push(Some(429));
    assert_eq!(answers(&settings, &requests), wanted);
}

/// The statuses with which `monolith-01`, with these `settings`, answers `requests` (without their last lines).
fn answers(settings: &[(&str, &str)], requests: &[String]) -> Vec<Option<u16>> {
    let folder = folder();
    assert!(run(folder.path(), &["migrate"], &[]).status.success());
    let taken = Port::take().expect("a free port");
    let port = taken.number();
    let mut server = Command::new(env!("CARGO_BIN_EXE_monolith-01"))
        .env_clear()
        .envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)))
        .envs(settings.iter().copied())
        .env("PORT", port.to_string())
        .env("STOP_WITH_STDIN", "1")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    for _ in 0..2_000 {
        if status(port, "GET /health/ready HTTP/1.1\r\nhost: localhost\r\n") == Some(200) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let answers = requests.iter().map(|request| status(port, request)).collect();
    drop(server.stdin.take());
    let ended = server.wait().expect("it stops when its stdin closes");
    assert!(ended.success(), "{ended}");
    answers
}

/// The status that `request` (without its last line) is answered with; `None` while nobody answers.
fn status(port: u16, request: &str) -> Option<u16> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).ok()?;
    stream.write_all(format!("{request}connection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_taken_port_is_named() {
    let folder = folder();
    assert!(run(folder.path(), &["migrate"], &[]).status.success());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    refuses(&run(folder.path(), &[], &[("PORT", &port)]), 1, &["PORT", &port]);
}
