//! Exercise 05.2: one deadline for the journey.
//!
//! Somebody waits for a page, and behind it one process asks the next. Who waits says for how long; each hop passes on what is
//! left of that, and nobody works for a caller who has gone. At the start each hop allows five seconds, whoever asks.
//!
//! A hop passes on all that is left, or up to 50 ms less: a margin for the answer's way back.
//!
//! ```text
//! ctx.remaining()                                  a Duration: how long the caller still waits; zero when it has gone
//! metadata.insert(GRPC_TIMEOUT, encode(left))      tells the next hop; a Duration, because clocks differ
//! decode(metadata)                                 Ok(Some(left)), Ok(None) where the caller does not say, Err(_) for nonsense
//! DEFAULT_TIMEOUT                                  what a caller gets that does not say, and what it gets at most
//! timeout_at(ctx.deadline, work).await             Ok(what work came to), or Err(_) at the deadline; it begins work even then
//! left.is_zero(), left.min(other)                  of a Duration; when nothing is left, the answer is Fault::DeadlineExceeded
//! ```

use std::time::Duration;

use chassis::{Ctx, Fault, ctx::DEFAULT_TIMEOUT};
use kit_05_grpc::{
    MetadataMap,
    timeout::{GRPC_TIMEOUT, decode, encode},
};
use tokio::time::timeout_at;

/// What each hop allows.
const HOP: Duration = Duration::from_secs(5);

/// Writes into `metadata` how long the next hop has. Whoever asks, and in which trace, is there already; so may be what an
/// earlier call was told, which no longer holds.
///
/// # Errors
/// [`Fault::DeadlineExceeded`] when nothing is left; then nobody is asked.
pub fn outgoing(ctx: &Ctx, metadata: &mut MetadataMap) -> Result<(), Fault> {
    let _ = ctx;
    metadata.insert(GRPC_TIMEOUT, encode(HOP));
    Ok(())
}

/// How long the caller of `metadata` has from now on.
///
/// # Errors
/// [`Fault::Invalid`] naming the header when it says nonsense.
pub fn incoming(metadata: &MetadataMap) -> Result<Duration, Fault> {
    let said = decode(metadata).map_err(|error| Fault::invalid(GRPC_TIMEOUT, error.to_string()))?;
    let _ = said;
    Ok(HOP)
}

/// Does `work` for the caller of `ctx`: what a server does itself, and what a client waits for.
///
/// # Errors
/// Those of `work`; [`Fault::DeadlineExceeded`] when the caller has gone, before or meanwhile.
pub async fn within<T, W>(ctx: &Ctx, work: W) -> Result<T, Fault>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let _ = ctx;
    tokio::time::timeout(HOP, work).await.unwrap_or(Err(Fault::DeadlineExceeded))
}
