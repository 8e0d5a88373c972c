//! Step 10: the system of step 07 in containers. What is new is no Rust, so all there is here is which files are looked at: ours,
//! or with a feature `mine-…` the learner's.

use std::path::PathBuf;

use manifests::root;

/// The Dockerfile.
#[must_use]
pub fn dockerfile() -> PathBuf {
    root().join(if cfg!(feature = "mine-10-1") { "exercises/10-containers/Dockerfile" } else { "Dockerfile" })
}

/// The composition.
#[must_use]
pub fn compose_file() -> PathBuf {
    let mine = "exercises/10-containers/docker-compose.yml";
    root().join(if cfg!(feature = "mine-10-2") { mine } else { "docker-compose.yml" })
}
