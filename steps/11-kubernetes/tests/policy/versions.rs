//! One version's manifests applied after the other's.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use acceptance::tempfile::TempDir;
use manifests::{
    kubernetes::{objects::Objects, versions::Cluster},
    root, shipped,
};

use crate::clusters::built;

/// What the overlay is made of, from the root.
const PARTS: [&str; 5] = [
    "steps/11-kubernetes/k8s",
    "solutions/11-kubernetes",
    "steps/10-containers/postgres",
    "steps/07-events/kustomization.yaml",
    "steps/07-events/gateway.toml",
];

/// The same overlay of a repository in which the images have another tag.
fn tagged(tag: &str) -> Objects {
    let copy = TempDir::with_prefix("step-11-").unwrap();
    for part in PARTS {
        copy_all(&root().join(part), &copy.path().join(part)).unwrap();
    }
    let local = copy.path().join("steps/11-kubernetes/k8s/local/kustomization.yaml");
    let text = fs::read_to_string(&local).unwrap();
    fs::write(&local, text.replace("newTag: workshop", &format!("newTag: {tag}"))).unwrap();
    Objects::built(&copy.path().join("steps/11-kubernetes/k8s/overlays/kind")).unwrap()
}

fn copy_all(from: &Path, to: &PathBuf) -> io::Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        return fs::copy(from, to).map(drop);
    }
    for file in fs::read_dir(from)? {
        let file = file?;
        copy_all(&file.path(), &to.join(file.file_name()))?;
    }
    Ok(())
}

#[test]
fn the_next_version_is_taken_whole() {
    let Some(first) = built("kind") else { return };
    let (next, mut cluster) = (tagged("11.0.1"), Cluster::default());
    assert_eq!(cluster.apply(&first), [""; 0]);
    assert_eq!(cluster.apply(&first), [""; 0], "the same again");
    assert_eq!(cluster.apply(&next), [""; 0], "a new tag");
    let jobs: BTreeSet<_> = next.jobs.iter().filter_map(|job| job.metadata.name.clone()).collect();
    let wanted = shipped::migrations().map(|name| format!("{name}-11.0.1"));
    assert_eq!(jobs, wanted.collect(), "a migration of that version is a Job of its own");
    let labels = next.deployments[0].metadata.labels.clone().unwrap();
    assert_eq!(labels.get("app.kubernetes.io/version").map(String::as_str), Some("11.0.1"));
}

#[test]
fn a_migration_with_one_name_for_all_is_refused() {
    let Some(mut first) = built("kind") else { return };
    let (mut next, mut cluster) = (tagged("11.0.1"), Cluster::default());
    for objects in [&mut first, &mut next] {
        objects.jobs[0].metadata.name = Some("migrate-web".to_owned());
    }
    assert_eq!(cluster.apply(&first), [""; 0]);
    assert_eq!(cluster.apply(&next), ["Job migrate-web: field is immutable"]);
}
