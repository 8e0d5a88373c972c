//! What gRPC needs beside its messages: the details of a failure as `google.rpc` has them ([`details`]), and the time that a
//! caller still gives ([`timeout`]). The exercises of step 05 are given both.

pub mod details;
pub mod timeout;

pub use tonic::{Code, Status, metadata::MetadataMap};
