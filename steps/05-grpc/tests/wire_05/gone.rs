//! Who waits, for how long, and what is done for those who have gone.

use std::time::Duration;

use acceptance::{
    becomes,
    tokio::{
        self,
        io::AsyncWriteExt,
        net::TcpListener,
        time::{Instant, sleep, timeout},
    },
};
use chassis::ctx::DEFAULT_TIMEOUT;
use step_02_contracts::{Backlog, Fault};
use step_05_api::{
    context,
    tonic::{Code, Request, metadata::MetadataMap},
    v1::{GetTaskRequest, backlog_client::BacklogClient},
};

use step_05_backlog::server;

use crate::{
    fake::{Does, Fake},
    sample::{ID, parse},
    server::{Server, TOKEN, client, waits},
};

const LONG: Duration = Duration::from_secs(30);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_stall_costs_the_caller_its_deadline_and_the_work_ends_with_it() {
    let server = Server::start(Does::Stall(LONG));
    let begun = Instant::now();
    let refused = server.client().task(&waits(300), parse(ID)).await;
    let waited = begun.elapsed();
    assert!(matches!(refused, Err(Fault::DeadlineExceeded)), "{refused:?}");
    assert!((Duration::from_millis(300)..Duration::from_millis(300) + SLACK).contains(&waited), "{waited:?}");
    becomes((1, 0), async || server.fake.calls()).await;
}

#[tokio::test]
async fn the_service_ends_its_work_at_the_deadline_without_being_told() {
    let fake = Fake::does(Does::Stall(LONG));
    // No connection in between: nobody hangs up.
    let mut client = BacklogClient::new(server::service(fake.clone(), fake.clone(), parse(TOKEN)));
    let begun = Instant::now();
    let answer = timeout(LONG, client.get_task(request(Some("200m")))).await;
    let refused = answer.expect("an answer by then").expect_err("it is refused");
    assert_eq!((refused.code(), fake.calls()), (Code::DeadlineExceeded, (1, 0)));
    assert!(begun.elapsed() < Duration::from_millis(200) + SLACK, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_work_of_a_caller_who_hangs_up_ends() {
    let server = Server::start(Does::Stall(LONG));
    let client = server.client();
    let asked = tokio::spawn(async move { client.task(&waits(9_000), parse(ID)).await });
    becomes((1, 1), async || server.fake.calls()).await;
    asked.abort();
    let ended = timeout(Duration::from_secs(5), becomes((1, 0), async || server.fake.calls())).await;
    assert!(ended.is_ok(), "it goes on for a caller who has hung up");
}

#[tokio::test]
async fn the_work_of_a_caller_whose_process_dies_ends() {
    let server = Server::start(Does::Stall(LONG));
    let url = server.url();
    let caller = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.spawn(async move { client(&[url]).task(&waits(9_000), parse(ID)).await });
        runtime
    });
    let caller = caller.join().expect("it has begun");
    becomes((1, 1), async || server.fake.calls()).await;
    caller.shutdown_background();
    let ended = timeout(Duration::from_secs(5), becomes((1, 0), async || server.fake.calls())).await;
    assert!(ended.is_ok(), "it goes on for a caller who is dead");
}

#[tokio::test]
async fn nothing_left_is_no_call() {
    let server = Server::start(Does::Answer);
    let refused = server.client().task(&waits(0), parse(ID)).await;
    assert!(matches!(refused, Err(Fault::DeadlineExceeded)), "{refused:?}");
    assert_eq!(server.fake.calls(), (0, 0));
}

#[tokio::test]
async fn the_request_id_the_trace_and_what_is_left_arrive() {
    let server = Server::start(Does::Answer);
    let ctx = waits(9_000);
    sleep(Duration::from_millis(20)).await;
    server.client().task(&ctx, parse(ID)).await.expect("a task");
    let there = server.fake.ctx();
    assert_eq!(there.request_id, ctx.request_id);
    assert_eq!(there.trace.trace(), ctx.trace.trace());
    assert_ne!(there.trace, ctx.trace, "another place of the same trace");
    let (here, there) = (ctx.remaining(), there.remaining());
    assert!(there < Duration::from_millis(8_981), "{there:?} is more than was left");
    assert!(there + SLACK > here, "{there:?} of {here:?}");
}

/// A call without our client, of a caller who says `said` of its time.
fn request(said: Option<&str>) -> Request<GetTaskRequest> {
    let mut request = Request::new(GetTaskRequest { id: ID.to_owned() });
    request.metadata_mut().insert("authorization", parse(&format!("Bearer {TOKEN}")));
    if let Some(said) = said {
        request.metadata_mut().insert("grpc-timeout", parse(said));
    }
    request
}

/// What a call had left when it arrived.
async fn left(server: &Server, said: Option<&str>) -> Result<Duration, Fault> {
    let answer = BacklogClient::new(server.channel()).get_task(request(said)).await;
    answer.map_err(|status| step_05_grpc::pieces::status::fault(&status))?;
    Ok(server.fake.ctx().remaining())
}

#[tokio::test]
async fn nobody_waits_longer_than_we_allow() {
    let server = Server::start(Does::Answer);
    for said in [None, Some("1H"), Some("99999999H")] {
        let left = left(&server, said).await.expect("a task");
        assert!(left <= DEFAULT_TIMEOUT && left + SLACK > DEFAULT_TIMEOUT, "{said:?} is {left:?}");
    }
    let nonsense = left(&server, Some("5")).await;
    assert!(
        matches!(&nonsense, Err(Fault::Invalid(errors)) if errors[0].field == "grpc-timeout"),
        "{nonsense:?}"
    );
}

#[tokio::test]
async fn whoever_accepts_and_says_nothing_costs_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("it listens"));
    let begun = Instant::now();
    let refused = client(&[url]).task(&waits(400), parse(ID)).await;
    assert!(matches!(refused, Err(Fault::DeadlineExceeded)), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(400) + SLACK, "{:?}", begun.elapsed());
}

/// Only on Linux a full queue leaves those who come later without any answer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_does_not_even_accept_costs_the_deadline() {
    use acceptance::tokio::net::{TcpSocket, TcpStream};

    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let full = socket.listen(1).expect("it listens");
    let address = full.local_addr().expect("it listens");
    let mut waiting = vec![];
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(connected.expect("there is room"));
        assert!(waiting.len() < 100, "the queue has no end");
    }
    let begun = Instant::now();
    let refused = client(&[format!("http://{address}")]).task(&waits(300), parse(ID)).await;
    // A connection may take a second; then it would not be available.
    assert!(matches!(refused, Err(Fault::DeadlineExceeded)), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_answers_garbage_is_not_available() {
    let garbage = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", garbage.local_addr().expect("it listens"));
    let server = tokio::spawn(async move {
        while let Ok((mut connection, _)) = garbage.accept().await {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n<html>It works!</html>").await;
        }
    });
    let begun = Instant::now();
    let refused = client(&[url]).task(&waits(5_000), parse(ID)).await;
    assert!(matches!(&refused, Err(Fault::Unavailable(who)) if who == "backlog"), "{refused:?}");
    assert!(begun.elapsed() < SLACK, "{:?}", begun.elapsed());
    server.abort();
}

#[tokio::test]
async fn what_is_under_way_when_it_stops_is_answered() {
    let server = Server::start(Does::Stall(Duration::from_millis(700)));
    let client = server.client();
    let asked = tokio::spawn(async move { (client.task(&waits(5_000), parse(ID)).await, client) });
    becomes((1, 1), async || server.fake.calls()).await;
    server.stop.stop();
    let (answer, client) = asked.await.expect("no panic");
    assert!(answer.is_ok(), "{answer:?}");
    // Far below the drain's bound: a connection that idles keeps nothing alive.
    let left = timeout(Duration::from_secs(3), becomes(true, async || server.has_left())).await;
    assert!(left.is_ok(), "its last call is answered, and it stays");
    let next = client.task(&waits(2_000), parse(ID)).await;
    assert!(matches!(next, Err(Fault::Unavailable(_))), "{next:?}");
}

/// Given where the context of one call becomes the context of the next.
#[tokio::test(start_paused = true)]
async fn each_hop_has_less_than_the_one_before() {
    let mut ctx = waits(1_000);
    for hop in 1..=4 {
        sleep(Duration::from_millis(200)).await;
        let mut metadata = MetadataMap::new();
        context::carry(&ctx, &mut metadata).expect("something is left");
        assert!(metadata.get("x-request-timeout").is_none(), "one truth is enough");
        ctx = context::received(&metadata).expect("a context");
        assert_eq!(ctx.remaining(), Duration::from_millis(1_000 - 200 * hop));
    }
    sleep(Duration::from_millis(200)).await;
    let refused = context::carry(&ctx, &mut MetadataMap::new());
    assert!(matches!(refused, Err(Fault::DeadlineExceeded)), "{refused:?}");
}
