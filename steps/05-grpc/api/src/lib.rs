//! `automator.backlog.v1`: what backlog says over gRPC. The messages ([`v1`]) come from `steps/05-grpc/proto`; the rest is what
//! they mean, in the words of the contracts, there and back.
//!
//! Writing cannot fail. Reading can: a field may be missing that has to be there, or hold a value of an enum that came later.
//! Then it is [`Fault::Invalid`], naming the field, and never another value in its place. A server hands that on to the
//! caller; for a client it means that the server is broken or newer than the client: see [`answer`].

pub mod context;
mod enums;
mod event;
mod fields;
mod history;
mod item;
mod key;
mod page;
pub mod pieces;
mod query;
mod rule;
mod task;
mod update;
mod workload;

pub use event::{LONGEST_MESSAGE, batches};
pub use fields::{answer, id, text};

use step_02_contracts::Fault;
// Part of what is offered, so that whoever calls or serves needs no version of its own.
pub use {prost, prost_types, tonic, uuid::Uuid};

/// The messages, the client and the server, as they are generated.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("automator.backlog.v1");
}

/// What the service speaks, for whoever asks: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/backlog.bin"));

/// What reading a message may end in.
type Read<T> = Result<T, Fault>;
