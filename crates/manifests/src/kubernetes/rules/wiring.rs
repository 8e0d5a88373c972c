//! That what is named is there.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{PodSpec, Service},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::unless;
use crate::kubernetes::{
    edges::{NAMESPACE, matches},
    objects::{Objects, Workload, name},
};

/// Labels of the pods of `workload`.
fn labels(workload: Workload<'_>) -> BTreeMap<String, String> {
    workload.template.metadata.as_ref().and_then(|meta| meta.labels.clone()).unwrap_or_default()
}

/// The cluster itself enforces the standard.
pub(super) fn namespaces(objects: &Objects) -> Vec<String> {
    let restricted = objects.namespaces.iter().any(|namespace| {
        let labels = namespace.metadata.labels.as_ref();
        let enforced = labels.and_then(|it| it.get("pod-security.kubernetes.io/enforce"));
        name(&namespace.metadata) == NAMESPACE && enforced.is_some_and(|level| level == "restricted")
    });
    unless(restricted, || format!("namespace {NAMESPACE}")).into_iter().collect()
}

/// A workload whose selector does not select its own pods is refused, or makes pods without end.
pub(super) fn selectors(objects: &Objects) -> Vec<String> {
    let deployments =
        objects.deployments.iter().map(|it| (name(&it.metadata), &it.spec.selector, &it.spec.template));
    let stateful_sets =
        objects.stateful_sets.iter().map(|it| (name(&it.metadata), &it.spec.selector, &it.spec.template));
    deployments
        .chain(stateful_sets)
        .filter_map(|(place, selector, template)| {
            let labels = template.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
            unless(labels.is_some_and(|labels| matches(selector, labels)), || {
                format!("{place} does not select its own pods")
            })
        })
        .collect()
}

/// A Service without pods, or with a port that its pods do not have, answers nobody; so does a way in without a Service.
pub(super) fn services(objects: &Objects) -> Vec<String> {
    let services = objects.services.iter().flat_map(|service| unanswered(objects, service));
    let backends = objects.ingresses.iter().flat_map(|ingress| {
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        let paths = rules.filter_map(|rule| rule.http.as_ref()).flat_map(|http| &http.paths);
        paths.filter_map(|path| {
            let backend = path.backend.service.as_ref()?;
            let port = backend.port.as_ref();
            let there = objects.services.iter().any(|service| {
                let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
                name(&service.metadata) == backend.name
                    && ports.into_iter().any(|it| {
                        port.is_some_and(|port| {
                            port.number == Some(it.port) || (port.name.is_some() && port.name == it.name)
                        })
                    })
            });
            unless(there, || format!("the way in leads to {}, where nobody is", backend.name))
        })
    });
    services.chain(backends).collect()
}

fn unanswered(objects: &Objects, service: &Service) -> Vec<String> {
    let place = name(&service.metadata);
    let Some(spec) = &service.spec else { return vec![format!("{place} is empty")] };
    let selector = spec.selector.clone().unwrap_or_default();
    let selected = |workload: &Workload<'_>| {
        let labels = labels(*workload);
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let Some(behind) = objects.workloads().find(selected) else {
        return vec![format!("nobody is behind {place}")];
    };
    let ports: Vec<_> = behind
        .template
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .flat_map(|container| container.ports.iter().flatten())
        .collect();
    let answered = |target: &IntOrString| {
        ports.iter().any(|port| match target {
            IntOrString::Int(number) => port.container_port == *number,
            IntOrString::String(name) => port.name.as_ref() == Some(name),
        })
    };
    let wanted = spec.ports.iter().flatten();
    wanted
        .filter_map(|port| {
            let target = port.target_port.clone().unwrap_or(IntOrString::Int(port.port));
            unless(answered(&target), || format!("{place}: nobody listens at {target:?}"))
        })
        .collect()
}

/// Every ConfigMap and Secret that a pod wants is here. A cluster without Secrets here has them from elsewhere.
pub(super) fn settings(objects: &Objects) -> Vec<String> {
    objects
        .workloads()
        .flat_map(|workload| {
            let place = format!("{} {}", workload.kind, workload.name());
            let spec = workload.template.spec.as_ref();
            spec.map(|spec| missing(objects, spec))
                .unwrap_or_default()
                .into_iter()
                .map(move |what| format!("{place} wants {what}, which is not there"))
        })
        .collect()
}

fn missing(objects: &Objects, spec: &PodSpec) -> Vec<String> {
    let mut missing = Vec::new();
    let mut want_map = |map: &str| {
        if !objects.config_maps.iter().any(|it| name(&it.metadata) == map) {
            missing.push(format!("ConfigMap {map}"));
        }
    };
    for source in spec.containers.iter().flat_map(|container| container.env_from.iter().flatten()) {
        source.config_map_ref.iter().for_each(|it| want_map(&it.name));
    }
    for volume in spec.volumes.iter().flatten() {
        volume.config_map.iter().for_each(|it| want_map(&it.name));
    }
    if objects.secrets.is_empty() {
        return missing;
    }
    for source in spec.volumes.iter().flatten().filter_map(|volume| volume.secret.as_ref()) {
        let wanted = source.secret_name.as_deref().unwrap_or_default();
        let Some(secret) = objects.secrets.iter().find(|it| name(&it.metadata) == wanted) else {
            missing.push(format!("Secret {wanted}"));
            continue;
        };
        let has = |key: &str| {
            secret.data.iter().flatten().any(|(it, _)| it == key)
                || secret.string_data.iter().flatten().any(|(it, _)| it == key)
        };
        let keys = source.items.iter().flatten().map(|item| &item.key).filter(|key| !has(key));
        missing.extend(keys.map(|key| format!("key {key} of Secret {wanted}")));
    }
    missing
}

/// Each pod is restricted in both directions, and each policy is about somebody.
pub(super) fn policies(objects: &Objects) -> Vec<String> {
    let specs =
        || objects.network_policies.iter().filter_map(|it| Some((name(&it.metadata), it.spec.as_ref()?)));
    let about_nobody = specs().filter_map(|(place, spec)| {
        let somebody = objects
            .workloads()
            .any(|workload| spec.pod_selector.as_ref().is_none_or(|it| matches(it, &labels(workload))));
        unless(somebody, || format!("policy {place} is about nobody"))
    });
    let free = objects.workloads().flat_map(|workload| {
        let labels = labels(workload);
        ["Ingress", "Egress"].into_iter().filter_map(move |direction| {
            let restricted = specs().any(|(_, spec)| {
                spec.pod_selector.as_ref().is_none_or(|it| matches(it, &labels))
                    && spec.policy_types.iter().flatten().any(|it| it == direction)
            });
            unless(restricted, || format!("{} is free in {direction}", workload.name()))
        })
    });
    about_nobody.chain(free).collect()
}

/// What tools show and search by (kubernetes.io, *Recommended Labels*), on each workload and on its pods: what it is, and what it is
/// a part of.
pub(super) fn labels_of_tools(objects: &Objects) -> Vec<String> {
    const WANTED: [&str; 2] = ["app.kubernetes.io/name", "app.kubernetes.io/part-of"];
    objects
        .workloads()
        .flat_map(|workload| {
            let own = workload.meta.labels.clone().unwrap_or_default();
            [("itself", own), ("its pods", labels(workload))].into_iter().flat_map(move |(whose, labels)| {
                let missing = WANTED.into_iter().filter(move |key| !labels.contains_key(*key));
                missing.map(move |key| format!("{} lacks {key} on {whose}", workload.name()))
            })
        })
        .collect()
}
