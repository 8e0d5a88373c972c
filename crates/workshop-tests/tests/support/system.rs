//! The only step of the temporary workshop: a system of three processes, made from the standard library alone so that it
//! builds in a second. It knows as much of the public API as `run` asks for.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::exit,
    thread,
};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["monolith", "migrate"] => migrate(),
        ["monolith"] => serve("monolith"),
        ["simulators"] => serve("simulators"),
        ["faulty"] => serve("faulty"),
        _ => exit(64),
    }
}

fn migrate() {
    let url = env::var("DATABASE_URL").unwrap();
    let path = decoded(url.strip_prefix("sqlite://").unwrap().strip_suffix("?mode=rwc").unwrap());
    assert!(Path::new(&path).is_absolute());
    if fs::read_to_string(&path).is_ok_and(|text| text.contains("broken")) {
        eprintln!("database disk image is malformed");
        exit(1);
    }
    fs::write(path, "SQLite format 3\0").unwrap();
}

/// `%2F` in a URL is `/`, and a `?` that is not written so begins the parameters.
fn decoded(path: &str) -> String {
    assert!(!path.contains(['?', '#']));
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// Where there is a file of this name, the processes do not listen to SIGTERM.
const STUBBORN: &str = "stubborn";

fn serve(name: &'static str) {
    #[cfg(unix)]
    if Path::new(STUBBORN).exists() && env::var_os(STUBBORN).is_none() {
        // An ignored signal stays ignored in the program that takes the shell's place.
        let script = "trap '' TERM; exec \"$0\" \"$1\"";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script]).arg(env::current_exe().unwrap()).arg(name).env(STUBBORN, "1");
        panic!("{}", std::os::unix::process::CommandExt::exec(&mut shell));
    }
    // The working directory is the run's own folder; tests find the process by this.
    fs::write(format!("{name}.pid"), std::process::id().to_string()).unwrap();
    if let Ok(table) = env::var("TABLE") {
        fs::write("table.path", table).unwrap();
    }
    assert_eq!(env::var("STOP_WITH_STDIN").as_deref(), Ok("1"));
    println!("TELL_ASSIGNEES is {:?}", env::var("TELL_ASSIGNEES").ok());
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    let port: u16 = env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for stream in listener.incoming() {
        answer(stream.unwrap());
    }
}

fn answer(mut stream: TcpStream) {
    let mut request = String::new();
    let mut byte = [0];
    while !request.ends_with("\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(char::from(byte[0]));
    }
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();

    let may_write = request.contains(&format!("authorization: Bearer {}", env::var("TOKEN").unwrap_or_default()));
    let line = request.lines().next().unwrap_or_default();
    let (status, text) = match line.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["GET", "/health/ready"] => (200, String::new()),
        ["GET", "/exit"] => exit(3),
        ["POST", _] if !may_write => (401, String::new()),
        ["POST", "/api/team"] => {
            println!("{} joined", body.split('"').nth(3).unwrap_or_default());
            // Some are there from an earlier run.
            (if Path::new("automator.db").exists() { 409 } else { 201 }, "{}".to_owned())
        }
        ["POST", "/api/imports"] => (202, r#"{"id":"7"}"#.to_owned()),
        ["GET", "/api/imports/7"] => {
            let done = r#"{"status":"done","repositories_done":2,"repositories_total":2,"items_seen":7}"#;
            (200, done.to_owned())
        }
        _ => (404, String::new()),
    };
    let _ = write!(stream, "HTTP/1.0 {status} X\r\ncontent-length: {}\r\n\r\n{text}", text.len());
}
