//! One call: with the time that is left, to an instance that is there.

use std::{error::Error, time::Duration};

use step_02_contracts::{Ctx, Fault};
use step_05_api::{
    LONGEST_MESSAGE, context,
    pieces::{deadline::within, status::fault},
    v1::backlog_client::BacklogClient,
};
use tokio::time::{Instant, sleep};
use tonic::{Code, ConnectError, Request, Response, Status, TimeoutExpired, transport::Channel};

use crate::{GrpcBacklog, NAME};

/// How often all instances are asked while nothing can be sent to any, and how long to wait before that: behind one
/// address may be several, and one that leaves is replaced.
const ROUNDS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// How long a round may have taken that is followed by another: whoever does not even refuse has cost enough.
const QUICK: Duration = Duration::from_millis(500);

impl GrpcBacklog {
    /// Asks one instance, or the next where nothing could be sent to that one. Ends when the caller of `ctx` stops waiting.
    /// `ask` is one of the client's methods.
    pub(crate) async fn call<Q, A, W>(
        &self,
        ctx: &Ctx,
        message: Q,
        ask: impl Fn(BacklogClient<Channel>, Request<Q>) -> W + Send + 'static,
    ) -> Result<A, Fault>
    where
        Q: Clone + Send + Sync + 'static,
        A: Send + 'static,
        W: Future<Output = Result<Response<A>, Status>> + Send,
    {
        let (this, of) = (self.clone(), ctx.clone());
        let asked = async move {
            for round in 0..ROUNDS {
                sleep(PAUSE * round).await;
                let begun = Instant::now();
                for instance in this.instances.in_turn() {
                    let request = this.request(&of, message.clone())?;
                    let client = BacklogClient::new(instance.channel.clone());
                    let waiting = instance.wait();
                    let answer = ask(client.max_decoding_message_size(LONGEST_MESSAGE), request).await;
                    // A time that is up there is up here: nothing but luck decides who says so first.
                    if !matches!(&answer, Err(status) if status.code() == Code::DeadlineExceeded) {
                        waiting.end();
                    }
                    match answer {
                        Err(status) if caused_by::<ConnectError>(&status).is_some() => {
                            instance.was_not_there();
                        }
                        Err(status) if was_never_taken(&status) => {
                            tracing::debug!(%status, "{NAME} leaves; the call is sent again");
                        }
                        Err(status) => {
                            // Made on this side: the connection broke under it.
                            if status.source().is_some() {
                                instance.did_not_answer();
                            }
                            return Err(failed(&status));
                        }
                        Ok(answer) => return Ok(answer.into_inner()),
                    }
                }
                if begun.elapsed() > QUICK {
                    break;
                }
            }
            Err(Fault::Unavailable(NAME.to_owned()))
        };
        within(ctx, asked).await
    }

    fn request<Q>(&self, ctx: &Ctx, message: Q) -> Result<Request<Q>, Fault> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        context::carry(ctx, metadata)?;
        Ok(request)
    }
}

/// What a status means. One with a source was made here, by what should have carried the answer: nobody knows whether the
/// call arrived.
fn failed(status: &Status) -> Fault {
    if status.source().is_none() {
        return fault(status);
    }
    if caused_by::<TimeoutExpired>(status).is_some() {
        return Fault::DeadlineExceeded;
    }
    tracing::warn!(%status, "{NAME} did not answer");
    Fault::Unavailable(NAME.to_owned())
}

/// Whether it is certain that nobody has begun with the call, so that sending it again does nothing twice: it was
/// still here when its connection closed, or the server has said that it does not take it (RFC 9113, sections 6.8 and
/// 8.7).
fn was_never_taken(status: &Status) -> bool {
    caused_by::<hyper::Error>(status).is_some_and(hyper::Error::is_canceled)
        || caused_by::<h2::Error>(status).is_some_and(|error| {
            error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        })
}

/// The `E` that caused it.
fn caused_by<E: Error + 'static>(status: &Status) -> Option<&E> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        source = error.source();
    }
    None
}
