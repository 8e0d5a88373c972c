//! The wire before an echo: what passes, and what each trouble does to it.

#![cfg(feature = "proxy")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may, like tests")]

use std::time::{Duration, Instant};

use harness::{Trouble, Wire};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// A wire before somebody who says everything again, and a connection over it.
async fn wire() -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wire = Wire::start(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let connection = connect(&wire).await;
    (wire, connection)
}

async fn connect(wire: &Wire) -> TcpStream {
    TcpStream::connect(wire.url().strip_prefix("http://").unwrap()).await.unwrap()
}

/// What comes back for `said`, at the first read; nothing when the connection is closed.
async fn say(connection: &mut TcpStream, said: &str) -> String {
    connection.write_all(said.as_bytes()).await.unwrap();
    let mut heard = [0; 256];
    let length = timeout(Duration::from_secs(5), connection.read(&mut heard)).await.unwrap().unwrap_or(0);
    String::from_utf8_lossy(&heard[..length]).into_owned()
}

#[tokio::test]
async fn what_is_said_comes_back() {
    let (_wire, mut connection) = wire().await;
    assert_eq!(say(&mut connection, "hello").await, "hello");
    assert_eq!(say(&mut connection, "again").await, "again");
}

#[tokio::test]
async fn slow_is_later_and_ends_with_the_trouble() {
    let (wire, mut connection) = wire().await;
    wire.set(Trouble::Slow(Duration::from_millis(300)));
    let begun = Instant::now();
    assert_eq!(say(&mut connection, "hello").await, "hello");
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());

    wire.set(Trouble::Slow(Duration::from_secs(60)));
    let end = async {
        sleep(Duration::from_millis(100)).await;
        wire.set(Trouble::None);
    };
    let (heard, ()) = tokio::join!(say(&mut connection, "hello"), end);
    assert_eq!(heard, "hello");
}

#[tokio::test]
async fn something_else_answers() {
    let (wire, mut connection) = wire().await;
    wire.set(Trouble::Babble);
    assert!(say(&mut connection, "hello").await.contains("It works!"));
}

#[tokio::test]
async fn a_cut_leaves_a_half_and_a_closed_connection() {
    let (wire, mut connection) = wire().await;
    wire.set(Trouble::Cut);
    assert_eq!(say(&mut connection, "hello").await, "he");
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn gone_closes_old_and_new_and_then_all_is_well() {
    let (wire, mut old) = wire().await;
    assert_eq!(say(&mut old, "hello").await, "hello");
    wire.set(Trouble::Gone);
    assert_eq!(say(&mut old, "hello").await, "");
    assert_eq!(connect(&wire).await.read(&mut [0; 8]).await.unwrap_or(0), 0);
    wire.set(Trouble::None);
    assert_eq!(say(&mut connect(&wire).await, "hello").await, "hello");
}
