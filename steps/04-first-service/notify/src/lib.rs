//! Messages to people, as a service of their own: the module of step 02 behind HTTP.
//!
//! Clients find the routes that they always had. Other services of ours ask [`internal`], with a token that no client has.
//! [`app`] puts it together; the queue, the workers and the providers are the module's, and came along with it.

pub mod app;
pub mod config;
pub mod internal;
