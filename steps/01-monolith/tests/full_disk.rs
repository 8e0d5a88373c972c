//! The monolith on a disk that is full and then has room again: a small file system in memory. Only root may mount one, and only
//! where the platform knows `tmpfs`; elsewhere this says so and passes, unless `WORKSHOP_REQUIRE` has `mount`: then it fails.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

use acceptance::{
    App, Database, Missing, Step, eventually, is_required,
    serde_json::json,
    tempfile::TempDir,
    tokio::{
        runtime,
        time::{Instant, sleep},
    },
};

fn main() -> ExitCode {
    acceptance::run_with(
        Disk::mount,
        &[("a_full_disk_is_seen_and_has_no_message_sent_twice_and_is_mended_by_room", a_full_disk)],
    )
}

/// A disk of 12 MB.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Self, Missing> {
        let missing = |reason: String| Missing { reason, required: is_required("mount") };
        let folder = TempDir::with_prefix("automator-disk-").map_err(|error| missing(error.to_string()))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(done) if done.status.success() => Ok(Self(folder)),
            Ok(done) => {
                Err(missing(format!("no tmpfs can be mounted: {}", String::from_utf8_lossy(&done.stderr))))
            }
            Err(error) => Err(missing(format!("no tmpfs can be mounted: {error}"))),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn a_full_disk(disk: &Disk) {
    // A thread and a runtime of its own: this thread's waits for the test.
    let run =
        || runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(fill_and_free(disk));
    thread::scope(|scope| scope.spawn(run).join().expect("the disk's test fails, see above"));
}

/// How many mails are under way: as many as the monolith has with a provider at once.
const MAILS: usize = 4;
/// Longer than the lease on a message, 7.5 s: after that somebody else may claim it.
const LEASE: Duration = Duration::from_secs(9);

async fn fill_and_free(disk: &Disk) {
    let step =
        Step { number: "01", binary: env!("CARGO_BIN_EXE_system-01"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = App::start(&step, Database::sqlite_in(disk.0.path()).unwrap(), |options| options).unwrap();
    let ready = async || app.get("/health/ready").await.status;
    let number = std::cell::Cell::new(0);
    let write = async || {
        number.set(number.get() + 1);
        let login = format!("member-{}", number.get());
        let member = json!({ "login": login, "name": login, "email": format!("{login}@example.com") });
        app.post("/api/team", &member).await.status
    };

    // The provider has them, and answers when the disk is full.
    let slow = json!({ "service": "sendgrid", "kind": "delay", "delay_ms": 2_000, "times": null });
    let _ = app.simulators().fault(&slow).await.is(201);
    let mut places = Vec::new();
    for mail in 0..MAILS {
        let mail =
            json!({ "channel": "email", "to": format!("m{mail}@example.com"), "subject": "x", "body": "x" });
        let queued = app.post("/api/notifications", &mail).await.is(202);
        places.push(queued.header("location").unwrap().to_owned());
    }
    eventually("the provider has every mail", async || {
        let calls = app.simulators().calls().await.is(200);
        (calls["calls"].as_array()?.len() == MAILS).then_some(())
    })
    .await;
    disk.fill();

    // As long as the database finds room in what it has already, it takes writes; then it takes none, and says so.
    let (until, mut refused) = (Instant::now() + LEASE, 0);
    while Instant::now() < until || refused < 10 {
        match write().await {
            201 => refused = 0,
            503 => refused += 1,
            status => panic!("answered {status} on a full disk"),
        }
        assert!(Instant::now() < until + LEASE * 5, "it is never full");
        sleep(Duration::from_millis(20)).await;
    }
    eventually("what takes no write gets no traffic", async || {
        (write().await == 503 && ready().await == 503).then_some(())
    })
    .await;
    assert_eq!(app.get("/api/team").await.status, 200, "what is there can be read");

    disk.free();
    eventually("it is ready again", async || (ready().await == 200).then_some(())).await;
    for _ in 0..40 {
        assert_eq!(write().await, 201, "a connection is spoilt");
    }
    for place in &places {
        eventually("the mail's end is noted", async || {
            (app.get(place).await.is(200)["status"] == "sent").then_some(())
        })
        .await;
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    for call in app.simulators().taken("sendgrid").await {
        let to = call["fields"]["personalizations"][0]["to"][0]["email"].to_string();
        *times.entry(to).or_default() += 1;
    }
    assert!(times.len() == MAILS && times.values().all(|times| *times == 1), "went out again: {times:?}");
}
