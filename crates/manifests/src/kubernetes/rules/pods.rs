//! What a pod is made of.

use k8s_openapi::{
    api::core::v1::{Container, PodSpec, Probe},
    apimachinery::pkg::api::resource::Quantity,
};

use super::unless;
use crate::kubernetes::objects::{Objects, Workload, name};

/// Each container of each workload, with the words for it and the specification of its pod.
fn containers(objects: &Objects) -> impl Iterator<Item = (String, Workload<'_>, &PodSpec, &Container)> {
    objects.workloads().flat_map(|workload| {
        let spec = workload.template.spec.iter();
        spec.flat_map(move |spec| {
            let all = spec.init_containers.iter().flatten().chain(&spec.containers);
            all.map(move |container| {
                (format!("{} {}", workload.kind, workload.name()), workload, spec, container)
            })
        })
    })
}

/// `latest` is another image tomorrow.
pub(super) fn images(objects: &Objects) -> Vec<String> {
    let fixed = |image: &str| {
        image.contains("@sha256:")
            || image
                .rsplit_once('/')
                .map_or(image, |(_, last)| last)
                .split_once(':')
                .is_some_and(|(_, tag)| tag != "latest")
    };
    containers(objects)
        .filter_map(|(place, .., container)| {
            let image = container.image.as_deref().unwrap_or_default();
            unless(fixed(image), || format!("{place} has {image:?}"))
        })
        .collect()
}

/// Up yet? Would a restart help? May it have traffic? Three questions, of which only the last may ask about anybody else.
pub(super) fn probes(objects: &Objects) -> Vec<String> {
    let serving = containers(objects).filter(|(_, workload, ..)| workload.serves());
    serving
        .flat_map(|(place, _, _, container)| {
            let probes = [&container.startup_probe, &container.liveness_probe, &container.readiness_probe];
            let [Some(startup), Some(liveness), Some(readiness)] = probes else {
                return vec![format!("{place} lacks one")];
            };
            let path = |probe: &Probe| probe.http_get.as_ref().and_then(|get| get.path.clone());
            let named = |probe: &Probe| {
                let Some(get) = &probe.http_get else { return true };
                container.ports.iter().flatten().any(|port| match &get.port {
                    k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(name) => {
                        port.name.as_ref() == Some(name)
                    }
                    k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(number) => {
                        port.container_port == *number
                    }
                })
            };
            let numbers = |probe: &Probe| (probe.period_seconds, probe.failure_threshold);
            let asks_others = |probe: &Probe| path(probe).is_some_and(|path| path.ends_with("/ready"));
            [
                unless(!asks_others(liveness), || {
                    format!("{place} would be restarted because of somebody else")
                }),
                unless(!asks_others(startup), || {
                    format!("{place} would not start while somebody else is away")
                }),
                unless(path(readiness).is_none_or(|path| path.ends_with("/ready")), || {
                    format!("{place} gets traffic though it is not ready")
                }),
                unless(
                    numbers(liveness) != numbers(readiness) && numbers(startup) != numbers(liveness),
                    || format!("{place} asks different questions with the same numbers"),
                ),
                unless([startup, liveness, readiness].into_iter().all(named), || {
                    format!("{place} is asked at a port that it does not have")
                }),
            ]
            .into_iter()
            .flatten()
            .collect()
        })
        .collect()
}

/// A pod without a request may be put where there is nothing left for it; one without a limit of memory takes its neighbours'.
pub(super) fn resources(objects: &Objects) -> Vec<String> {
    containers(objects)
        .filter_map(|(place, .., container)| {
            let resources = container.resources.as_ref();
            let requests = resources.and_then(|it| it.requests.as_ref());
            let limits = resources.and_then(|it| it.limits.as_ref());
            let asked = |key: &str| requests.and_then(|it| it.get(key));
            let bytes = |quantity: Option<&Quantity>| quantity.and_then(bytes);
            let wanted = bytes(asked("memory"));
            let most = bytes(limits.and_then(|it| it.get("memory")));
            let holds =
                asked("cpu").is_some() && wanted.zip(most).is_some_and(|(wanted, most)| wanted <= most);
            unless(holds, || format!("{place} asks for {requests:?} of {limits:?}"))
        })
        .collect()
}

/// An amount of memory in bytes.
pub(super) fn bytes(quantity: &Quantity) -> Option<u64> {
    let text = quantity.0.as_str();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[digits..] {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok().map(|number| number * factor)
}

/// The Pod Security Standard `restricted`, and a root file system that cannot be written.
pub(super) fn security(objects: &Objects) -> Vec<String> {
    containers(objects)
        .filter_map(|(place, _, spec, container)| {
            let pod = spec.security_context.as_ref();
            let own = container.security_context.as_ref();
            let dropped = own.and_then(|it| it.capabilities.as_ref()).and_then(|it| it.drop.as_ref());
            let seccomp = pod.and_then(|it| it.seccomp_profile.as_ref()).map(|it| it.type_.as_str());
            let holds = pod.is_some_and(|it| {
                it.run_as_non_root == Some(true) && it.run_as_user.is_some_and(|user| user > 0)
            }) && seccomp == Some("RuntimeDefault")
                && own.is_some_and(|it| {
                    it.allow_privilege_escalation == Some(false)
                        && it.read_only_root_filesystem == Some(true)
                        && it.privileged != Some(true)
                        && it.run_as_user.is_none_or(|user| user > 0)
                        && it.run_as_non_root != Some(false)
                })
                && dropped.is_some_and(|it| it.iter().any(|capability| capability == "ALL"))
                && !shares_the_machine(spec);
            unless(holds, || format!("{place}, container {}", container.name))
        })
        .collect()
}

fn shares_the_machine(spec: &PodSpec) -> bool {
    [spec.host_network, spec.host_pid, spec.host_ipc].contains(&Some(true))
        || spec.volumes.iter().flatten().any(|volume| volume.host_path.is_some())
}

/// A pod has an account of its own, and does not get the token with which it could ask the cluster.
pub(super) fn accounts(objects: &Objects) -> Vec<String> {
    objects
        .workloads()
        .filter_map(|workload| {
            let spec = workload.template.spec.as_ref()?;
            let account = spec.service_account_name.as_deref();
            let own = objects.service_accounts.iter().any(|it| Some(name(&it.metadata)) == account);
            unless(own && spec.automount_service_account_token == Some(false), || {
                format!("{} {} runs as {account:?}", workload.kind, workload.name())
            })
        })
        .collect()
}

/// What a variable holds, every process that a pod starts and every page of its description shows: secrets are files.
pub(super) fn secrets(objects: &Objects) -> Vec<String> {
    const WORDS: [&str; 5] = ["PASSWORD", "SECRET", "TOKEN", "KEY", "DATABASE_URL"];
    let secret = |name: &str| !name.ends_with("_FILE") && WORDS.iter().any(|word| name.contains(word));
    let in_pods = containers(objects).flat_map(|(place, .., container)| {
        let named = container.env.iter().flatten().filter(|variable| {
            let source = variable.value_from.as_ref();
            secret(&variable.name) || source.is_some_and(|source| source.secret_key_ref.is_some())
        });
        let names = named.map(|variable| variable.name.clone()).collect::<Vec<_>>();
        let whole = container.env_from.iter().flatten().filter(|source| source.secret_ref.is_some());
        let whole = whole.map(|_| "a whole Secret".to_owned()).collect::<Vec<_>>();
        names.into_iter().chain(whole).map(move |what| format!("{place} has {what}"))
    });
    let in_maps = objects.config_maps.iter().flat_map(|map| {
        let keys = map.data.iter().flatten().map(|(key, _)| key).filter(|key| secret(key));
        keys.map(|key| format!("ConfigMap {} has {key}", name(&map.metadata)))
    });
    in_pods.chain(in_maps).collect()
}
