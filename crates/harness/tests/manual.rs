//! A process that a start passes over, and that somebody asks for later. It is this test binary itself: told so by `PROBE`, the
//! test [`probe`] plays its part.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

use std::{
    env, fs,
    io::{self, Read},
    net::TcpListener,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use harness::{Error, Options, System};

/// Not a test unless a harness starts it: then one of the processes below.
#[test]
fn probe() {
    let Ok(kind) = env::var("PROBE") else { return };
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(7);
    });
    let listener = env::var("PORT").ok().map(|port| TcpListener::bind(("127.0.0.1", port.parse().unwrap())));
    match (kind.as_str(), env::args().next_back().unwrap().as_str()) {
        ("server", _) => {}
        ("mover", "status") => {
            println!("of {}", env::var("OF").unwrap());
            eprintln!("a word beside");
            std::process::exit(0);
        }
        ("mover", "fail") => {
            eprintln!("the disk is full");
            std::process::exit(3);
        }
        ("mover", "move") => println!("moving"),
        (kind, word) => panic!("no probe {kind} {word}"),
    }
    for _ in listener.unwrap_or_else(|| TcpListener::bind("127.0.0.1:0")).unwrap().incoming() {}
}

/// A folder with a `system.toml`, removed at the end.
struct Step(PathBuf);

impl Step {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("harness-manual-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let text = "step = \"01\"\nbinary = \"b\"\nfront = \"only\"\n[[process]]\nname = \"only\"\nport = 8080\n\
                    args = [\"probe\", \"--exact\"]\nenv = { PROBE = \"server\" }\n[[process]]\nname = \"mover\"\n\
                    manual = true\nargs = [\"probe\", \"--exact\", \"--nocapture\"]\n\
                    env = { PROBE = \"mover\", OF = \"{database.mail}\" }\n";
        fs::write(folder.join("system.toml"), text).unwrap();
        Self(folder)
    }

    fn start(&self) -> System {
        let options = Options::new(&self.0, env::current_exe().unwrap()).grace(Duration::from_secs(5));
        System::start(&options.value("database.mail", "sqlite://mail")).unwrap()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits until it comes true, at most ten seconds.
#[track_caller]
fn until(what: &str, mut come_true: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !come_true() {
        assert!(Instant::now() < until, "it did not come true that {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_start_passes_over_it_and_it_has_its_environment_when_it_is_asked_for() {
    let step = Step::new("asked");
    let system = step.start();
    assert!(matches!(system.id("mover"), Err(Error::NoSuchProcess(_))), "it was started");
    let said = system.ask_manual("mover", &["status"], Duration::from_secs(10)).unwrap();
    assert!(said.contains("of sqlite://mail") && !said.contains("a word beside"), "{said}");

    let error = system.ask_manual("mover", &["fail"], Duration::from_secs(10)).unwrap_err().to_string();
    assert!(error.starts_with("mover ended with exit") && error.contains("the disk is full"), "{error}");
    let error = system.ask_manual("mover", &["move"], Duration::from_millis(200)).unwrap_err().to_string();
    assert!(error.starts_with("mover did not end within 200ms and was killed"), "{error}");
    let error = system.start_manual("only", &[]).err().unwrap().to_string();
    assert_eq!(error, "step 01 has no manual process only, only mover");
}

#[test]
fn it_is_watched_and_ended_and_does_not_outlive_whoever_asked() {
    let step = Step::new("watched");
    let system = step.start();
    let mut mover = system.start_manual("mover", &["move"]).unwrap();
    until("it moves", || mover.tail().contains("moving"));
    assert!(mover.poll().is_none());
    assert!(!mover.kill().unwrap().success());
    assert!(mover.poll().is_some());

    let mover = system.start_manual("mover", &["move"]).unwrap();
    let id = mover.id();
    assert!(is_there(id));
    let before = Instant::now();
    drop(mover);
    assert!(before.elapsed() < Duration::from_secs(4), "it was waited for in vain");
    until("it is gone", || !is_there(id));
}

/// Whether there is a process of that number.
fn is_there(id: u32) -> bool {
    let out = std::process::Command::new("ps").args(["-p", &id.to_string()]).output();
    // Where there is no `ps`, nobody can tell.
    out.is_ok_and(|out| out.status.success())
}
