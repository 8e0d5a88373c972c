//! backlog at the other end of gRPC, in one process: the real client, the real server, and a backlog that answers as it is
//! told. What happens to real processes is another test's.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod compatible;
mod fake;
mod generic;
mod gone;
mod instances;
mod published;
mod reflected;
mod sample;
mod schema;
mod server;
mod there_and_back;
mod token;
