//! How the services of a cluster are reached from here: by their own address where this machine has a way there, as a node has; or
//! through `kubectl port-forward`.

use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use acceptance::{
    anyhow::{Context, Result},
    harness::ports::Port,
};

use crate::kubectl::Kubectl;

/// How long an address may take to be reached that is reached at all.
const REACHED_WITHIN: Duration = Duration::from_secs(2);
/// How soon a forward that ended is begun again: it ends with the pod that it led to.
const AGAIN: Duration = Duration::from_millis(200);

/// The way to one service. Dropped, it is closed.
pub(crate) struct Way {
    /// Where the service is reached from here.
    pub(crate) url: String,
    _forward: Option<Forward>,
}

impl Way {
    /// To `service`, which has pods that listen.
    pub(crate) fn to(service: &str, kubectl: &Kubectl) -> Result<Self> {
        let shape = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
        let address: SocketAddr = kubectl.run(&["get", "service", service, "--output", shape])?.parse()?;
        if TcpStream::connect_timeout(&address, REACHED_WITHIN).is_ok() {
            return Ok(Self { url: format!("http://{address}"), _forward: None });
        }
        let here = Port::take()?;
        let url = format!("http://127.0.0.1:{}", here.number());
        let forward =
            Forward::open(here, service, address.port(), kubectl).context("cannot forward a port")?;
        Ok(Self { url, _forward: Some(forward) })
    }
}

/// A forwarded port that is opened anew whenever it breaks.
struct Forward {
    closed: Arc<AtomicBool>,
    minding: Option<JoinHandle<()>>,
}

impl Forward {
    fn open(here: Port, service: &str, there: u16, kubectl: &Kubectl) -> Result<Self> {
        let (kubectl, service) = (kubectl.clone(), format!("service/{service}"));
        let ports = format!("{}:{there}", here.number());
        let open = move || {
            let mut forward = kubectl.command(&["port-forward", &service, &ports]);
            forward.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        };
        let mut child = open()?;
        let closed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&closed);
        let minding = thread::spawn(move || {
            // Ours as long as somebody forwards.
            let _here = here;
            while !told.load(Ordering::Relaxed) {
                thread::sleep(AGAIN);
                if let Ok(Some(_)) = child.try_wait()
                    && let Ok(next) = open()
                {
                    child = next;
                }
            }
            end(&mut child);
        });
        Ok(Self { closed, minding: Some(minding) })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        if let Some(minding) = self.minding.take() {
            let _ = minding.join();
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
