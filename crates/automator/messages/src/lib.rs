//! Messages to people: queued as rows, handed to SendGrid and Twilio by workers.
//!
//! Whoever wants something sent hands it to a [`Messenger`], under a key that makes it the same message however often it is handed
//! over. A worker claims it with a lease, hands it to its provider and writes down how that ended. Neither provider takes a key, so
//! a message goes out twice when its worker is killed, or cut off, between the provider's answer and our note of it; that window is
//! all that is left, and no message is lost in it.
//!
//! Tables: `messages`, and one of idempotency keys, which the owner names.

pub mod config;
mod outcome;
mod providers;
mod queue;
mod queued;
pub mod request;
pub mod sendgrid;
pub mod twilio;

pub use providers::Providers;
pub use queue::Messenger;
