//! Exercise 11.2: only the declared edges. The learner's policies, with those of the local cluster, against `system.toml`.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
};

use harness::Definition;
use manifests::kubernetes::{
    edges::{DATABASE, Edge, End, NAMESPACE, Pod, declared, enters, leaves, matches, passes, pods},
    objects::{Objects, name},
};

use crate::piece;

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The local cluster with the learner's policies in it.
fn objects() -> Objects {
    let mut files = vec![piece("edges.yaml", cfg!(feature = "mine-11-2")), piece("web.yaml", false)];
    files.extend(
        ["gateway", "github", "insights", "backlog", "notify", "feed", "migrate"]
            .map(|it| here(&format!("k8s/base/{it}.yaml"))),
    );
    files.extend(["postgres", "simulators", "edges"].map(|it| here(&format!("k8s/local/{it}.yaml"))));
    Objects::read(&files).unwrap_or_else(|error| panic!("{error}"))
}

fn wanted() -> BTreeSet<Edge> {
    let system = Definition::load(&here("../07-events")).unwrap_or_else(|error| panic!("{error}"));
    declared(&system)
}

/// A port that nobody of ours listens on: a debugger's, say, that somebody opens one day.
const UNUSED: u16 = 9_229;

#[test]
fn every_declared_edge_is_open() {
    let objects = objects();
    let end = |name: &str| {
        let pod = pods(&objects).into_iter().find(|pod| pod.name == name);
        End::Pod(pod.unwrap_or_else(|| panic!("{name} is gone")))
    };
    for (caller, callee, port) in wanted() {
        let (from, to) = (end(&caller), end(&callee));
        let closed = format!("{caller} asks {callee} at port {port} and waits until its time is up");
        assert!(
            leaves(&objects, &from, &to, port, "TCP"),
            "{closed}: nothing lets the call out of {caller}."
        );
        assert!(enters(&objects, &from, &to, port, "TCP"), "{closed}: nothing lets it in to {callee}.");
    }
}

#[test]
fn no_other_edge_is_open() {
    let (objects, wanted) = (objects(), wanted());
    let pods = pods(&objects);
    for (caller, callee) in pods.iter().flat_map(|caller| pods.iter().map(move |callee| (caller, callee))) {
        let (from, to) = (End::Pod(caller.clone()), End::Pod(callee.clone()));
        let ports = callee.ports.values().map(|&port| (port, "TCP"));
        for (port, protocol) in ports.chain([(UNUSED, "TCP"), (UNUSED, "UDP")]) {
            let edge = (caller.name.clone(), callee.name.clone(), port);
            if caller.name == callee.name || wanted.contains(&edge) {
                continue;
            }
            // Each side by itself: the other may be somebody else's mistake one day.
            let why = "Whoever breaks into one of them is in the other.";
            let (caller, callee) = (&caller.name, &callee.name);
            assert!(
                !enters(&objects, &from, &to, port, protocol),
                "{callee} lets in {caller} at port {port}, which never has to ask it. {why}"
            );
            assert!(
                !leaves(&objects, &from, &to, port, protocol),
                "{caller} may go out to {callee} at port {port}, and never has to ask it. {why}"
            );
        }
    }
}

#[test]
fn strangers_reach_nobody() {
    let objects = objects();
    for (namespace, labels) in [
        ("elsewhere", &[][..]),
        ("elsewhere", &[("app", "gateway"), ("app", "web"), ("app", "backlog")]),
        (NAMESPACE, &[("app", "debug")]),
    ] {
        // A pod has one value for a label: each is tried.
        let tries = labels.iter().map(|label| Some(*label)).chain([None]);
        for label in tries {
            let labels =
                label.into_iter().map(|(key, value): (&str, &str)| (key.to_owned(), value.to_owned()));
            let stranger = Pod {
                name: "x".to_owned(),
                namespace: namespace.to_owned(),
                labels: labels.collect(),
                ports: [].into(),
            };
            for pod in pods(&objects) {
                for &port in pod.ports.values() {
                    assert!(
                        !passes(&objects, &End::Pod(stranger.clone()), &End::Pod(pod.clone()), port, "TCP"),
                        "A pod of the namespace {namespace:?}, with {label:?}, reaches {} at {port}. Whoever may start a pod \
                         there reads everybody's data.",
                        pod.name
                    );
                }
            }
        }
    }
}

#[test]
fn whoever_is_new_here_is_restricted_too() {
    let objects = objects();
    let new = Pod {
        name: "tomorrow's".to_owned(),
        namespace: NAMESPACE.to_owned(),
        labels: [("app".to_owned(), "tomorrow".to_owned())].into(),
        ports: [("http".to_owned(), 8_080)].into(),
    };
    let elsewhere = Pod { namespace: "elsewhere".to_owned(), name: "x".to_owned(), ..new.clone() };
    assert!(
        !enters(&objects, &End::Pod(elsewhere), &End::Pod(new.clone()), 8_080, "TCP"),
        "Somebody starts a pod here tomorrow, for which nobody has written a policy yet, and all the cluster may ask it. What is \
         not allowed has to be forbidden from the start."
    );
    assert!(
        !leaves(&objects, &End::Pod(new), &End::Outside([140, 82, 112, 3].into()), 443, "TCP"),
        "Somebody starts a pod here tomorrow, for which nobody has written a policy yet, and it may ask all the world. What is not \
         allowed has to be forbidden from the start."
    );
}

#[test]
fn names_are_found() {
    let objects = objects();
    let dns = Pod {
        name: "dns".to_owned(),
        namespace: "kube-system".to_owned(),
        labels: [("k8s-app".to_owned(), "kube-dns".to_owned())].into(),
        ports: [].into(),
    };
    for pod in pods(&objects) {
        assert!(
            passes(&objects, &End::Pod(pod.clone()), &End::Pod(dns.clone()), 53, "UDP"),
            "{} cannot look up a name. It does not know where anybody is, and asks nobody.",
            pod.name
        );
    }
}

#[test]
fn nobody_here_reaches_the_internet() {
    let objects = objects();
    let outside: IpAddr = [140, 82, 112, 3].into();
    for pod in pods(&objects) {
        assert!(
            !passes(&objects, &End::Pod(pod.clone()), &End::Outside(outside), 443, "TCP"),
            "{} reaches the internet. In this cluster even the providers are simulated; whoever gets in could take everything \
             out.",
            pod.name
        );
    }
}

#[test]
fn every_policy_is_about_somebody() {
    let objects = objects();
    for policy in &objects.network_policies {
        let selector = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref());
        assert!(
            pods(&objects).iter().any(|pod| selector.is_none_or(|selector| matches(selector, &pod.labels))),
            "The policy {:?} is about nobody: no pod has these labels. Kubernetes takes it without a word.",
            name(&policy.metadata)
        );
    }
    assert!(pods(&objects).iter().any(|pod| pod.name == DATABASE.0), "the database is gone");
}
