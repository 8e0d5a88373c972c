//! What the API server refuses although every field exists: values that its validation does not take. Only for what learners write.

use std::any::Any;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{PodSpec, Probe},
        networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

/// Why the server would not take `object`.
pub(super) fn refuses(object: &dyn Any) -> Option<String> {
    if let Some(deployment) = object.downcast_ref::<Deployment>() {
        return deployment.spec.template.spec.as_ref().and_then(pod);
    }
    object.downcast_ref::<NetworkPolicy>().and_then(policy)
}

fn pod(spec: &PodSpec) -> Option<String> {
    spec.containers.iter().find_map(|container| {
        let probes = [
            ("startupProbe", &container.startup_probe, true),
            ("livenessProbe", &container.liveness_probe, true),
            ("readinessProbe", &container.readiness_probe, false),
        ];
        let asked =
            probes.into_iter().filter_map(|(name, given, restarts)| Some((name, given.as_ref()?, restarts)));
        asked
            .filter_map(|(name, given, restarts)| Some(format!("{name}: {}", probe(given, restarts)?)))
            .next()
    })
}

/// `restarts`: it is one whose failure ends the container.
fn probe(probe: &Probe, restarts: bool) -> Option<String> {
    let handlers =
        [probe.http_get.is_some(), probe.exec.is_some(), probe.tcp_socket.is_some(), probe.grpc.is_some()];
    if handlers.into_iter().filter(|is| *is).count() != 1 {
        return Some("it has to ask in exactly one way, by httpGet say".to_owned());
    }
    let least = [
        ("periodSeconds", probe.period_seconds, 1),
        ("timeoutSeconds", probe.timeout_seconds, 1),
        ("failureThreshold", probe.failure_threshold, 1),
        ("successThreshold", probe.success_threshold, 1),
        ("initialDelaySeconds", probe.initial_delay_seconds, 0),
    ];
    for (field, value, least) in least {
        if let Some(value) = value.filter(|value| *value < least) {
            return Some(format!("{field} is {value}, and has to be at least {least}"));
        }
    }
    if restarts && probe.success_threshold.is_some_and(|it| it != 1) {
        return Some(
            "successThreshold has to be 1 here: only readiness may want several right answers".to_owned(),
        );
    }
    let grace = probe.termination_grace_period_seconds.is_some();
    (grace && !restarts).then(|| "it restarts nobody, so it has no terminationGracePeriodSeconds".to_owned())
}

fn policy(policy: &NetworkPolicy) -> Option<String> {
    let spec = policy.spec.as_ref()?;
    let mut types = spec.policy_types.iter().flatten();
    if let Some(other) = types.find(|it| !["Ingress", "Egress"].contains(&it.as_str())) {
        return Some(format!("policyTypes has {other}; there are Ingress and Egress"));
    }
    let ingress = spec.ingress.iter().flatten().map(|rule| (&rule.from, &rule.ports));
    let egress = spec.egress.iter().flatten().map(|rule| (&rule.to, &rule.ports));
    let peers = || ingress.clone().chain(egress.clone()).flat_map(|(peers, _)| peers.iter().flatten());
    let mut ports = ingress.clone().chain(egress.clone()).flat_map(|(_, ports)| ports.iter().flatten());
    let own = spec.pod_selector.iter();
    let mut selectors =
        own.chain(peers().flat_map(|peer| peer.pod_selector.iter().chain(&peer.namespace_selector)));
    peers().find_map(peer).or_else(|| ports.find_map(port)).or_else(|| selectors.find_map(selector))
}

fn peer(peer: &NetworkPolicyPeer) -> Option<String> {
    let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
    match (selects, peer.ip_block.is_some()) {
        (false, false) => Some("an item of from or to names nobody".to_owned()),
        (true, true) => Some("an ipBlock stands alone in its item".to_owned()),
        _ => None,
    }
}

fn port(port: &NetworkPolicyPort) -> Option<String> {
    let valid = |number: i32| (1..=65_535).contains(&number);
    match &port.port {
        Some(IntOrString::Int(number)) if !valid(*number) => Some(format!("{number} is no port")),
        Some(IntOrString::String(name)) if !name.chars().any(|it| it.is_ascii_lowercase()) => Some(format!(
            "port {name:?} is taken for the name of a port, and a name has a letter; a number has no quotes"
        )),
        _ => port
            .protocol
            .as_deref()
            .filter(|it| !["TCP", "UDP", "SCTP"].contains(it))
            .map(|other| format!("protocol {other}; there are TCP, UDP and SCTP")),
    }
}

fn selector(selector: &LabelSelector) -> Option<String> {
    selector.match_expressions.iter().flatten().find_map(|it| {
        let values = it.values.as_ref().is_some_and(|values| !values.is_empty());
        match it.operator.as_str() {
            "In" | "NotIn" => {
                (!values).then(|| format!("{} {} nothing: it wants values", it.key, it.operator))
            }
            "Exists" | "DoesNotExist" => values.then(|| format!("{} wants no values", it.operator)),
            other => Some(format!("{other:?} is no operator; there are In, NotIn, Exists and DoesNotExist")),
        }
    })
}
