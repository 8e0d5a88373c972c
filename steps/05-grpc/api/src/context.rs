//! The context of a call, in its metadata: who asks, in which trace, and how long the caller still waits.

use chassis::{Ctx, ctx::REQUEST_TIMEOUT};
use step_02_contracts::Fault;
use tonic::metadata::MetadataMap;

use crate::pieces::deadline::{incoming, outgoing};

/// Writes `ctx` into the metadata of a call.
///
/// # Errors
/// [`Fault::DeadlineExceeded`] when nobody waits for the answer any more.
pub fn carry(ctx: &Ctx, metadata: &mut MetadataMap) -> Result<(), Fault> {
    let mut headers = ctx.headers();
    // gRPC has a header of its own for that.
    headers.remove(REQUEST_TIMEOUT);
    metadata.as_mut().extend(headers);
    outgoing(ctx, metadata)
}

/// The context that a call came with.
///
/// # Errors
/// [`Fault::Invalid`] naming the header that says nonsense.
pub fn received(metadata: &MetadataMap) -> Result<Ctx, Fault> {
    Ctx::of_request(metadata.as_ref(), incoming(metadata)?)
}
