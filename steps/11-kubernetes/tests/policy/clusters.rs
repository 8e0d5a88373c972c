//! Each overlay as kubectl builds it.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
};

use harness::Definition;
use step_11_kubernetes::{
    edges::{End, Pod, allowed, declared, passes, pods},
    objects::Objects,
    rules::violations,
};

/// The overlays that hold our own files.
const OURS: [&str; 2] = ["kind", "eks"];
/// GitHub, SendGrid and Twilio, as far as a policy can tell: somebody on the internet.
const INTERNET: &str = "140.82.112.3";

pub(crate) fn overlay(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s/overlays").join(name)
}

pub(crate) fn built(name: &str) -> Objects {
    Objects::built(&overlay(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_overlay_builds_and_keeps_every_rule() {
    for name in OURS {
        let found = violations(&built(name));
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
    // The learner's own files are theirs to finish; what is around them is there.
    assert!(built("mine").deployments.iter().any(|it| it.metadata.name.as_deref() == Some("monolith")));
}

#[test]
fn only_the_declared_edges_are_open() {
    let step = Path::new(env!("CARGO_MANIFEST_DIR")).join("../05-grpc");
    let declared = declared(&Definition::load(&step).unwrap());
    assert!(declared.len() > 8, "{declared:?}");
    assert_eq!(allowed(&built("kind")), declared);
    // Elsewhere the database and the simulators are somebody else's.
    let here = |edge: &(String, String, u16)| !["postgres", "simulators"].contains(&edge.1.as_str());
    let between: BTreeSet<_> = declared.into_iter().filter(here).collect();
    assert_eq!(allowed(&built("eks")), between);
}

#[test]
fn only_those_who_ask_providers_reach_the_internet_and_nobody_the_metadata() {
    for (name, outward) in [("kind", &[][..]), ("eks", &["monolith", "notify"])] {
        let objects = built(name);
        let reach = |address: &str, port| {
            let outside = End::Outside(address.parse::<IpAddr>().unwrap());
            let pods = pods(&objects)
                .into_iter()
                .filter(|pod| passes(&objects, &End::Pod(pod.clone()), &outside, port, "TCP"));
            pods.map(|pod| pod.name).collect::<BTreeSet<_>>()
        };
        assert_eq!(reach(INTERNET, 443), outward.iter().map(|&it| it.to_owned()).collect(), "{name}");
        assert!(reach(INTERNET, 80).is_empty() && reach("169.254.169.254", 443).is_empty(), "{name}");
        assert!(reach("169.254.169.254", 80).is_empty(), "{name}: nobody asks the machine who it is");
    }
}

#[test]
fn a_stranger_reaches_the_gateway_by_the_way_in_and_nobody_else() {
    let objects = built("kind");
    let reached = |namespace: &str, labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let stranger =
            Pod { name: "stranger".to_owned(), namespace: namespace.to_owned(), labels, ports: [].into() };
        let mut reached = BTreeSet::new();
        for pod in pods(&objects) {
            for &port in pod.ports.values() {
                if passes(&objects, &End::Pod(stranger.clone()), &End::Pod(pod.clone()), port, "TCP") {
                    reached.insert((pod.name.clone(), port));
                }
            }
        }
        reached
    };
    assert_eq!(reached("ingress-nginx", &[]), [("gateway".to_owned(), 8080)].into());
    for (namespace, app) in [("elsewhere", "gateway"), ("elsewhere", "monolith"), ("kube-system", "backlog")]
    {
        assert_eq!(reached(namespace, &[("app", app)]), [].into(), "{namespace}, posing as {app}");
    }
    assert_eq!(reached("automator", &[]), [].into(), "a pod of this namespace that nobody knows");
}
