//! The real server over a fake, on a runtime of its own: so that it can be killed.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use acceptance::tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    task::JoinHandle,
};
use chassis::{Ctx, auth::Secret, health::Health, serve::Stop};
use step_05_api::tonic::transport::{Channel, Endpoint};
use step_05_backlog::server;
use step_05_client::GrpcBacklog;

use crate::{
    fake::{Does, Fake},
    sample::parse,
};

/// What services show each other.
pub(crate) const TOKEN: &str = "service-token";

pub(crate) struct Server {
    pub(crate) fake: Arc<Fake>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    served: JoinHandle<io::Result<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start(does: Does) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), does)
    }

    pub(crate) fn start_at(address: SocketAddr, does: Does) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (fake, stop) = (Fake::does(does), Stop::manual());
        let listener = std::net::TcpListener::bind(address).expect("the port is free");
        let address = listener.local_addr().expect("it listens");
        listener.set_nonblocking(true).expect("a socket of ours");
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener).expect("a socket of ours");
        let service = server::service(fake.clone(), fake.clone(), parse(TOKEN));
        let (router, health) = server::router(service, Health::new(stop.clone()), stop.clone())
            .expect("the descriptors are ours");
        runtime.spawn(health);
        let served = runtime.spawn(chassis::serve::run(listener, router, stop.clone()));
        drop(inside);
        Self { fake, address, stop, served, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> GrpcBacklog {
        client(&[self.url()])
    }

    /// A connection without anything of ours on it.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url()).expect("an address").connect_lazy()
    }

    /// Whether it has answered everybody and left.
    pub(crate) fn has_left(&self) -> bool {
        self.served.is_finished()
    }

    /// Ends it at once, with every connection.
    pub(crate) fn kill(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // Where no test's runtime is, so that it may wait.
        let killed = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(5)));
        killed.join().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A client of several, with the right token.
pub(crate) fn client(urls: &[String]) -> GrpcBacklog {
    GrpcBacklog::new(urls, &parse::<Secret>(TOKEN)).expect("addresses")
}

/// A caller who waits for so many milliseconds.
pub(crate) fn waits(milliseconds: u64) -> Ctx {
    Ctx::background(Duration::from_millis(milliseconds))
}
