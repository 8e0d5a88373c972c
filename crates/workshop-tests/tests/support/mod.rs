//! A temporary workshop, the real command in it, and what it said.

use std::{
    env, fmt, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long anything may take: a build of the little system on a busy machine included.
const LONGEST: Duration = Duration::from_secs(120);

const SYSTEM: &str = r#"
step = "01"
binary = "system-01"
front = "monolith"
[[process]]
name = "simulators"
port = SIMULATORS
health = "/health/ready"
[[process]]
name = "migrate"
args = ["monolith", "migrate"]
once = true
env = { DATABASE_URL = "{database}" }
[[process]]
name = "monolith"
port = 8080
health = "/health/ready"
waits_for = ["migrate", "simulators"]
env = { DATABASE_URL = "{database}", TOKEN = "{token}" }
"#;

/// The root of this repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Cargo for the command, which is a workspace of its own. It has a target folder's lock of its own too: that of its profile.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap());
    cargo.args(arguments).args(["--profile", "workshop", "--manifest-path", "crates/workshop/Cargo.toml"]);
    cargo.current_dir(root()).stdin(Stdio::null());
    cargo
}

/// The command, built once for each program of tests.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = cargo(&["build", "--message-format=json-render-diagnostics"]).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let said = String::from_utf8(built.stdout).unwrap();
        let messages = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut programs =
            messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
        programs.next_back().unwrap()
    })
}

/// A folder with a workshop of one step, removed at the end.
pub(crate) struct Checkout(PathBuf);

impl Checkout {
    pub(crate) fn new() -> Self {
        Self::empty().with_a_step()
    }

    /// The same, with a workshop of one step in it.
    pub(crate) fn with_a_step(self) -> Self {
        let checkout = self;
        let list = fs::read_to_string(root().join("workshop.toml")).unwrap();
        checkout.write("workshop.toml", &list);
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"steps/*\"]\n\
                        [workspace.package]\nrust-version = \"1.80\"\n";
        checkout.write("Cargo.toml", manifest);
        let step = "[package]\nname = \"step\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    [[bin]]\nname = \"system-01\"\npath = \"src/main.rs\"\n";
        checkout.write("steps/01-monolith/Cargo.toml", step);
        checkout.write("steps/01-monolith/src/main.rs", include_str!("system.rs"));
        let system = SYSTEM.replace("SIMULATORS", &free_port().to_string());
        checkout.write("steps/01-monolith/system.toml", &system);
        checkout
    }

    /// A folder with nothing in it.
    pub(crate) fn empty() -> Self {
        Self::called("")
    }

    /// A folder whose name ends in `name`.
    pub(crate) fn called(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("workshop-command-{}-{count}{name}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The command in a folder of the checkout, without a terminal, with standard input closed.
    pub(crate) fn command(&self, arguments: &[&str]) -> Cmd {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .env_remove("TELL_ASSIGNEES")
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Cmd(command)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).end()
    }

    /// The number of a process of the running system.
    pub(crate) fn process(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!(".workshop/run/01/{name}.pid"))).unwrap()
    }

    /// Asserts that no process of the system is left, nor a lock, and that the port is free.
    #[cfg(unix)]
    pub(crate) fn is_quiet(&self, port: u16) {
        for name in ["monolith", "simulators"] {
            let id = self.process(name);
            until(&format!("{name} is gone"), || !is_alive(&id));
        }
        assert!(!self.path(".workshop/run/01/lock").exists(), "a lock is left");
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "port {port} is still taken");
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The command, not yet started.
pub(crate) struct Cmd(pub(crate) Command);

impl Cmd {
    /// Another program in place of cargo.
    pub(crate) fn cargo(mut self, program: &str) -> Self {
        self.0.env("CARGO", program);
        self
    }

    /// With a variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// With the programs of `folder` in place of those of the same name.
    #[cfg(unix)]
    pub(crate) fn programs(mut self, folder: &Path) -> Self {
        let path = env::var("PATH").unwrap();
        self.0.env("PATH", format!("{}:{path}", folder.display()));
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.0.spawn().unwrap();
        let out = Arc::default();
        let err = Arc::default();
        let readers = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&out)),
            collect(child.stderr.take().unwrap(), Arc::clone(&err)),
        ];
        Running { child, out, err, readers }
    }

    pub(crate) fn end(self) -> Done {
        self.start().end()
    }
}

fn collect(pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = into.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    })
}

/// The running command. Dropped, it is killed.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// All that it has said so far.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out.lock().unwrap(), self.err.lock().unwrap())
    }

    /// Waits until it says `line`, with which a line must end.
    pub(crate) fn wait_for(&mut self, line: &str) {
        let until = Instant::now() + LONGEST;
        while !self.said().lines().any(|said| said.contains(line)) {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "never said {line:?} ({ended:?}):\n{}",
                self.said()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        assert!(kill(signal, &self.child.id().to_string()));
    }

    #[cfg(unix)]
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        let until = Instant::now() + LONGEST;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let (out, err) = (self.out.lock().unwrap().clone(), self.err.lock().unwrap().clone());
        Done { code: status.code(), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of it.
pub(crate) struct Done {
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn ok(&self) -> bool {
        self.code == Some(0)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n── stdout\n{}── stderr\n{}", self.code, self.out, self.err)
    }
}

/// A port that nobody listens on, also in another test at the same time.
pub(crate) fn free_port() -> u16 {
    let port = harness::ports::Port::take().unwrap();
    let number = port.number();
    // Held for as long as the tests run.
    std::mem::forget(port);
    number
}

#[cfg(unix)]
pub(crate) fn kill(signal: &str, id: &str) -> bool {
    Command::new("kill").args([&format!("-{signal}"), id]).status().unwrap().success()
}

#[cfg(unix)]
pub(crate) fn is_alive(id: &str) -> bool {
    // A zombie that nobody has reaped yet does not count.
    let out = Command::new("ps").args(["-o", "stat=", "-p", id]).output().unwrap();
    let stat = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    !stat.is_empty() && !stat.starts_with('Z')
}

#[cfg(unix)]
pub(crate) fn until(what: &str, come_true: impl Fn() -> bool) {
    let until = Instant::now() + LONGEST;
    while !come_true() {
        assert!(Instant::now() < until, "it did not come true that {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
