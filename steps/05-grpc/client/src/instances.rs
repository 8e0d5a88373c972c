//! Several instances of the same service, asked in turn.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};

use crate::Misconfigured;

/// How long a connection may take to be made. An instance is near, or it is not there.
const CONNECT: Duration = Duration::from_secs(1);

/// How often a connection is asked whether it still is one, also while nobody uses it; and how long the answer may take. A
/// process that hangs keeps its connection: without this it would be asked for ever.
const PING: Duration = Duration::from_secs(5);
const PONG: Duration = Duration::from_secs(2);

/// How long an instance that could not be reached is asked last.
const AWAY: Duration = Duration::from_secs(1);

/// How long one is asked last that left somebody waiting, and what counts as waiting: who hangs up at once says nothing about
/// it. Each of its callers has lost their time, so this is longer (pattern: *Outlier ejection*, the smallest there is).
const SILENT: Duration = Duration::from_secs(5);
const WAITED: Duration = Duration::from_millis(250);

/// The instances. Clones share them.
#[derive(Clone)]
pub(crate) struct Instances {
    all: Arc<[Instance]>,
    next: Arc<AtomicUsize>,
}

/// An instance, with its connection: made when it is needed, and made again when it is gone.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) channel: Channel,
    last_until: Arc<Mutex<Option<Instant>>>,
}

/// Somebody waits for an instance's answer. Dropped before [`Waiting::end`], they have given up.
pub(crate) struct Waiting<'a> {
    since: Instant,
    /// `None` when the answer is there.
    on: Option<&'a Instance>,
}

impl Instances {
    pub(crate) fn new(urls: &[impl AsRef<str>]) -> Result<Self, Misconfigured> {
        if urls.is_empty() {
            return Err(Misconfigured::Nobody);
        }
        let all = urls.iter().map(|url| Instance::new(url.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { all, next: Arc::default() })
    }

    /// All of them, each call's first the one after the last call's first; those that were away or silent a moment ago come last.
    pub(crate) fn in_turn(&self) -> Vec<Instance> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        let mut turn: Vec<_> = self.all[first..].iter().chain(&self.all[..first]).cloned().collect();
        turn.sort_by_key(Instance::is_last);
        turn
    }
}

impl Instance {
    fn new(url: &str) -> Result<Self, Misconfigured> {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .ok()
            .filter(|endpoint| endpoint.uri().scheme_str() == Some("http") && endpoint.uri().host().is_some())
            .ok_or_else(|| Misconfigured::Address(url.to_owned()))?;
        let channel = endpoint
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true)
            .connect_lazy();
        Ok(Self { channel, last_until: Arc::default() })
    }

    /// Begins to wait for it.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        Waiting { since: Instant::now(), on: Some(self) }
    }

    /// Says that it could not be reached.
    pub(crate) fn was_not_there(&self) {
        self.comes_last(AWAY);
    }

    /// Says that somebody waited in vain.
    pub(crate) fn did_not_answer(&self) {
        self.comes_last(SILENT);
    }

    fn comes_last(&self, time: Duration) {
        *self.last_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }

    fn is_last(&self) -> bool {
        let until = *self.last_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}

impl Waiting<'_> {
    /// Says that there is an answer.
    pub(crate) fn end(mut self) {
        self.on = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(instance) = self.on
            && self.since.elapsed() >= WAITED
        {
            instance.did_not_answer();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_gave_up_after_a_while_says_something_and_who_hangs_up_at_once_does_not() {
        let instances = Instances::new(&["http://127.0.0.1:1"]).unwrap();
        let instance = &instances.all[0];
        for (waited, is_last) in [(WAITED / 2, false), (WAITED, true)] {
            let waiting = instance.wait();
            advance(waited).await;
            drop(waiting);
            assert_eq!(instance.is_last(), is_last, "{waited:?}");
        }
        advance(SILENT).await;
        assert!(!instance.is_last(), "not for ever");
        let waiting = instance.wait();
        advance(WAITED * 2).await;
        waiting.end();
        assert!(!instance.is_last(), "a slow answer is one");
    }
}
