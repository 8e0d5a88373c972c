//! Each overlay as kubectl builds it.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

use acceptance::tools::Tool;
use harness::Definition;
use k8s_openapi::api::core::v1::Container;
use manifests::kubernetes::{
    edges::{End, Pod, allowed, declared, passes, pods},
    objects::{Objects, kustomize},
    rules::violations,
};

/// The overlays that hold our own files.
const OURS: [&str; 2] = ["kind", "eks"];
/// What a load balancer of AWS may take until it sends a pod nothing more, in seconds: `eks/ingress.yaml` says so.
const DEREGISTERED: i64 = 30;
const KUBECTL: Tool =
    Tool { name: "kubectl", variable: "WORKSHOP_KUBECTL", version: "--help", need: "kubectl" };
const VALIDATE: Tool = Tool {
    name: "kubernetes-validate",
    variable: "WORKSHOP_KUBERNETES_VALIDATE",
    version: "--version",
    need: "schemas",
};
/// GitHub, SendGrid and Twilio, as far as a policy can tell: somebody on the internet.
const INTERNET: &str = "140.82.112.3";

pub(crate) fn overlay(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s/overlays").join(name)
}

/// What kubectl makes of an overlay; `None` where there is no kubectl.
pub(crate) fn built(name: &str) -> Option<Objects> {
    KUBECTL.find().unwrap()?;
    Some(Objects::built(&overlay(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn every_overlay_builds_and_keeps_every_rule() {
    for name in OURS {
        let Some(objects) = built(name) else { return };
        let found = violations(&objects);
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
    // The learner's own files are theirs to finish; what is around them is there.
    let Some(mine) = built("mine") else { return };
    assert!(mine.deployments.iter().any(|it| it.metadata.name.as_deref() == Some("web")));
}

#[test]
fn every_overlay_is_what_the_api_takes() {
    let (Some(validate), Some(_)) = (VALIDATE.find().unwrap(), KUBECTL.find().unwrap()) else { return };
    let folder = std::env::temp_dir().join(format!("step-11-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let verdict = |name: &str, text: &str| {
        let file = folder.join(format!("{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        let output = Command::new(&validate).args(["--strict", "--quiet"]).arg(&file).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let kind = kustomize(&overlay("kind")).unwrap();
    for name in ["kind", "mine", "suite", "eks"] {
        let (right, said) = verdict(name, &kustomize(&overlay(name)).unwrap());
        assert!(right, "{name}:\n{said}");
    }
    let (right, said) = verdict("planted", &kind.replace("periodSeconds", "periodSecond"));
    assert!(!right && said.contains("periodSecond"), "a wrong field passes:\n{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_process_is_given_what_system_toml_gives_it() {
    let step = Path::new(env!("CARGO_MANIFEST_DIR")).join("../07-events");
    let system = Definition::load(&step).unwrap();
    for name in OURS {
        let Some(objects) = built(name) else { return };
        for workload in objects.workloads() {
            let Some(process) = system.process(workload.process()) else { continue };
            let containers = workload.template.spec.iter().flat_map(|spec| &spec.containers);
            let given: BTreeSet<_> =
                containers.flat_map(|container| variables(&objects, container)).collect();
            for setting in process.settings() {
                let there = given.contains(setting) || given.contains(&format!("{setting}_FILE"));
                assert!(there, "{name}: {} is given no {setting}, as system.toml does", process.name);
            }
        }
    }
}

/// The names of a container's variables.
fn variables(objects: &Objects, container: &Container) -> Vec<String> {
    let maps = container.env_from.iter().flatten().filter_map(|source| source.config_map_ref.as_ref());
    let settings = maps.flat_map(|wanted| {
        let maps =
            objects.config_maps.iter().filter(|map| map.metadata.name.as_deref() == Some(&wanted.name));
        maps.flat_map(|map| map.data.iter().flatten().map(|(key, _)| key.clone()))
    });
    let own = container.env.iter().flatten().map(|variable| variable.name.clone());
    settings.chain(own).collect()
}

#[test]
fn at_aws_the_way_in_has_a_host_and_a_certificate_and_loses_nobody() {
    let Some(objects) = built("eks") else { return };
    let ingress = &objects.ingresses[0];
    let annotations = ingress.metadata.annotations.clone().unwrap();
    let annotation = |key: &str| annotations.get(&format!("alb.ingress.kubernetes.io/{key}")).cloned();
    assert!(annotation("certificate-arn").is_some() && annotation("ssl-redirect").as_deref() == Some("443"));
    let rules = ingress.spec.as_ref().unwrap().rules.as_ref().unwrap();
    assert!(rules.iter().all(|rule| rule.host.is_some()), "whatever name leads there would be answered");
    let hosts: Vec<_> = rules.iter().filter_map(|rule| rule.host.clone()).collect();
    let allowed = objects.config_maps.iter().find_map(|map| map.data.as_ref()?.get("ALLOWED_HOSTS"));
    assert_eq!(allowed, Some(&hosts.join(",")), "Automator answers to other names than the Ingress");
    let delay = format!("deregistration_delay.timeout_seconds={DEREGISTERED}");
    assert_eq!(annotation("target-group-attributes"), Some(delay));
    let gateway = objects.workloads().find(|workload| workload.process() == "gateway").unwrap();
    let lifecycle = gateway.template.spec.as_ref().unwrap().containers[0].lifecycle.as_ref();
    let sleep = lifecycle.and_then(|it| it.pre_stop.as_ref()?.sleep.as_ref()).unwrap().seconds;
    assert!(sleep >= DEREGISTERED, "the load balancer still sends requests after {sleep} s");
}

#[test]
fn at_aws_an_image_is_a_version_that_does_not_move() {
    let Some(objects) = built("eks") else { return };
    for workload in objects.workloads() {
        let image = workload.template.spec.as_ref().unwrap().containers[0].image.clone().unwrap();
        let tag = image.rsplit(':').next().unwrap();
        let numbers = tag.split('.').filter(|number| number.parse::<u32>().is_ok()).count();
        assert!(image.contains("@sha256:") || numbers == 3, "{image}");
    }
}

#[test]
fn only_the_declared_edges_are_open() {
    let step = Path::new(env!("CARGO_MANIFEST_DIR")).join("../07-events");
    let declared = declared(&Definition::load(&step).unwrap());
    assert!(declared.len() > 8, "{declared:?}");
    let (Some(kind), Some(eks)) = (built("kind"), built("eks")) else { return };
    assert_eq!(allowed(&kind), declared);
    // Elsewhere the database and the simulators are somebody else's.
    let elsewhere = |name: &str| ["postgres", "simulators"].contains(&name);
    let here = |edge: &(String, String, u16)| !elsewhere(&edge.0) && !elsewhere(&edge.1);
    let between: BTreeSet<_> = declared.into_iter().filter(here).collect();
    assert_eq!(allowed(&eks), between);
}

#[test]
fn only_those_who_ask_providers_reach_the_internet_and_nobody_the_metadata() {
    for (name, outward) in [("kind", &[][..]), ("eks", &["github", "notify"])] {
        let Some(objects) = built(name) else { return };
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
    let Some(objects) = built("kind") else { return };
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
    for (namespace, app) in [("elsewhere", "gateway"), ("elsewhere", "web"), ("kube-system", "backlog")] {
        assert_eq!(reached(namespace, &[("app", app)]), [].into(), "{namespace}, posing as {app}");
    }
    assert_eq!(reached("automator", &[]), [].into(), "a pod of this namespace that nobody knows");
}
