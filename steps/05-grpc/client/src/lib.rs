//! backlog's port at the other end of gRPC (pattern: *Adapter*). Whoever holds it as an `Arc<dyn Backlog>` need not
//! know.
//!
//! A call goes to one of several instances, in turn ([`instances`]), with the time that its caller still has; it ends
//! by then, whatever becomes of it ([`call`]). What was certainly never taken is sent again, to the next instance or
//! to the same; what may have arrived is not.

mod call;
pub mod config;
mod instances;
mod port;

use chassis::auth::Secret;
use tonic::metadata::{Ascii, MetadataValue};

use self::instances::Instances;

/// How the service is called in faults.
const NAME: &str = "backlog";

/// backlog, wherever it is.
#[derive(Clone)]
pub struct GrpcBacklog {
    instances: Instances,
    /// `Bearer …`, marked so that nothing prints it.
    authorization: MetadataValue<Ascii>,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// Nobody to ask.
    #[error("no instance of backlog is named")]
    Nobody,
    /// Not an address.
    #[error("{0} is no address of an instance of backlog")]
    Address(String),
}

impl GrpcBacklog {
    /// A client of the instances at `urls`, `http://host:port`, that shows `token`. It connects when there is
    /// something to ask.
    ///
    /// # Errors
    /// No URL, or one that is none.
    pub fn new(urls: &[impl AsRef<str>], token: &Secret) -> Result<Self, Misconfigured> {
        let bearer = format!("Bearer {}", token.expose());
        // A secret is printable ASCII.
        let mut authorization =
            MetadataValue::try_from(bearer).unwrap_or_else(|_| MetadataValue::from_static(""));
        authorization.set_sensitive(true);
        Ok(Self { instances: Instances::new(urls)?, authorization })
    }
}
