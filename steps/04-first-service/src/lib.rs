//! Step 04: messages leave the monolith, as the service in `notify/`, over HTTP.
//!
//! What is left is step 02's monolith with another [`Notify`](step_02_contracts::Notify) in its hands: [`app`] gives it the
//! adapter of `client/` where `NOTIFY_URL` says so, and the module in the process as before where it does not. No caller was
//! changed. Store and forward keeps digests while the service is away.

pub mod app;
pub mod config;
pub mod processes;
