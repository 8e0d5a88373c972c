//! Who may speak with whom: what the NetworkPolicies let through, and what `system.toml` declares.
//!
//! The rules are those of the API `networking.k8s.io/v1`: a pod that no policy selects for a direction may do everything in it;
//! one that is selected may do what any of its policies allows. A connection needs the caller's egress and the callee's ingress.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use harness::Definition;
use ipnet::IpNet;
use k8s_openapi::{
    api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::objects::Objects;

/// The namespace of everything here.
pub const NAMESPACE: &str = "automator";
/// Where the database is reached, in the cluster that has one.
pub const DATABASE: (&str, u16) = ("postgres", 5432);

/// Who is GitHub, in the cluster that has it.
const GITHUB: &str = "simulators";

/// From whom, to whom, and to which TCP port.
pub type Edge = (String, String, u16);

type Labels = BTreeMap<String, String>;

/// One end of a connection.
#[derive(Debug, Clone)]
pub enum End {
    /// A pod.
    Pod(Pod),
    /// An address outside of the cluster.
    Outside(IpAddr),
}

/// A pod, as policies see it.
#[derive(Debug, Clone)]
pub struct Pod {
    /// What we call it.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: Labels,
    /// The TCP ports that it listens on, with their names.
    pub ports: BTreeMap<String, u16>,
}

/// A direction, as seen from the pod that a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }
}

/// One of each kind of pod that `objects` make.
#[must_use]
pub fn pods(objects: &Objects) -> Vec<Pod> {
    let pod = |workload: super::objects::Workload<'_>| {
        let template = workload.template;
        let containers = template.spec.iter().flat_map(|spec| &spec.containers);
        let ports = containers.flat_map(|container| container.ports.iter().flatten());
        Pod {
            name: workload.process().to_owned(),
            namespace: NAMESPACE.to_owned(),
            labels: template.metadata.as_ref().and_then(|meta| meta.labels.clone()).unwrap_or_default(),
            ports: ports
                .filter_map(|port| Some((port.name.clone()?, u16::try_from(port.container_port).ok()?)))
                .collect(),
        }
    };
    objects.workloads().map(pod).collect()
}

/// Every edge between the pods of `objects` that their policies let through.
#[must_use]
pub fn allowed(objects: &Objects) -> BTreeSet<Edge> {
    let pods = pods(objects);
    let mut edges = BTreeSet::new();
    for caller in &pods {
        for callee in pods.iter().filter(|callee| callee.name != caller.name) {
            for &port in callee.ports.values() {
                if passes(objects, &End::Pod(caller.clone()), &End::Pod(callee.clone()), port, "TCP") {
                    edges.insert((caller.name.clone(), callee.name.clone(), port));
                }
            }
        }
    }
    edges
}

/// Every edge that the processes of `system` declare: who is told an address asks there. GitHub is told where to send webhooks
/// too, on a page of its own: to the front.
#[must_use]
pub fn declared(system: &Definition) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    for process in &system.processes {
        for asked in process.asks() {
            let port = system.process(asked).and_then(|asked| asked.port);
            edges.extend(port.map(|port| (process.name.clone(), asked.to_owned(), port)));
        }
        if process.has_database() {
            edges.insert((process.name.clone(), DATABASE.0.to_owned(), DATABASE.1));
        }
    }
    let front = system.process(&system.front).and_then(|front| front.port);
    edges.extend(front.map(|port| (GITHUB.to_owned(), system.front.clone(), port)));
    edges
}

/// Whether `from` may open a connection to `port` of `to`.
#[must_use]
pub fn passes(objects: &Objects, from: &End, to: &End, port: u16, protocol: &str) -> bool {
    leaves(objects, from, to, port, protocol) && enters(objects, from, to, port, protocol)
}

/// Whether the caller's side lets it out.
#[must_use]
pub fn leaves(objects: &Objects, from: &End, to: &End, port: u16, protocol: &str) -> bool {
    match from {
        End::Pod(pod) => may(objects, Direction::Egress, pod, to, to, port, protocol),
        End::Outside(_) => true,
    }
}

/// Whether the callee's side lets it in.
#[must_use]
pub fn enters(objects: &Objects, from: &End, to: &End, port: u16, protocol: &str) -> bool {
    match to {
        End::Pod(pod) => may(objects, Direction::Ingress, pod, from, to, port, protocol),
        End::Outside(_) => true,
    }
}

/// Whether the policies about `pod` allow the other `end` in that direction. `callee` has the port.
fn may(
    objects: &Objects,
    direction: Direction,
    pod: &Pod,
    end: &End,
    callee: &End,
    port: u16,
    protocol: &str,
) -> bool {
    let about = |policy: &&NetworkPolicy| is_about(policy, direction, pod);
    let mut policies = objects.network_policies.iter().filter(about).peekable();
    if policies.peek().is_none() {
        return true;
    }
    policies.any(|policy| {
        rules(policy, direction).iter().any(|(peers, ports)| {
            (peers.is_empty() || peers.iter().any(|peer| is_peer(peer, end)))
                && (ports.is_empty() || ports.iter().any(|it| is_port(it, callee, port, protocol)))
        })
    })
}

/// Whether `policy` restricts `pod` in that direction. Pods of other namespaces are not ours to restrict.
fn is_about(policy: &NetworkPolicy, direction: Direction, pod: &Pod) -> bool {
    let Some(spec) = &policy.spec else { return false };
    let directed = match &spec.policy_types {
        Some(types) => types.iter().any(|it| it == direction.name()),
        // The API's defaults: always ingress, and egress where there is a list of it.
        None => direction == Direction::Ingress || spec.egress.is_some(),
    };
    let selects = spec.pod_selector.as_ref().is_none_or(|selector| matches(selector, &pod.labels));
    pod.namespace == NAMESPACE && directed && selects
}

type Allows<'a> = (&'a [NetworkPolicyPeer], &'a [NetworkPolicyPort]);

fn rules(policy: &NetworkPolicy, direction: Direction) -> Vec<Allows<'_>> {
    let Some(spec) = &policy.spec else { return Vec::new() };
    match direction {
        Direction::Ingress => {
            let rules = spec.ingress.iter().flatten();
            rules.map(|rule| (slice(rule.from.as_ref()), slice(rule.ports.as_ref()))).collect()
        }
        Direction::Egress => {
            let rules = spec.egress.iter().flatten();
            rules.map(|rule| (slice(rule.to.as_ref()), slice(rule.ports.as_ref()))).collect()
        }
    }
}

fn slice<T>(list: Option<&Vec<T>>) -> &[T] {
    list.map_or(&[], Vec::as_slice)
}

fn is_peer(peer: &NetworkPolicyPeer, end: &End) -> bool {
    match (end, &peer.ip_block) {
        // A pod's address changes with each start: blocks are for what is outside.
        (End::Pod(_), Some(_)) => false,
        (End::Outside(address), Some(block)) => {
            let inside = |cidr: &str| cidr.parse::<IpNet>().is_ok_and(|net| net.contains(address));
            inside(&block.cidr) && !block.except.iter().flatten().any(|cidr| inside(cidr))
        }
        (End::Outside(_), None) => false,
        (End::Pod(pod), None) => {
            let namespace = match &peer.namespace_selector {
                Some(selector) => {
                    let name = ("kubernetes.io/metadata.name".to_owned(), pod.namespace.clone());
                    matches(selector, &BTreeMap::from([name]))
                }
                None => pod.namespace == NAMESPACE,
            };
            namespace && peer.pod_selector.as_ref().is_none_or(|selector| matches(selector, &pod.labels))
        }
    }
}

fn is_port(allowed: &NetworkPolicyPort, callee: &End, port: u16, protocol: &str) -> bool {
    let number = |port: i32| u16::try_from(port).unwrap_or_default();
    let same = match (&allowed.port, callee) {
        (None, _) => true,
        (Some(IntOrString::Int(first)), _) => {
            (number(*first)..=allowed.end_port.map_or(number(*first), number)).contains(&port)
        }
        (Some(IntOrString::String(name)), End::Pod(pod)) => pod.ports.get(name) == Some(&port),
        (Some(IntOrString::String(_)), End::Outside(_)) => false,
    };
    same && allowed.protocol.as_deref().unwrap_or("TCP") == protocol
}

/// Whether `selector` selects something with `labels`. An empty one selects all.
#[must_use]
pub fn matches(selector: &LabelSelector, labels: &Labels) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let express = selector.match_expressions.iter().flatten().all(|it| {
        let value = labels.get(&it.key);
        let among = it.values.iter().flatten().any(|one| Some(one) == value);
        match it.operator.as_str() {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    equal && express
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec:
  selector: { matchLabels: { app: a } }
  template:
    metadata: { labels: { app: a } }
    spec: { containers: [{ name: a, ports: [{ name: web, containerPort: 80 }, { name: admin, containerPort: 90 }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: b }
spec:
  selector: { matchLabels: { app: b } }
  template:
    metadata: { labels: { app: b } }
    spec: { containers: [{ name: b, ports: [{ name: web, containerPort: 80 }] }] }
";

    /// Which of `b -> a:80`, `b -> a:90` and `a -> b:80` a policy about `a` leaves open.
    fn open(spec: &str) -> Vec<Edge> {
        let policy = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{ name: p }}\nspec: {spec}"
        );
        let objects = Objects::parse("test", &format!("{PODS}---\n{policy}")).expect("manifests");
        allowed(&objects).into_iter().collect()
    }

    fn edge(from: &str, to: &str, port: u16) -> Edge {
        (from.to_owned(), to.to_owned(), port)
    }

    #[test]
    fn a_policy_restricts_the_pods_and_the_directions_that_it_is_about() {
        let all = [edge("a", "b", 80), edge("b", "a", 80), edge("b", "a", 90)];
        assert_eq!(open("{ podSelector: { matchLabels: { app: c } } }"), all);
        assert_eq!(open("{ podSelector: { matchLabels: { app: a } } }"), all[..1], "ingress unless it says");
        assert_eq!(open("{ podSelector: { matchLabels: { app: a } }, policyTypes: [Egress] }"), all[1..]);
        assert_eq!(open("{ podSelector: {}, policyTypes: [Ingress, Egress] }"), []);
        assert_eq!(
            open("{ podSelector: { matchLabels: { app: a } }, ingress: [{}] }"),
            all,
            "from everybody"
        );
    }

    #[test]
    fn ports_have_numbers_names_ranges_and_protocols() {
        let ingress = |port: &str| {
            let open = open(&format!(
                "{{ podSelector: {{ matchLabels: {{ app: a }} }}, ingress: [{{ ports: [{port}] }}] }}"
            ));
            open.iter().filter(|edge| edge.1 == "a").map(|edge| edge.2).collect::<Vec<_>>()
        };
        assert_eq!(ingress("{ port: 80 }"), [80]);
        assert_eq!(ingress("{ port: admin }"), [90]);
        assert_eq!(ingress("{ port: 80, endPort: 95 }"), [80, 90]);
        assert!(ingress("{ port: 80, protocol: UDP }").is_empty());
    }

    #[test]
    fn peers_are_selected_by_every_operator() {
        let from = |expression: &str| {
            let peer = format!("{{ podSelector: {{ matchExpressions: [{expression}] }} }}");
            let spec = format!(
                "{{ podSelector: {{ matchLabels: {{ app: a }} }}, ingress: [{{ from: [{peer}] }}] }}"
            );
            open(&spec).contains(&edge("b", "a", 80))
        };
        assert!(from("{ key: app, operator: In, values: [b, c] }") && from("{ key: app, operator: Exists }"));
        assert!(
            from("{ key: x, operator: DoesNotExist }") && from("{ key: app, operator: NotIn, values: [c] }")
        );
        assert!(!from("{ key: app, operator: In, values: [c] }") && !from("{ key: x, operator: Exists }"));
        let like = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p }\n\
                    spec: { podSelector: { matchExpressions: [{ key: app, operator: Like, values: [b] }] } }";
        let refused = Objects::parse("test", like).expect_err("what is no operator selects nobody");
        assert!(refused.to_string().contains("is no operator"), "{refused}");
    }

    #[test]
    fn a_block_is_about_addresses_outside_and_never_about_pods() {
        let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p }\nspec: { podSelector: {}, \
                      policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }] }] }";
        let objects = Objects::parse("test", &format!("{PODS}---\n{policy}")).expect("manifests");
        let a = End::Pod(pods(&objects)[0].clone());
        let to = |address: [u8; 4]| passes(&objects, &a, &End::Outside(address.into()), 443, "TCP");
        assert!(to([140, 82, 112, 3]) && !to([10, 1, 2, 3]));
        assert!(allowed(&objects).is_empty(), "a pod's address is nobody's to know");
    }
}
