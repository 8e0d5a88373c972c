//! The words that compose 1.29 knows, by its own schema (`compose_spec.json`): it refuses a file with another one. Newer ones know
//! more; who has an old machine has not.

use acceptance::serde_json::{Map, Value};

/// At the top.
const TOP: [&str; 6] = ["version", "services", "networks", "volumes", "secrets", "configs"];
/// Of a service.
const SERVICE: [&str; 73] = [
    "blkio_config",
    "build",
    "cap_add",
    "cap_drop",
    "cgroup_parent",
    "command",
    "configs",
    "container_name",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "credential_spec",
    "depends_on",
    "deploy",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "external_links",
    "extra_hosts",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "labels",
    "links",
    "logging",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "privileged",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
];
/// Of a service, too.
const MORE: [&str; 6] = ["ulimits", "user", "userns_mode", "volumes", "volumes_from", "working_dir"];
/// Of a health check.
const HEALTH: [&str; 6] = ["disable", "interval", "retries", "start_period", "test", "timeout"];
/// Of a build.
const BUILD: [&str; 10] = [
    "context",
    "dockerfile",
    "args",
    "labels",
    "cache_from",
    "network",
    "target",
    "shm_size",
    "extra_hosts",
    "isolation",
];
/// On what a service may wait.
const CONDITIONS: [&str; 3] = ["service_started", "service_healthy", "service_completed_successfully"];

/// Whether compose 1.29 knows every word.
pub(super) fn check(whole: &Value) -> Result<(), String> {
    let Some(top) = whole.as_object() else { return Err("it is no composition".to_owned()) };
    known("at the top", top, &[&TOP])?;
    let services = top.get("services").and_then(Value::as_object);
    for (name, service) in services.into_iter().flatten() {
        let Some(service) = service.as_object() else {
            return Err(format!("{name} is no service: compose refuses it"));
        };
        known(name, service, &[&SERVICE, &MORE])?;
        let part = |key: &str| service.get(key).and_then(Value::as_object);
        if let Some(health) = part("healthcheck") {
            known(&format!("{name}.healthcheck"), health, &[&HEALTH])?;
        }
        if let Some(build) = part("build") {
            known(&format!("{name}.build"), build, &[&BUILD])?;
        }
        for (other, waits) in part("depends_on").into_iter().flatten() {
            let place = format!("{name}.depends_on.{other}");
            let Some(waits) = waits.as_object() else {
                return Err(format!("{place} has no condition: compose refuses it"));
            };
            known(&place, waits, &[&["condition"]])?;
            let condition = waits.get("condition").and_then(Value::as_str).unwrap_or_default();
            if !CONDITIONS.contains(&condition) {
                return Err(format!("{place}: {condition:?} is no condition: compose refuses it"));
            }
        }
    }
    Ok(())
}

fn known(place: &str, given: &Map<String, Value>, words: &[&[&str]]) -> Result<(), String> {
    let unknown = given
        .keys()
        .find(|key| !key.starts_with("x-") && !words.iter().any(|known| known.contains(&key.as_str())));
    match unknown {
        Some(word) => Err(format!("{place}: compose 1.29 knows no {word}, and refuses the whole file")),
        None => Ok(()),
    }
}
