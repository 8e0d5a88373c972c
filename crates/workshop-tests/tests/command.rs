//! The real binary in a temporary workshop whose only step is a tiny system of its own, built by the real cargo.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

mod support;

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use support::{Checkout, free_port};

#[test]
fn without_a_word_it_says_what_to_type_next() {
    let done = Checkout::new().run(&[]);
    assert!(done.ok(), "{done}");
    assert!(done.out.contains("cargo workshop run 1"), "{done}");
}

#[test]
fn help_is_no_error_and_a_wrong_word_is_64() {
    let checkout = Checkout::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let done = checkout.run(arguments);
        assert!(done.ok() && !done.out.is_empty(), "{arguments:?} {done}");
    }
    for arguments in [&["walk"][..], &["run"], &["run", "one"], &["run", "1", "--port", "0"], &["run", "999"]]
    {
        let done = checkout.run(arguments);
        assert_eq!(done.code, Some(64), "{arguments:?} {done}");
    }
}

#[test]
fn an_unknown_step_is_answered_with_the_known_ones() {
    let done = Checkout::new().run(&["run", "99"]);
    assert_eq!(done.code, Some(64), "{done}");
    assert!(done.err.starts_with("there is no step 99; there are: 01"), "{done}");
}

#[test]
fn outside_of_the_workshop_it_says_so() {
    let done = Checkout::empty().run(&["run", "1"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("is not inside the workshop"), "{done}");
}

#[test]
fn a_mistake_in_the_list_is_reported_with_its_line() {
    let checkout = Checkout::new();
    checkout.write("workshop.toml", "part = []\n\n[[step]]\nnumbr = \"01\"\n");
    let done = checkout.run(&[]);
    assert!(done.err.contains("workshop.toml:4: unknown field `numbr`"), "{done}");
}

#[test]
fn a_taken_port_is_named_before_anything_is_built() {
    let checkout = Checkout::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let done = checkout.run(&["run", "1", "--port", &port.to_string()]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.starts_with(&format!("port {port} is taken")), "{done}");
    assert!(done.err.contains("cargo workshop run 1 --port "), "{done}");
    assert_eq!(done.err.lines().count(), 1, "{done}");
    assert!(!checkout.path("target").exists() && !checkout.path(".workshop/run/01/lock").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let checkout = Checkout::new();
    // A file in its place stops root as well, whom no permission stops.
    checkout.write(".workshop", "");
    let done = checkout.run(&["run", "1", "--port", &free_port().to_string()]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.starts_with("cannot write to the folder .workshop"), "{done}");
    assert_eq!(done.err.lines().count(), 1, "{done}");
    let done = checkout.run(&["doctor"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.out.contains("missing  own folder       cannot write to .workshop"), "{done}");
}

#[test]
fn a_file_that_is_no_database_is_named_before_anything_is_built() {
    let checkout = Checkout::new();
    checkout.write(".workshop/run/01/automator.db", "this is a shopping list");
    let done = checkout.run(&["run", "1", "--port", &free_port().to_string()]);
    assert_eq!(done.code, Some(1), "{done}");
    let wanted =
        "automator.db is no SQLite database; begin with an empty one: cargo workshop run 1 --fresh\n";
    assert!(done.err.ends_with(wanted), "{done}");
    assert!(!checkout.path("target").exists());
}

#[test]
fn a_database_that_the_migration_refuses_is_named_with_its_reason() {
    let checkout = Checkout::new();
    checkout.write(".workshop/run/01/automator.db", "SQLite format 3\0 but broken");
    let done = checkout.run(&["run", "1", "--port", &free_port().to_string()]);
    assert_eq!(done.code, Some(1), "{done}");
    let line = done.err.lines().last().unwrap();
    assert!(line.contains("cannot be brought up to date; migrate says above why"), "{done}");
    assert_eq!(done.err.matches("database disk image is malformed").count(), 1, "{done}");
    assert!(!checkout.path(".workshop/run/01/lock").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_for_the_data_is_the_readers_own_and_so_is_the_advice() {
    use std::os::unix::fs::PermissionsExt;
    let checkout = Checkout::new();
    let port = free_port().to_string();
    let run = ["run", "1", "--data", "my data", "--port", &port];
    let mut running = checkout.command(&run).start();
    running.wait_for("Automator is at");
    running.signal("INT");
    assert!(running.end().ok());
    let mode = |path: &str| fs::metadata(checkout.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("my data"), mode("my data/automator.db"), mode(".workshop")), (0o700, 0o600, 0o700));
    assert!(!checkout.path(".workshop/run/01/automator.db").exists());

    checkout.write("my data/automator.db", "SQLite format 3\0 but broken");
    let done = checkout.run(&run);
    let advice = "cargo workshop run 1 --data \"my data\" --fresh\n";
    assert!(done.code == Some(1) && done.err.ends_with(advice), "{done}");
    // A folder that was open before is closed.
    fs::set_permissions(checkout.path(".workshop"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(checkout.run(&[]).ok());
    assert_eq!(mode(".workshop"), 0o700);
}

#[cfg(unix)]
#[test]
fn a_checkout_may_have_any_name() {
    let checkout = Checkout::called(" feature%2Fx what?#1").with_a_step();
    // The linker that comes with Rust takes each % in the path of what it writes for a character to choose.
    let done = checkout.run(&["doctor"]);
    assert!(
        done.code == Some(1) && done.out.contains("→ name a folder without % in CARGO_TARGET_DIR"),
        "{done}"
    );
    let elsewhere = Checkout::empty();
    let target = elsewhere.path("target");
    let run = ["run", "1", "--port", &free_port().to_string()];
    let mut running = checkout.command(&run).env("CARGO_TARGET_DIR", target.to_str().unwrap()).start();
    running.wait_for("Automator is at");
    assert!(checkout.path(".workshop/run/01/automator.db").exists());
    running.signal("INT");
    assert!(running.end().ok());
}

#[cfg(unix)]
#[test]
fn a_port_in_place_of_a_taken_one_is_none_that_another_process_has_declared() {
    let checkout = Checkout::new();
    let (first, second) = loop {
        let (first, second) = (free_port(), free_port());
        if second == first + 1 {
            break (first, second);
        }
    };
    let system = checkout.path("steps/01-monolith/system.toml");
    let mut text: Vec<_> = fs::read_to_string(&system).unwrap().lines().map(str::to_owned).collect();
    let simulators = text.iter_mut().find(|line| line.starts_with("port = ")).unwrap();
    *simulators = format!("port = {first}");
    text.push(format!("[[process]]\nname = \"faulty\"\nport = {second}\nhealth = \"/health/ready\"\n"));
    fs::write(&system, text.join("\n")).unwrap();
    let mut running = checkout.command(&["run", "1", "--port", &first.to_string()]).start();
    running.wait_for(&format!("Automator is at http://127.0.0.1:{first}"));
    assert!(running.said().contains(&format!("port {first} is taken, so simulators listens on ")));
    assert!(!running.said().contains("faulty listens on"), "{}", running.said());
    running.signal("INT");
    assert!(running.end().ok());
}

#[cfg(unix)]
#[test]
fn what_a_walk_through_edits_is_a_copy_and_each_run_begins_with_ours() {
    let checkout = Checkout::new();
    checkout.write("steps/01-monolith/table.toml", "ours");
    let system = fs::read_to_string(checkout.path("steps/01-monolith/system.toml")).unwrap();
    let system = system.replace("TOKEN = ", "TABLE = \"{folder}/table.toml\", TOKEN = ");
    checkout.write("steps/01-monolith/system.toml", &system);
    let copy = ".workshop/run/01/table.toml";
    for round in ["first", "second"] {
        let mut running = checkout.command(&["run", "1", "--port", &free_port().to_string()]).start();
        running.wait_for(&format!("To edit        {copy}"));
        let read = |path: &str| fs::read_to_string(checkout.path(path)).unwrap();
        assert!(read(".workshop/run/01/table.path").ends_with(copy));
        assert_eq!((read(copy).as_str(), read("steps/01-monolith/table.toml").as_str()), ("ours", "ours"));
        checkout.write(copy, "mine");
        running.signal("INT");
        let done = running.end();
        assert_eq!(done.out.contains("Saved      the file as before"), round == "second", "{done}");
    }
}

#[test]
fn a_build_that_fails_is_cargos_to_explain() {
    let checkout = Checkout::new();
    checkout.write("steps/01-monolith/src/main.rs", "fn main() { oops }");
    let done = checkout.run(&["run", "1", "--port", &free_port().to_string()]);
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("cannot find value `oops`"), "{done}");
    assert!(done.err.ends_with("system-01 was not built; cargo says above why\n"), "{done}");
}

#[test]
fn a_missing_cargo_is_named() {
    let checkout = Checkout::new();
    let done =
        checkout.command(&["run", "1", "--port", &free_port().to_string()]).cargo("no-such-cargo").end();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.ends_with("cargo is not there: install Rust from https://rustup.rs\n"), "{done}");
}

/// Programs that write down how they were called; kubectl knows the context that `context` names, and no way to its gateway.
#[cfg(unix)]
fn cluster(checkout: &Checkout, context: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let log = "#!/bin/sh\necho \"${0##*/} $*\" >>\"${0%/*}/log\"\n";
    let kubectl = format!(
        "{log}case \"$*\" in *current-context) echo '{context}' ;; *port-forward*) echo 'no pod' >&2; exit 1 ;;\n\
         *' kustomize '*) printf ' - image: automator/gateway:workshop\\n   image: postgres:16\\n' ;;\n\
         *version*) echo '{{\"serverVersion\": {{\"major\": \"1\", \"minor\": \"34\"}}}}' ;;\n\
         *'get deployment'*) exit 1 ;; esac\n"
    );
    for (name, text) in [("kubectl", kubectl.as_str()), ("docker", log), ("kind", log)] {
        checkout.write(&format!("bin/{name}"), text);
        fs::set_permissions(checkout.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    checkout.path("bin")
}

#[cfg(unix)]
#[test]
fn a_step_for_a_cluster_loads_applies_waits_and_opens_a_way() {
    let checkout = Checkout::new();
    let programs = cluster(&checkout, "kind-automator");
    let port = free_port().to_string();
    let done = checkout.command(&["run", "11", "--port", &port]).programs(&programs).end();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.ends_with("no way leads to the gateway: no pod\n"), "{done}");
    let log = fs::read_to_string(programs.join("log")).unwrap();
    let mut called: Vec<_> = log.lines().map(|line| line.split(" --output").next().unwrap()).collect();
    // The way is opened again as often as it breaks.
    called.dedup();
    let folder = "steps/11-kubernetes/k8s/overlays/kind";
    let overlay = checkout.path(folder).canonicalize().unwrap_or_else(|_| checkout.path(folder));
    let overlay = overlay.display();
    let here = "kubectl --context kind-automator";
    assert_eq!(
        called,
        [
            "kubectl config current-context".to_owned(),
            format!("{here} version"),
            format!("{here} kustomize {overlay}"),
            "docker image inspect --format {{.Id}} automator/gateway:workshop".to_owned(),
            "kind load docker-image --name automator automator/gateway:workshop".to_owned(),
            format!("{here} --namespace automator get deployment gateway"),
            format!("{here} apply --kustomize {overlay}"),
            format!(
                "{here} --namespace automator wait --for=condition=Complete job --selector app.kubernetes.io/component=migration --timeout 600s"
            ),
            format!(
                "{here} --namespace automator wait --for=condition=Available deployment --all --timeout 600s"
            ),
            format!("{here} --namespace automator port-forward service/gateway {port}:8080"),
        ]
    );

    let done = checkout.command(&["run", "11", "--down"]).programs(&programs).end();
    assert!(done.ok() && done.out.ends_with("nothing of step 11 is left on kind-automator\n"), "{done}");
}

#[cfg(unix)]
#[test]
fn a_cluster_that_may_be_somebody_elses_is_used_by_name_only() {
    let checkout = Checkout::new();
    let programs = cluster(&checkout, "production");
    for arguments in [&["run", "11"][..], &["run", "11", "--down"]] {
        let done = checkout.command(arguments).programs(&programs).end();
        assert_eq!(done.code, Some(1), "{done}");
        assert!(done.err.contains("if you mean it: --context production"), "{done}");
    }
    assert_eq!(
        fs::read_to_string(programs.join("log")).unwrap(),
        "kubectl config current-context\n".repeat(2)
    );
    let done =
        checkout.command(&["run", "11", "--context", "production", "--down"]).programs(&programs).end();
    assert!(done.ok(), "{done}");
    let done = checkout.command(&["run", "1", "--down"]).end();
    assert_eq!(done.code, Some(64), "{done}");
}

#[test]
fn the_doctor_finds_this_machine_fit() {
    let done = Checkout::new().run(&["doctor"]);
    assert!(done.ok(), "{done}");
    for line in [
        "ok       Rust",
        "ok       linker",
        "Needed later:",
        "needed from step 10 on",
        "  compose  ",
        "  kubectl  ",
        "  cluster  ",
    ] {
        assert!(done.out.contains(line), "{line}: {done}");
    }
}

/// `docker` whose engine answers and has no image, nor finds one.
#[cfg(unix)]
fn engine_without_images(checkout: &Checkout) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    checkout.write("bin/docker", "#!/bin/sh\ncase \"$*\" in version*) echo 27 ;; *) exit 1 ;; esac\n");
    fs::set_permissions(checkout.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    checkout.path("bin")
}

#[cfg(unix)]
#[test]
fn whoever_prepares_is_prepared_also_without_an_image_that_no_exercise_needs() {
    let checkout = Checkout::new();
    let programs = engine_without_images(&checkout);
    let mut steps = fs::read_to_string(checkout.path("workshop.toml")).unwrap();
    let (first, second) = (steps.find("[[step]]").unwrap(), steps.find("number = \"02\"").unwrap());
    let end = steps[first..second].rfind("[[step]]").unwrap() + first;
    steps.truncate(end);
    checkout.write(
        "workshop.toml",
        &format!("{steps}\n[[image]]\nname = \"postgres:0\"\nvariable = \"WORKSHOP_NO_IMAGE\"\n"),
    );
    let done = checkout.run(&["doctor"]);
    assert!(done.ok() && done.out.contains("warn     prepared         in part"), "{done}");
    let done = checkout.command(&["doctor", "--prepare"]).programs(&programs).end();
    assert!(done.ok(), "{done}");
    assert!(done.out.contains("postgres:0 cannot be had") && done.out.contains("\nprepared: "), "{done}");
    assert!(done.out.contains("not the tests that want postgres:0"), "{done}");
    let done = checkout.run(&["doctor"]);
    assert!(
        done.out.contains("ok       prepared         all crates are fetched, and all is built"),
        "{done}"
    );
    // Another folder for what is built, and nothing is built there; its disk is what counts.
    let elsewhere = checkout.path("elsewhere");
    let done = checkout.command(&["doctor"]).env("CARGO_TARGET_DIR", elsewhere.to_str().unwrap()).end();
    assert!(done.out.contains("warn     prepared         not any more"), "{done}");
    assert!(done.out.contains(" GB free for elsewhere"), "{done}");
}

#[test]
fn crates_that_are_not_fetched_are_said() {
    let checkout = Checkout::new();
    let manifest = fs::read_to_string(checkout.path("steps/01-monolith/Cargo.toml")).unwrap();
    checkout.write(
        "steps/01-monolith/Cargo.toml",
        &format!("{manifest}[dependencies]\nno-such-crate-at-all = \"77\"\n"),
    );
    let done = checkout.run(&["doctor"]);
    assert!(done.out.contains("warn     prepared         no: the first run fetches crates"), "{done}");
}

#[cfg(unix)]
#[test]
fn a_run_fills_automator_says_where_it_is_and_ends_with_ctrl_c() {
    let checkout = Checkout::new();
    let port = free_port();
    let mut running = checkout.command(&["run", "01", "--port", &port.to_string()]).start();
    running.wait_for(&format!("Automator is at http://127.0.0.1:{port}"));
    assert!(running.said().contains("imported 2 of 2 repositories, 7 items"), "{}", running.said());
    assert!(checkout.path(".workshop/run/01/lock").exists());
    // The team joined and the import ran with the token, and the log has the name of its process before it.
    running.wait_for("monolith   | dx-lead-7c1e joined");

    let second = checkout.run(&["run", "1", "--port", &free_port().to_string()]);
    assert_eq!(second.code, Some(1), "{second}");
    assert!(second.err.contains(&format!("running already (http://127.0.0.1:{port}, process ")), "{second}");

    running.signal("INT");
    let done = running.end();
    assert!(done.ok(), "{done}");
    assert!(done.out.ends_with("stopped\n"), "{done}");
    checkout.is_quiet(port);
    assert!(checkout.path(".workshop/run/01/automator.db").exists(), "the database is kept");
}

#[cfg(unix)]
#[test]
fn a_run_mails_assignees_when_it_is_told_to_in_either_way() {
    let checkout = Checkout::new();
    let run = |more: &[&str], value: Option<&str>, heard: &str| {
        let port = free_port().to_string();
        let arguments = [&["run", "1", "--port", &port], more].concat();
        let mut command = checkout.command(&arguments);
        if let Some(value) = value {
            command = command.env("TELL_ASSIGNEES", value);
        }
        let mut running = command.start();
        running.wait_for("Automator is at");
        running.wait_for(&format!("monolith   | TELL_ASSIGNEES is {heard}"));
        running.signal("INT");
        assert!(running.end().ok());
    };
    run(&[], None, "None");
    run(&["--tell-assignees"], None, "Some(\"1\")");
    run(&[], Some("1"), "Some(\"1\")");
    run(&[], Some("0"), "None");
}

#[test]
fn a_process_that_ends_by_itself_ends_the_run_with_its_name() {
    let checkout = Checkout::new();
    let port = free_port();
    let mut running = checkout.command(&["run", "1", "--port", &port.to_string()]).start();
    running.wait_for("Automator is at");
    let mut asked = TcpStream::connect(("127.0.0.1", port)).unwrap();
    asked.write_all(b"GET /exit HTTP/1.1\r\n\r\n").unwrap();
    let done = running.end();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.err.contains("monolith ended with exit"), "{done}");
    checkout.is_quiet(port);
}

#[cfg(unix)]
#[test]
fn a_process_that_somebody_kills_is_missed_for_a_while_and_comes_back() {
    let checkout = Checkout::new();
    let port = free_port();
    let mut running = checkout.command(&["run", "1", "--port", &port.to_string()]).start();
    running.wait_for("Automator is at");
    let killed = checkout.process("simulators");
    // The lesson says to kill that number.
    running.wait_for(&format!("simulators {killed}"));
    assert!(support::kill("KILL", &killed));
    running.wait_for("simulators was killed; it is started again in 10 s");
    running.wait_for("simulators is back: process ");
    assert_ne!(checkout.process("simulators"), killed);
    running.signal("INT");
    let done = running.end();
    assert!(done.ok(), "{done}");
    checkout.is_quiet(port);
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_does_not_wait_for_anybody() {
    let checkout = Checkout::new();
    checkout.write(".workshop/run/01/stubborn", "");
    let port = free_port();
    let mut running = checkout.command(&["run", "1", "--port", &port.to_string()]).start();
    running.wait_for("Automator is at");
    running.signal("INT");
    running.wait_for("stopping (Ctrl-C again kills)");
    thread::sleep(Duration::from_millis(300));
    assert!(running.is_running(), "they listened");
    let start = Instant::now();
    running.signal("INT");
    let done = running.end();
    assert!(done.ok() && start.elapsed() < Duration::from_secs(5), "{done}");
    checkout.is_quiet(port);
}

#[test]
fn the_team_of_a_run_maintains_the_simulated_repositories() {
    let list = include_str!("../../../workshop.toml");
    let logins: Vec<_> = list.lines().filter_map(|line| line.strip_prefix("login = ")).collect();
    assert_eq!(logins, simulators::maintainers().map(|login| format!("\"{login}\"")));
}

#[cfg(unix)]
#[test]
fn no_process_outlives_a_run_that_is_killed() {
    let checkout = Checkout::new();
    let port = free_port();
    let mut running = checkout.command(&["run", "1", "--port", &port.to_string()]).start();
    running.wait_for("Automator is at");
    running.signal("KILL");
    running.end();
    // The lock's file is left, but it locks nobody out.
    let _ = fs::remove_file(checkout.path(".workshop/run/01/lock"));
    checkout.is_quiet(port);
}
