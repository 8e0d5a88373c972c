//! The step of the temporary workshop that takes over: one process that clients talk to, one that parks messages, a mover that
//! moves nothing but says that it does. Made from the standard library alone, so that it builds in a second.
//!
//! What is broken on request is a file in the run's folder: `forgets`, `differs`, `full`.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::exit,
    thread,
    time::Duration,
};

const ROWS: u32 = 1_000;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["migrate", name] => migrate(name),
        ["monolith"] => serve("monolith"),
        ["notify"] => serve("notify"),
        ["retell"] => println!("told again: {}", fs::read_to_string(database()).unwrap().len() - 19),
        ["mover", "status"] => println!("{}", status()),
        ["mover", "move", "--module", modules] => move_all(modules),
        ["mover", word] => fs::write(format!("told.{word}"), "").unwrap(),
        _ => exit(64),
    }
}

/// The path in a URL of SQLite. The tests' folders have no characters that a URL means something by.
fn database() -> String {
    let url = env::var("DATABASE_URL").unwrap();
    url.strip_prefix("sqlite://").unwrap().strip_suffix("?mode=rwc").unwrap().to_owned()
}

fn migrate(name: &str) {
    let text = fs::read_to_string(database()).unwrap();
    if text.contains("broken") {
        eprintln!("database disk image is malformed");
        exit(1);
    }
    if text.is_empty() {
        fs::write(database(), format!("SQLite format 3\0of {name}")).unwrap();
    }
}

fn stop_with_stdin() {
    assert_eq!(env::var("STOP_WITH_STDIN").as_deref(), Ok("1"));
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
}

/// Stage and copied rows; what a mover writes down, so that the next goes on.
fn state() -> (String, u32) {
    let text = fs::read_to_string("mover.state").unwrap_or_else(|_| "waiting 0".to_owned());
    let (stage, copied) = text.split_once(' ').unwrap();
    (stage.to_owned(), copied.parse().unwrap())
}

fn status() -> String {
    let (stage, copied) = state();
    let differing = u8::from(stage == "differs") * 3;
    format!(
        "{{\"modules\":[{{\"module\":\"notify\",\"stage\":\"{stage}\",\"copied\":{copied},\"of\":{ROWS},\"lag\":7,\
         \"pause_ms\":12.5,\"copying_ms\":500.0,\"differing\":{differing}}}]}}"
    )
}

fn is_told(word: &str) -> bool {
    fs::remove_file(format!("told.{word}")).is_ok()
}

fn move_all(modules: &str) {
    stop_with_stdin();
    assert_eq!(modules, "notify");
    assert!(env::var("DATABASE_URL").unwrap().contains("automator.db"));
    assert!(env::var("TO_URL").unwrap().contains("automator-notify.db"));
    if Path::new("full").exists() {
        eprintln!("the disk is full");
        exit(3);
    }
    println!("begins at {:?}", state());
    loop {
        let (stage, copied) = state();
        let next = match stage.as_str() {
            "waiting" | "back" => ("copying", 0),
            "copying" if copied < ROWS => ("copying", copied + 20),
            "copying" => ("comparing", copied),
            "comparing" if Path::new("differs").exists() => ("differs", copied),
            "comparing" => ("ready", copied),
            "ready" if is_told("approve") => ("moved", copied),
            "moved" if is_told("back") => ("returning", copied),
            "moved" if is_told("keep") => ("kept", copied),
            "returning" => ("back", copied),
            same => (same, copied),
        };
        fs::write("mover.new", format!("{} {}", next.0, next.1)).unwrap();
        fs::rename("mover.new", "mover.state").unwrap();
        match next.0 {
            "kept" => exit(0),
            "back" => exit(0),
            "differs" => exit(1),
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn serve(name: &'static str) {
    stop_with_stdin();
    fs::write(format!("{name}.pid"), std::process::id().to_string()).unwrap();
    println!("MOVING_FROM_URL is {:?}", env::var("MOVING_FROM_URL").ok());
    let port: u16 = env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut tasks: BTreeMap<String, (u32, String)> =
        ["a", "b", "c", "d"].map(|id| (id.to_owned(), (1, String::new()))).into();
    for stream in listener.incoming() {
        answer(name, &mut tasks, stream.unwrap());
    }
}

fn answer(name: &str, tasks: &mut BTreeMap<String, (u32, String)>, mut stream: TcpStream) {
    let mut request = String::new();
    let mut byte = [0];
    while !request.ends_with("\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(char::from(byte[0]));
    }
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let body = String::from_utf8(body).unwrap();
    let line = request.lines().next().unwrap_or_default().to_owned();
    let words: Vec<_> = line.split(' ').take(2).collect();
    let (status, text) = match words[..] {
        ["GET", "/health/ready"] => (200, String::new()),
        [_, path] if path.starts_with("/internal/") && name != "notify" => (404, String::new()),
        [method, path] if path.starts_with("/internal/parked") => {
            let token = format!("authorization: Bearer {}\r\n", env::var("SERVICE_TOKEN").unwrap());
            if request.contains(&token) { parked(method, path) } else { (401, String::new()) }
        }
        ["POST", "/api/team"] => (201, "{}".to_owned()),
        ["POST", "/api/imports"] => (202, r#"{"id":"7"}"#.to_owned()),
        ["GET", "/api/imports/7"] => (200, r#"{"status":"done"}"#.to_owned()),
        ["POST", "/api/notifications"] => (202, r#"{"id":"message"}"#.to_owned()),
        ["GET", "/api/notifications/message"] => (200, "{}".to_owned()),
        ["GET", path] if path.starts_with("/api/tasks?limit=100&status=done") => (200, r#"{"items":[]}"#.to_owned()),
        ["GET", path] if path.starts_with("/api/tasks?") => {
            let items: Vec<_> = tasks.keys().map(|id| task(tasks, id)).collect();
            (200, format!("{{\"items\":[{}]}}", items.join(",")))
        }
        [method, path] if path.starts_with("/api/tasks/") => {
            let id = path.trim_start_matches("/api/tasks/");
            let before = tasks[id].clone();
            if method == "PATCH" {
                let due = body.split('"').nth(3).unwrap().to_owned();
                tasks.insert(id.to_owned(), (before.0 + 1, due));
            }
            let answer = task(tasks, id);
            if Path::new("forgets").exists() {
                tasks.insert(id.to_owned(), before);
            }
            (200, answer)
        }
        _ => (404, String::new()),
    };
    let _ = write!(stream, "HTTP/1.0 {status} X\r\ncontent-length: {}\r\n\r\n{text}", text.len());
}

fn task(tasks: &BTreeMap<String, (u32, String)>, id: &str) -> String {
    let (version, due) = &tasks[id];
    format!("{{\"id\":\"{id}\",\"version\":{version},\"due_date\":\"{due}\"}}")
}

/// One message is parked until it is sent again; another cannot be sent yet.
fn parked(method: &str, path: &str) -> (u16, String) {
    let message = |id: &str| {
        format!(
            "{{\"id\":\"{id}\",\"consumer\":\"mails\",\"kind\":\"ask_web.mail\",\"subject\":\"mona\",\"reason\":\"no\\naddress\",\
             \"tries\":5,\"parked_at\":\"2030-01-02T03:04:05Z\",\"waiting\":2}}"
        )
    };
    let gone = fs::read_to_string("gone").unwrap_or_default();
    let left: Vec<_> = ["one", "two"].into_iter().filter(|id| !gone.contains(*id)).collect();
    match (method, path.split('/').skip(3).collect::<Vec<_>>()[..].as_ref()) {
        ("GET", []) => {
            let list: Vec<_> = left.iter().map(|id| message(id)).collect();
            (200, format!("{{\"parked\":[{}]}}", list.join(",")))
        }
        ("POST", ["one", action]) => {
            fs::write("gone", format!("{gone}one {action}")).unwrap();
            (202, String::new())
        }
        ("POST", ["two", _]) => (409, r#"{"detail":"an earlier one about mona is parked"}"#.to_owned()),
        _ => (404, r#"{"detail":"unknown"}"#.to_owned()),
    }
}
