//! Where the files of the exercises lie: ours, or with a feature `mine-…` the learner's.

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Without `..`: an engine's client would show it so.
    root.canonicalize().unwrap_or(root)
}

/// The Dockerfile that is looked at.
#[must_use]
pub fn dockerfile() -> PathBuf {
    if cfg!(feature = "mine-10-1") {
        root().join("exercises/10-containers/Dockerfile")
    } else {
        root().join("Dockerfile")
    }
}

/// The composition that is looked at.
#[must_use]
pub fn composition() -> PathBuf {
    let mine = root().join("exercises/10-containers/docker-compose.yml");
    if cfg!(feature = "mine-10-2") { mine } else { root().join("docker-compose.yml") }
}
