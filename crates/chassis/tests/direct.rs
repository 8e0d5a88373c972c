//! A proxy in the environment, and what is asked over it. A process of its own asks: the environment belongs to the whole
//! process.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    time::Duration,
};

/// Set for the process that this test makes of itself: what to ask.
const INSIDE: &str = "CHASSIS_TEST_ASK";

/// A server that answers each connection with a line of its own; its address.
fn server(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_proxy_in_the_environment_is_not_asked_for_our_own_services() {
    if let Ok(url) = std::env::var(INSIDE) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let text = runtime.block_on(async {
            let client = chassis::client::client(Duration::from_secs(5)).unwrap();
            client.get(url).send().await.unwrap().text().await.unwrap()
        });
        println!("\nthe answer is {text}");
        return;
    }
    let (service, proxy) = (server("of the service"), format!("http://{}", server("of the proxy")));
    let mut asked = Command::new(std::env::current_exe().unwrap());
    asked.args(["--exact", "a_proxy_in_the_environment_is_not_asked_for_our_own_services", "--nocapture"]);
    asked.env_remove("NO_PROXY").env_remove("no_proxy").env(INSIDE, format!("http://{service}/"));
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"] {
        asked.env(name, &proxy);
    }
    let output = asked.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("the answer is of the service"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
