//! A system of small processes is started, broken and ended. The processes are this test binary itself: told so by
//! `PROBE`, the test [`probe`] plays the part of a process.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use harness::{Error, Logs, Options, Part, Ports, Stop, System, ports::Port};

/// Not a test unless a harness starts it: then one of the processes below.
#[test]
fn probe() {
    match env::var("PROBE").as_deref() {
        Err(_) => {}
        Ok("server") => server(),
        Ok("once") => {
            fs::write(env::var("MARK").unwrap(), "done").unwrap();
            std::process::exit(0);
        }
        Ok("crash") => {
            eprintln!("the disk is full");
            std::process::exit(3);
        }
        Ok("stubborn") => loop {
            thread::sleep(Duration::from_secs(60));
        },
        Ok("runner") => {
            let system = System::start(&two_servers().options()).unwrap();
            println!("children {} {}", system.id("back").unwrap(), system.id("front").unwrap());
            io::stdout().flush().unwrap();
            thread::sleep(Duration::from_secs(60));
        }
        Ok(other) => panic!("no probe {other}"),
    }
}

/// Answers `/ready` and `/env`, and ends when its standard input closes, as the chassis does.
fn server() {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        // Who would have read this may be gone.
        let _ = writeln!(io::stdout(), "drained");
        std::process::exit(7);
    });
    if let Ok(mark) = env::var("AFTER") {
        assert_eq!(fs::read_to_string(mark).unwrap(), "done", "started before migrate was done");
    }
    println!("listening");
    let listener = TcpListener::bind(("127.0.0.1", env::var("PORT").unwrap().parse().unwrap())).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            request.push(byte[0]);
        }
        let body = if request.starts_with(b"GET /env") {
            env::vars().map(|(key, value)| format!("{key}={value}\n")).collect()
        } else {
            String::new()
        };
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}

/// A folder with a `system.toml`, removed at the end.
struct Step(PathBuf);

impl Step {
    fn new(text: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("harness-system-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let args = r#"args = ["probe", "--exact", "--nocapture"]"#;
        fs::write(folder.join("system.toml"), text.replace("args", args)).unwrap();
        Self(folder)
    }

    fn options(&self) -> Options {
        Options::new(&self.0, env::current_exe().unwrap())
            .value("mark", self.0.join("mark").to_str().unwrap())
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn two_servers() -> Step {
    Step::new(
        r#"
step = "01"
binary = "b"
front = "front"
[[process]]
name = "front"
port = 8080
health = "/ready"
args
waits_for = ["migrate", "back"]
env = { PROBE = "server", AFTER = "{mark}", BACK_URL = "{url.back}", MAYBE = "{maybe?}" }
[[process]]
name = "migrate"
once = true
args
env = { PROBE = "once", MARK = "{mark}" }
[[process]]
name = "back"
port = 9000
log = "warn"
args
env = { PROBE = "server" }
"#,
    )
}

fn one(probe: &str, more: &str) -> Step {
    Step::new(&format!(
        "step = \"01\"\nbinary = \"b\"\nfront = \"only\"\n[[process]]\nname = \"only\"\nport = 8080\nargs\n\
         env = {{ PROBE = \"{probe}\" }}\n{more}"
    ))
}

fn get(url: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Asserts that a process has said something, or says it within five seconds: what it prints reaches us through a pipe and
/// a thread, some time after what it answers.
#[track_caller]
fn logs(system: &System, name: &str, word: &str) {
    let until = Instant::now() + Duration::from_secs(5);
    while !system.log(name).unwrap().contains(word) {
        assert!(Instant::now() < until, "{name} never said {word:?}: {}", system.log(name).unwrap());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn processes_start_in_order_and_find_one_another() {
    let step = two_servers();
    let system = System::start(&step.options()).unwrap();
    let env = get(system.front(), "/env").unwrap();
    assert!(env.contains(&format!("BACK_URL={}\n", system.url("back").unwrap())), "{env}");
    assert!(!env.contains("MAYBE="), "{env}");
    logs(&system, "front", "listening");
    assert!(system.tails().contains("── back"), "{}", system.tails());
    assert!(system.ended().is_none());
}

#[test]
fn what_prepares_a_system_can_run_without_it_and_the_system_without_that() {
    let step = two_servers();
    let mark = step.0.join("mark");
    let prepared = System::start(&step.options().part(Part::Once)).unwrap();
    assert!(mark.exists(), "migrate did not run");
    assert!(matches!(prepared.id("front"), Err(Error::NotRunning(_))));
    // Whoever runs now leaves a trace.
    let before = fs::metadata(&mark).unwrap().modified().unwrap();
    let system = System::start(&step.options().part(Part::Lasting)).unwrap();
    assert!(get(system.front(), "/env").is_ok());
    assert_eq!(fs::metadata(&mark).unwrap().modified().unwrap(), before, "migrate ran again");
}

#[test]
fn only_the_listed_variables_are_inherited() {
    let step = one("server", "log = \"warn\"\n");
    let system = System::start(&step.options().env("only", "EXTRA", "1")).unwrap();
    let answer = get(system.front(), "/env").unwrap();
    let env: Vec<_> = answer.lines().filter_map(|line| line.split_once('=')).collect();
    // Cargo sets this for every test; it stands for a learner's own variables.
    assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!env.iter().any(|(key, _)| *key == "CARGO_MANIFEST_DIR"), "{env:?}");
    assert!(env.contains(&("EXTRA", "1")) && env.contains(&("STOP_WITH_STDIN", "1")), "{env:?}");
    if env::var_os("RUST_LOG").is_none() {
        assert!(env.contains(&("RUST_LOG", "warn")), "{env:?}");
    }
}

#[test]
fn a_killed_process_comes_back_on_the_same_port() {
    let step = two_servers();
    let system = System::start(&step.options()).unwrap();
    let before = system.id("back").unwrap();
    system.kill("back").unwrap();
    assert!(get(system.url("back").unwrap(), "/ready").is_err());
    assert!(matches!(system.kill("back"), Err(Error::NotRunning(_))));
    system.start_again("back").unwrap();
    assert!(get(system.url("back").unwrap(), "/ready").is_ok());
    assert_ne!(system.id("back").unwrap(), before);
    assert!(matches!(system.start_again("back"), Err(Error::StillRunning(_))));
    // One that runs once may run again.
    fs::remove_file(step.0.join("mark")).unwrap();
    system.start_again("migrate").unwrap();
    assert!(step.0.join("mark").exists());
}

#[test]
fn all_are_ended_at_once_without_a_word() {
    let step = two_servers();
    let system = System::start(&step.options()).unwrap();
    system.kill_all();
    for name in ["front", "back"] {
        assert!(matches!(system.id(name), Err(Error::NotRunning(_))));
        assert!(get(system.url(name).unwrap(), "/ready").is_err());
        assert!(!system.log(name).unwrap().contains("drained"), "{name} was asked to stop");
    }
    system.start_again("back").unwrap();
    assert!(get(system.url("back").unwrap(), "/ready").is_ok());
}

#[test]
fn a_process_that_ends_by_itself_is_noticed() {
    let step = one("server", "");
    let system = System::start(&step.options()).unwrap();
    assert_eq!(system.hang_up("only").unwrap().code(), Some(7));
    logs(&system, "only", "drained");
    system.start_again("only").unwrap();
    #[cfg(unix)]
    {
        let id = system.id("only").unwrap().to_string();
        Command::new("kill").args(["-9", &id]).status().unwrap();
        let ended = (0..500).find_map(|_| {
            thread::sleep(Duration::from_millis(10));
            system.ended()
        });
        assert_eq!(ended.unwrap().name, "only");
    }
}

#[cfg(unix)]
#[test]
fn terminate_sends_a_signal_and_returns_the_status() {
    use std::os::unix::process::ExitStatusExt;

    let step = one("server", "");
    let system = System::start(&step.options()).unwrap();
    assert_eq!(system.terminate("only").unwrap().signal(), Some(15));
}

#[cfg(unix)]
#[test]
fn a_paused_process_stalls_until_it_is_resumed() {
    let step = one("server", "");
    let system = System::start(&step.options()).unwrap();
    system.pause("only").unwrap();
    let mut stream = TcpStream::connect(system.front().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(b"GET /ready HTTP/1.1\r\n\r\n").unwrap();
    assert!(stream.read(&mut [0; 8]).is_err(), "it answered");
    system.resume("only").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert!(stream.read(&mut [0; 8]).unwrap() > 0);
    // And a paused one is no reason for a slow end.
    system.pause("only").unwrap();
    let start = Instant::now();
    system.shut_down();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn one_that_does_not_stop_is_killed_and_named() {
    // Without a port the worker is ready as soon as it lives.
    let step = Step::new(
        "step = \"01\"\nbinary = \"b\"\nfront = \"front\"\n[[process]]\nname = \"front\"\nport = 1\nargs\n\
         env = { PROBE = \"server\" }\n[[process]]\nname = \"worker\"\nargs\nenv = { PROBE = \"stubborn\" }\n",
    );
    let system = System::start(&step.options().grace(Duration::from_millis(100))).unwrap();
    let error = system.hang_up("worker").unwrap_err().to_string();
    assert!(error.starts_with("worker did not stop within 100ms"), "{error}");
    assert!(matches!(system.id("worker"), Err(Error::NotRunning(_))));
}

#[test]
fn a_process_that_ends_early_is_an_error_with_its_last_lines() {
    let step = one("crash", "");
    let error = System::start(&step.options()).err().unwrap().to_string();
    assert!(
        error.starts_with("only ended with exit status: 3") && error.contains("the disk is full"),
        "{error}"
    );
}

#[test]
fn a_process_that_never_becomes_ready_is_an_error_that_says_what_it_answered() {
    let step = one("stubborn", "health = \"/ready\"\n");
    let error = System::start(&step.options().ready_within(Duration::from_millis(300))).err().unwrap();
    assert!(error.to_string().starts_with("only was not ready within 300ms (/ready: "), "{error}");
}

#[test]
fn a_start_can_be_given_up() {
    let step = one("stubborn", "health = \"/ready\"\n");
    let stop = Stop::default();
    let from_elsewhere = stop.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        from_elsewhere.request();
    });
    let start = Instant::now();
    assert!(matches!(System::start(&step.options().stop(stop)), Err(Error::Stopped)));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_folder_is_that_of_the_file_that_names_it() {
    let earlier = Step::new(
        "step = \"01\"\nbinary = \"b\"\nfront = \"only\"\n[[process]]\nname = \"only\"\nport = 8080\nargs\n\
         env = { PROBE = \"server\", TABLE = \"{folder}/table\" }\n",
    );
    let name = earlier.0.file_name().unwrap().to_str().unwrap();
    let later = Step::new(&format!("extends = \"../{name}\"\nstep = \"02\"\n"));
    let system = System::start(&later.options()).unwrap();
    let answer = get(system.front(), "/env").unwrap();
    let table = answer.lines().find_map(|line| line.strip_prefix("TABLE=")).unwrap();
    let expected = fs::canonicalize(&earlier.0).unwrap().join("table");
    assert_eq!(
        fs::canonicalize(table.trim_end_matches("/table")).unwrap().join("table"),
        expected,
        "{table}"
    );
}

#[test]
fn a_placeholder_without_a_value_is_an_error_with_its_line() {
    let step = Step::new(
        "step = \"01\"\nbinary = \"b\"\nfront = \"only\"\n[[process]]\nname = \"only\"\nport = 1\nargs\n\
         env = { X = \"{nobody}\" }\n",
    );
    let error = System::start(&step.options()).err().unwrap().to_string();
    assert!(error.contains("system.toml:8: {nobody} in X of only has no value here"), "{error}");
}

#[test]
fn a_taken_port_is_named_with_the_process_that_needs_it() {
    let port = Port::take().unwrap();
    let _taken = TcpListener::bind(("127.0.0.1", port.number())).unwrap();
    let step = one("server", "");
    let options = step.options().ports(Ports::Declared).port("only", port.number());
    let error = System::start(&options).err().unwrap();
    assert!(
        matches!(&error, Error::PortTaken { name, port: p } if name == "only" && *p == port.number()),
        "{error}"
    );
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let step = one("server", "");
    let system = System::start(&step.options()).unwrap();
    let error = system.url("nobody").unwrap_err().to_string();
    assert_eq!(error, "step 01 has no process nobody, only only");
    assert!(System::start(&step.options().via("nobody", "http://x")).is_err());
}

#[test]
fn a_proxy_can_stand_between_two_processes() {
    let step = two_servers();
    let system = System::start(&step.options().via("back", "http://127.0.0.1:1")).unwrap();
    assert!(get(system.front(), "/env").unwrap().contains("BACK_URL=http://127.0.0.1:1\n"));
    assert_ne!(system.url("back").unwrap(), "http://127.0.0.1:1");
}

#[test]
fn lines_are_filed_by_process() {
    let step = two_servers();
    let logs = step.0.join("logs");
    let system = System::start(&step.options().logs(Logs::Folder(logs.clone()))).unwrap();
    system.shut_down();
    assert!(fs::read_to_string(logs.join("front.log")).unwrap().contains("listening"));
    assert!(logs.join("back.log").exists());
}

#[test]
fn lines_are_prefixed_with_the_name_of_their_process() {
    struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let text = std::sync::Arc::default();
    let to = std::sync::Arc::new(std::sync::Mutex::new(Shared(std::sync::Arc::clone(&text))));
    let step = two_servers();
    System::start(&step.options().logs(Logs::Prefixed { to, colour: false })).unwrap().shut_down();
    let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
    assert!(text.lines().any(|line| line == "front   | listening"), "{text}");
    assert!(text.lines().any(|line| line == "back    | listening"), "{text}");
}

#[cfg(unix)]
#[test]
fn no_process_outlives_a_runner_that_is_killed() {
    let mut runner = Command::new(env::current_exe().unwrap())
        .args(["probe", "--exact", "--nocapture"])
        .env("PROBE", "runner")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = io::BufRead::lines(io::BufReader::new(runner.stdout.take().unwrap()));
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("children"))).unwrap();
    let ids: Vec<_> = line.split("children ").nth(1).unwrap().split(' ').map(str::to_owned).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| is_alive(id)), "{line}");

    runner.kill().unwrap();
    runner.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while ids.iter().any(|id| is_alive(id)) {
        assert!(Instant::now() < until, "{ids:?} outlived their runner");
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(unix)]
fn is_alive(id: &str) -> bool {
    // A zombie that nobody has reaped yet does not count.
    let out = Command::new("ps").args(["-o", "stat=", "-p", id]).output().unwrap();
    let stat = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    !stat.is_empty() && !stat.starts_with('Z')
}
