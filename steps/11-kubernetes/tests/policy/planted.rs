//! Each rule against manifests with one thing wrong: that rule finds it.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, EnvVar, PodSpec, Probe},
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use manifests::kubernetes::{
    objects::Objects,
    rules::{RULES, violations},
};

use crate::clusters::built;

/// What is wrong, which rule finds it, and how it is planted.
type Planted = (&'static str, &'static str, fn(&mut Objects));

fn pod(objects: &mut Objects) -> &mut PodSpec {
    objects.deployments.iter_mut().find_map(|it| it.spec.template.spec.as_mut()).unwrap()
}

fn container(objects: &mut Objects) -> &mut Container {
    &mut pod(objects).containers[0]
}

fn path(probe: &mut Option<Probe>, path: &str) {
    probe.as_mut().unwrap().http_get.as_mut().unwrap().path = Some(path.to_owned());
}

fn memory(quantity: &str) -> BTreeMap<String, Quantity> {
    [("memory".to_owned(), Quantity(quantity.to_owned()))].into()
}

const PLANTED: &[Planted] = &[
    ("no tag", "a version for each image", |it| container(it).image = Some("automator/x".to_owned())),
    ("latest", "a version for each image", |it| container(it).image = Some("reg:5000/x:latest".to_owned())),
    ("no startup probe", "three probes, with numbers of their own", |it| container(it).startup_probe = None),
    ("liveness asks the database", "three probes, with numbers of their own", |it| {
        path(&mut container(it).liveness_probe, "/health/ready");
    }),
    ("readiness is always right", "three probes, with numbers of their own", |it| {
        path(&mut container(it).readiness_probe, "/health/live");
    }),
    ("the same numbers", "three probes, with numbers of their own", |it| {
        let container = container(it);
        let numbers = container.liveness_probe.clone().unwrap();
        let readiness = container.readiness_probe.as_mut().unwrap();
        (readiness.period_seconds, readiness.failure_threshold) =
            (numbers.period_seconds, numbers.failure_threshold);
    }),
    ("a port of nobody", "three probes, with numbers of their own", |it| {
        let get = container(it).liveness_probe.as_mut().unwrap().http_get.as_mut().unwrap();
        get.port = IntOrString::String("admin".to_owned());
    }),
    ("no limit", "memory and CPU asked for, memory bounded", |it| {
        container(it).resources.as_mut().unwrap().limits = None;
    }),
    ("less than asked for", "memory and CPU asked for, memory bounded", |it| {
        container(it).resources.as_mut().unwrap().limits = Some(memory("1Mi"));
    }),
    ("no CPU asked for", "memory and CPU asked for, memory bounded", |it| {
        container(it).resources.as_mut().unwrap().requests = Some(memory("1Mi"));
    }),
    ("root", "nothing that a pod could do and need not", |it| {
        pod(it).security_context.as_mut().unwrap().run_as_user = Some(0);
    }),
    ("root in the container", "nothing that a pod could do and need not", |it| {
        container(it).security_context.as_mut().unwrap().run_as_user = Some(0);
    }),
    ("a root that can be written", "nothing that a pod could do and need not", |it| {
        container(it).security_context.as_mut().unwrap().read_only_root_filesystem = None;
    }),
    ("capabilities", "nothing that a pod could do and need not", |it| {
        container(it).security_context.as_mut().unwrap().capabilities = None;
    }),
    ("the machine's network", "nothing that a pod could do and need not", |it| {
        pod(it).host_network = Some(true);
    }),
    ("no seccomp", "nothing that a pod could do and need not", |it| {
        pod(it).security_context.as_mut().unwrap().seccomp_profile = None;
    }),
    ("the default account", "no token of the cluster in a pod", |it| pod(it).service_account_name = None),
    ("a token", "no token of the cluster in a pod", |it| pod(it).automount_service_account_token = None),
    ("a password in a variable", "no secret in the environment", |it| {
        let variable = EnvVar { name: "DATABASE_URL".to_owned(), ..EnvVar::default() };
        container(it).env.get_or_insert_default().push(variable);
    }),
    ("a token in a ConfigMap", "no secret in the environment", |it| {
        it.config_maps[0].data.get_or_insert_default().insert("SERVICE_TOKEN".to_owned(), "x".to_owned());
    }),
    ("five seconds", "time for an end", |it| pod(it).termination_grace_period_seconds = Some(5)),
    ("serving on for a minute", "time for an end", |it| {
        it.config_maps[0].data.get_or_insert_default().insert("SERVE_ON_SECONDS".to_owned(), "60".to_owned());
    }),
    ("a shell", "time for an end", |it| {
        container(it).lifecycle.as_mut().unwrap().pre_stop.as_mut().unwrap().sleep = None;
    }),
    ("one may be away", "a new pod ready before an old one goes", |it| {
        let rolling = it.deployments[0].spec.strategy.as_mut().unwrap().rolling_update.as_mut().unwrap();
        rolling.max_unavailable = Some(IntOrString::Int(1));
    }),
    ("nobody may go", "a budget that lets a machine be emptied", |it| {
        it.disruption_budgets[0].spec.as_mut().unwrap().max_unavailable = Some(IntOrString::Int(0));
    }),
    ("both may go", "a budget that lets a machine be emptied", |it| {
        it.disruption_budgets[0].spec.as_mut().unwrap().max_unavailable = Some(IntOrString::Int(2));
    }),
    ("about nobody", "a budget that lets a machine be emptied", |it| {
        let selector = it.disruption_budgets[0].spec.as_mut().unwrap().selector.as_mut().unwrap();
        selector.match_labels = Some([("app".to_owned(), "x".to_owned())].into());
    }),
    ("a number of its own", "one who decides how many there are", |it| {
        it.deployments[0].spec.replicas = Some(2);
    }),
    ("scales what is gone", "one who decides how many there are", |it| {
        it.autoscalers[0].spec.scale_target_ref.name = "x".to_owned();
    }),
    ("anything goes", "a namespace that refuses what is not restricted", |it| {
        it.namespaces[0].metadata.labels = None;
    }),
    ("another label", "selectors that select", |it| {
        let labels = [("app".to_owned(), "x".to_owned())];
        it.deployments[0].spec.selector.match_labels = Some(labels.into());
    }),
    ("nobody behind", "somebody behind each name and port", |it| {
        let selector = [("app".to_owned(), "x".to_owned())];
        it.services[0].spec.as_mut().unwrap().selector = Some(selector.into());
    }),
    ("a port of nobody", "somebody behind each name and port", |it| {
        let ports = it.services[0].spec.as_mut().unwrap().ports.as_mut().unwrap();
        ports[0].target_port = Some(IntOrString::String("x".to_owned()));
    }),
    ("a way to nobody", "somebody behind each name and port", |it| {
        it.services.retain(|service| service.metadata.name.as_deref() != Some("gateway"));
    }),
    ("no settings", "settings that are there", |it| it.config_maps.clear()),
    ("no such key", "settings that are there", |it| it.secrets[0].data = Some(BTreeMap::new())),
    ("more replicas than connections", "connections for everybody, and memory for them", |it| {
        it.autoscalers.iter_mut().for_each(|autoscaler| autoscaler.spec.max_replicas = 8);
    }),
    ("more connections than memory", "connections for everybody, and memory for them", |it| {
        let container = &mut it.stateful_sets[0].spec.template.spec.as_mut().unwrap().containers[0];
        container.resources.as_mut().unwrap().limits = Some(memory("256Mi"));
    }),
    ("PostgreSQL as it comes", "connections for everybody, and memory for them", |it| {
        it.stateful_sets[0].spec.template.spec.as_mut().unwrap().containers[0].args = None;
    }),
    ("no label for tools", "labels that tools know", |it| it.deployments[0].metadata.labels = None),
    ("a free pod", "a policy about each pod", |it| {
        it.network_policies.retain(|policy| policy.metadata.name.as_deref() != Some("nobody"));
    }),
    ("a policy about nobody", "a policy about each pod", |it| {
        let spec = it.network_policies.iter_mut().find_map(|it| it.spec.as_mut()).unwrap();
        let labels = [("app".to_owned(), "x".to_owned())];
        spec.pod_selector.get_or_insert_default().match_labels = Some(labels.into());
    }),
];

#[test]
fn each_rule_finds_what_is_planted() {
    let Some(ours) = built("kind") else { return };
    for (what, rule, plant) in PLANTED {
        let mut objects = ours.clone();
        plant(&mut objects);
        let found = violations(&objects);
        assert!(
            found.iter().any(|violation| violation.starts_with(&format!("{rule}: "))),
            "{what}: {rule} has not found it. Found: {found:?}"
        );
    }
    for rule in RULES {
        assert!(
            PLANTED.iter().any(|(_, name, _)| *name == rule.name),
            "nothing is planted for {}",
            rule.name
        );
    }
}
