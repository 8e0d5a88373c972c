//! A second upstream that does what a test says.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::tokio::time::sleep;
use kit_03_strangler::{
    Answer, Asker, Asking, Bytes, Offer, Unanswered,
    http::{HeaderMap, Method, StatusCode},
};

/// How long it stalls, when it does.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Answers at once.
    Answer(Answer),
    /// Answers after [`STALL`].
    Stall(Answer),
    /// Closes the connection.
    Die,
}

/// The second upstream.
pub(crate) struct Second {
    /// What it does, one after the other; the last for ever.
    script: Vec<Does>,
    asked: Mutex<Vec<(Method, String)>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Second {
    pub(crate) fn new(script: impl Into<Vec<Does>>) -> Self {
        Self {
            script: script.into(),
            asked: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        }
    }

    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<(Method, String)> {
        self.lock().clone()
    }

    /// How many requests it had at once, at most.
    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Method, String)>> {
        self.asked.lock().expect("nobody panics with it")
    }
}

impl Asker for Second {
    fn ask<'a>(&'a self, offer: &'a Offer) -> Asking<'a> {
        Box::pin(async {
            let _under_way = UnderWay::begin(self);
            let number = {
                let mut asked = self.lock();
                asked.push((offer.method.clone(), offer.path_and_query.clone()));
                asked.len() - 1
            };
            let last = self.script.len() - 1;
            match &self.script[number.min(last)] {
                Does::Answer(answer) => Ok(answer.clone()),
                Does::Stall(answer) => {
                    sleep(STALL).await;
                    Ok(answer.clone())
                }
                Does::Die => Err(Unanswered("connection refused".to_owned())),
            }
        })
    }
}

/// Counts a request for as long as it is under way.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begin(second: &'a Second) -> Self {
        let now = second.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        second.most_under_way.fetch_max(now, Ordering::Relaxed);
        Self(&second.under_way)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A list of tasks as Automator answers it.
pub(crate) fn tasks(text: &str) -> Answer {
    Answer {
        status: StatusCode::OK,
        content_type: Some("application/json".to_owned()),
        body: Bytes::copy_from_slice(text.as_bytes()),
    }
}

/// The client gets `answer` for a request with this method, and it is offered.
pub(crate) fn offer(method: Method, answer: Answer) -> Offer {
    Offer { method, path_and_query: "/api/tasks?limit=2".to_owned(), headers: HeaderMap::new(), answer }
}
