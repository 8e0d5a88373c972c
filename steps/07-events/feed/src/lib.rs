//! The feed as a small process of its own: services append messages, and read them in one order that never changes.
//!
//! It is what one has instead of a broker as long as one database can do it. It knows what it must of each message (its id and its
//! kind) and keeps the rest as it came; it does not know its readers, who keep their positions beside their effects.
//! At work this is NATS JetStream, Kafka, or a queue that a cloud sells.

pub mod app;
pub mod config;
pub mod log;
pub mod routes;
