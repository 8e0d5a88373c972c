//! That the database has room for all who ask it. One that is somebody else's service is not looked at.

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::PodSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{pods::bytes, unless};
use crate::kubernetes::{
    edges::DATABASE,
    objects::{Objects, name},
};

/// How many connections a process holds at most (`store`).
const POOL: i64 = 10;
/// What PostgreSQL keeps for its administrators (`superuser_reserved_connections`).
const RESERVED: i64 = 3;
/// What PostgreSQL allows unless it is told `max_connections`.
const ALLOWED: i64 = 100;
/// What its processes share (`shared_buffers`) unless told.
const SHARED: i64 = 128 << 20;
/// What a connection costs it. Measured: 1.5 MB with 160 connections of pgbench, which knows three statements.
const CONNECTION: i64 = 3 << 20;

/// Pods at most, those of a rollout included, times the pool, and the migration's: not more than PostgreSQL allows. And what it
/// allows fits its memory: it is ended otherwise, with everybody's connections, on the day that all are used.
pub(super) fn connections(objects: &Objects) -> Vec<String> {
    let server = objects.stateful_sets.iter().find(|it| name(&it.metadata) == DATABASE.0);
    let Some(server) = server.and_then(|it| it.spec.template.spec.as_ref()?.containers.first()) else {
        return Vec::new();
    };
    let told = |setting: &str| {
        let arguments = server.args.iter().flatten();
        arguments.filter_map(|it| it.strip_prefix(setting)?.strip_prefix('=')?.parse::<i64>().ok()).next()
    };
    let allowed = told("max_connections").unwrap_or(ALLOWED);
    let serving = objects.deployments.iter().filter(|it| asks(it.spec.template.spec.as_ref()));
    let pods: i64 = serving.map(|it| most(objects, it)).sum();
    let migrations = objects.jobs.iter().filter(|it| {
        let template = it.spec.as_ref().map(|spec| &spec.template);
        asks(template.and_then(|template| template.spec.as_ref()))
    });
    let migrations = i64::try_from(migrations.count()).unwrap_or(i64::MAX);
    let wanted = (pods + migrations) * POOL + RESERVED;
    let limit = server.resources.as_ref().and_then(|it| bytes(it.limits.as_ref()?.get("memory")?));
    let limit = limit.and_then(|it| i64::try_from(it).ok()).unwrap_or(i64::MAX);
    let needed = SHARED + allowed * CONNECTION;
    [
        unless(wanted <= allowed, || {
            format!(
                "{pods} pods and {migrations} migration with {POOL} connections each, and {RESERVED} of its own, are {wanted}, \
                 and PostgreSQL allows {allowed}"
            )
        }),
        unless(needed <= limit, || {
            format!("{allowed} connections need {} Mi of memory, and PostgreSQL has {} Mi", needed >> 20, limit >> 20)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a pod is handed the way to the database.
fn asks(spec: Option<&PodSpec>) -> bool {
    let mut variables = spec.iter().flat_map(|spec| &spec.containers).flat_map(|it| it.env.iter().flatten());
    variables.any(|variable| variable.name.starts_with("DATABASE_URL"))
}

/// How many pods a deployment has at most: its autoscaler's, or its own, number, and those that a rollout adds.
fn most(objects: &Objects, deployment: &Deployment) -> i64 {
    let mut scaled = objects.autoscalers.iter().map(|it| &it.spec);
    let scaled = scaled.find(|spec| spec.scale_target_ref.name == name(&deployment.metadata));
    let pods = scaled.map(|spec| spec.max_replicas).or(deployment.spec.replicas).unwrap_or(1);
    let rolling = deployment.spec.strategy.as_ref().and_then(|it| it.rolling_update.as_ref());
    let surge = match rolling.and_then(|it| it.max_surge.as_ref()) {
        Some(IntOrString::Int(more)) => *more,
        // A quarter, unless it says so; rounded up.
        _ => (pods + 3) / 4,
    };
    i64::from(pods) + i64::from(surge)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pool_is_the_stores() {
        let store = include_str!("../../../../store/src/pool.rs");
        assert!(store.contains(&format!("const CONNECTIONS: u32 = {};", super::POOL)));
    }
}
