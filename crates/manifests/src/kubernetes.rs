//! What the manifests of step 11 promise, read from the manifests themselves. No cluster is asked.
//!
//! [`objects`] reads them, typed and strictly; [`rules`] says what each has to have; [`edges`] evaluates the NetworkPolicies; [`kubelet`] plays
//! what becomes of one pod under its probes.

mod admission;
pub mod edges;
pub mod kubelet;
pub mod objects;
pub mod rules;
mod strict;
pub mod versions;
