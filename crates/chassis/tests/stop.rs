//! A process that does not end by itself is ended. It takes the whole time of a drain.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use chassis::serve::{self, DRAIN, Stop};
use tokio::net::TcpListener;

/// Set for the process that this test makes of itself.
const INSIDE: &str = "CHASSIS_TEST_INSIDE";

/// This test as a server, whose every thread is busy for ever.
fn busy_server() -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "an_endless_loop_in_a_handler_does_not_outlive_the_drain", "--nocapture"]);
    command.env(INSIDE, "1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address =
        lines.map_while(Result::ok).find_map(|line| Some(line.split_once("listens at ")?.1.to_owned()));
    let address = address.unwrap();
    // More than there are threads.
    for _ in 0..std::thread::available_parallelism().unwrap().get() * 2 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    }
    child
}

fn busy() {
    loop {
        std::hint::spin_loop();
    }
}

fn serve() -> ! {
    let code = chassis::process::run(async {
        let stop = Stop::from_environment()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("\nlistens at {}", listener.local_addr()?);
        let endless = get(async || busy());
        serve::run(listener, Router::new().route("/", endless), stop).await?;
        Ok(())
    });
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

#[test]
fn an_endless_loop_in_a_handler_does_not_outlive_the_drain() {
    if std::env::var_os(INSIDE).is_some() {
        serve();
    }
    let mut child = busy_server();
    std::thread::sleep(Duration::from_millis(300));
    let since = Instant::now();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if since.elapsed() > DRAIN * 2 {
            child.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    // As long as the harness waits before it kills.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert_eq!(ended.and_then(|status| status.code()), Some(1));
}
