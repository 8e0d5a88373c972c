//! One call: with the time that is left, to an instance that is there.

use std::error::Error;

use step_02_contracts::{Ctx, Fault};
use step_05_api::{
    LONGEST_MESSAGE, context,
    pieces::{deadline::within, status::fault},
    v1::backlog_client::BacklogClient,
};
use tonic::{Code, ConnectError, Request, Response, Status, TimeoutExpired, transport::Channel};

use crate::{GrpcBacklog, NAME};

impl GrpcBacklog {
    /// Asks one instance, or the next where that one is not there. Ends when the caller of `ctx` stops waiting.
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
                    // Nothing was sent, so asking somebody else does nothing twice.
                    Err(status) if is_of::<ConnectError>(&status) => instance.was_not_there(),
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
    if is_of::<TimeoutExpired>(status) {
        return Fault::DeadlineExceeded;
    }
    tracing::warn!(%status, "{NAME} did not answer");
    Fault::Unavailable(NAME.to_owned())
}

/// Whether an `E` caused it.
fn is_of<E: Error + 'static>(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<E>() {
            return true;
        }
        source = error.source();
    }
    false
}
