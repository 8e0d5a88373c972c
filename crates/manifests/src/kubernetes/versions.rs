//! What becomes of a cluster that is given one version's manifests after the other's: fields that the API server never lets anybody
//! change.
//!
//! A model of `kubectl apply`: what is new is created, what is there is changed, unless its kind forbids that change. The whole of
//! what is refused stays as it was, and everything else goes on: a Deployment is at the new version, its migration is not.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::objects::{Objects, name};

/// What a cluster has of each object that must not change, by kind and name.
#[derive(Debug, Default)]
pub struct Cluster(BTreeMap<String, Value>);

impl Cluster {
    /// Applies `objects`; each that is refused, in the server's words.
    pub fn apply(&mut self, objects: &Objects) -> Vec<String> {
        let jobs = objects
            .jobs
            .iter()
            .map(|it| fixed("Job", &it.metadata, &it.spec, &["/template", "/selector", "/completions"]));
        let deployments =
            objects.deployments.iter().map(|it| fixed("Deployment", &it.metadata, &it.spec, &["/selector"]));
        let stateful_sets = objects.stateful_sets.iter().map(|it| {
            let fields = ["/selector", "/serviceName", "/volumeClaimTemplates", "/podManagementPolicy"];
            fixed("StatefulSet", &it.metadata, &it.spec, &fields)
        });
        let all = jobs.chain(deployments).chain(stateful_sets);
        all.filter_map(|(identity, fields)| {
            let there = self.0.entry(identity.clone()).or_insert_with(|| fields.clone());
            (*there != fields).then(|| format!("{identity}: field is immutable"))
        })
        .collect()
    }
}

/// Which object it is, and those `fields` of its specification that it keeps for life.
fn fixed(kind: &str, meta: &ObjectMeta, spec: &impl Serialize, fields: &[&str]) -> (String, Value) {
    let spec = serde_json::to_value(spec).unwrap_or_default();
    let kept = fields.iter().map(|field| spec.pointer(field).cloned().unwrap_or_default());
    (format!("{kind} {}", name(meta)), kept.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, image: &str) -> Objects {
        let text = format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{ name: {name} }}\n\
             spec: {{ template: {{ spec: {{ containers: [{{ name: a, image: {image} }}] }} }} }}"
        );
        Objects::parse("test", &text).expect("a job")
    }

    #[test]
    fn a_job_is_never_changed_and_one_of_another_name_is_another_job() {
        let mut cluster = Cluster::default();
        assert!(cluster.apply(&job("migrate", "a:1")).is_empty());
        assert!(cluster.apply(&job("migrate", "a:1")).is_empty(), "the same again is no change");
        assert_eq!(cluster.apply(&job("migrate", "a:2")), ["Job migrate: field is immutable"]);
        assert_eq!(cluster.apply(&job("migrate", "a:2")).len(), 1, "what was refused is not there");
        assert!(cluster.apply(&job("migrate-2", "a:2")).is_empty());
    }
}
