//! A wire between two processes that, on request, is a bad one. It knows nothing of what passes: HTTP/2 and gRPC pass as well as
//! anything over TCP. Where requests are to be told apart, [`crate::proxy`] speaks HTTP/1.1.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time,
};

/// What is on the wire in place of an answer where something else answers.
const BABBLE: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n<html>It works!</html>";

/// What goes wrong with the answers, on every connection, those that are there already too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Each piece of an answer arrives so much later. It ends with the trouble.
    Slow(Duration),
    /// Something else answers.
    Babble,
    /// The first half of the next piece arrives, and the connection is closed.
    Cut,
    /// Connections are closed as soon as they are made, and those that are there at their next answer.
    Gone,
}

/// A running wire. Dropped, it closes its port and every connection.
#[derive(Debug)]
pub struct Wire {
    url: String,
    trouble: watch::Sender<Trouble>,
    server: JoinHandle<()>,
}

impl Wire {
    /// Listens on a port of its own and passes everything on to `upstream`, which need not listen yet.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (trouble, now) = watch::channel(Trouble::None);
        Ok(Self { url, trouble, server: tokio::spawn(serve(listener, upstream, now)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, `trouble` happens, and no other.
    pub fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, now: watch::Receiver<Trouble>) {
    // Dropped with this task, which ends every connection.
    let mut connections = JoinSet::new();
    loop {
        let Ok((caller, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        // An error is a broken connection: the callers' own, or one of ours.
        connections.spawn(connect(caller, upstream, now.clone()));
    }
}

/// Joins the two until either closes.
async fn connect(
    mut caller: TcpStream,
    upstream: SocketAddr,
    now: watch::Receiver<Trouble>,
) -> io::Result<()> {
    if *now.borrow() == Trouble::Gone {
        return Ok(());
    }
    let mut callee = TcpStream::connect(upstream).await?;
    for stream in [&caller, &callee] {
        stream.set_nodelay(true)?;
    }
    let (mut questions, mut to_caller) = caller.split();
    let (mut answers, mut to_callee) = callee.split();
    tokio::select! {
        done = copy(&mut questions, &mut to_callee) => done.map(drop),
        done = carry(&mut answers, &mut to_caller, now) => done,
    }
}

/// Carries answers piece by piece.
async fn carry(
    answers: &mut (impl AsyncRead + Unpin),
    caller: &mut (impl AsyncWrite + Unpin),
    mut now: watch::Receiver<Trouble>,
) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let length = answers.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        let trouble = *now.borrow_and_update();
        let arrives = match trouble {
            Trouble::None => &piece[..length],
            Trouble::Slow(delay) => {
                let _ended = time::timeout(delay, now.changed()).await;
                &piece[..length]
            }
            Trouble::Babble => BABBLE,
            Trouble::Cut => &piece[..length / 2],
            Trouble::Gone => return Ok(()),
        };
        caller.write_all(arrives).await?;
        if trouble == Trouble::Cut {
            return Ok(());
        }
    }
}
