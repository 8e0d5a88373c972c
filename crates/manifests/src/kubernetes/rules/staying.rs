//! That there are some, always: rollouts, machines that are emptied, load.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::unless;
use crate::kubernetes::{
    edges::matches,
    kubelet::Settings,
    objects::{Objects, name},
};

/// Beyond what the end of a process takes at most: what a busy machine adds.
const SPARE: u64 = 2_000;

/// How long processes serve on after SIGTERM, in milliseconds.
fn serves_on(objects: &Objects) -> u64 {
    let given = objects
        .config_maps
        .iter()
        .filter_map(|it| it.data.as_ref()?.get("SERVE_ON_SECONDS")?.parse::<u64>().ok());
    given.max().unwrap_or_default() * 1_000
}

/// `preStop`, serving on, the drain, and two seconds fit into the grace period.
pub(super) fn grace(objects: &Objects) -> Vec<String> {
    let needed = serves_on(objects) + SPARE;
    objects
        .deployments
        .iter()
        .filter_map(|deployment| {
            let place = name(&deployment.metadata);
            let spec = deployment.spec.template.spec.as_ref()?;
            match Settings::of(spec) {
                Ok(settings) => unless(settings.spare().is_some_and(|spare| spare >= needed), || {
                    format!("{place} would be killed with requests under way")
                }),
                Err(why) => Some(format!("{place}: {why}")),
            }
        })
        .collect()
}

/// A rollout takes nobody away before somebody else is ready.
pub(super) fn rollout(objects: &Objects) -> Vec<String> {
    objects
        .deployments
        .iter()
        .filter_map(|deployment| {
            let strategy = deployment.spec.strategy.as_ref();
            let rolling = strategy.and_then(|it| it.rolling_update.as_ref());
            let keeps = rolling.is_some_and(|it| it.max_unavailable == Some(IntOrString::Int(0)));
            unless(keeps, || format!("{} goes before its successor is there", name(&deployment.metadata)))
        })
        .collect()
}

/// How many pods a deployment has at least: its autoscaler's, or its own, number.
fn least(objects: &Objects, deployment: &str) -> i32 {
    let scaled = objects.autoscalers.iter().map(|it| &it.spec);
    let mut scaled = scaled.filter(|spec| spec.scale_target_ref.name == deployment);
    let own = objects.deployments.iter().find(|it| name(&it.metadata) == deployment);
    scaled.find_map(|spec| spec.min_replicas).or_else(|| own?.spec.replicas).unwrap_or(1)
}

/// A budget is about somebody, and leaves at least one pod that may go: otherwise no machine can ever be emptied.
pub(super) fn budgets(objects: &Objects) -> Vec<String> {
    objects
        .disruption_budgets
        .iter()
        .filter_map(|budget| {
            let spec = budget.spec.as_ref()?;
            let selector = spec.selector.as_ref()?;
            let about = objects.deployments.iter().find(|deployment| {
                let labels = deployment.spec.template.metadata.as_ref().and_then(|it| it.labels.as_ref());
                labels.is_some_and(|labels| matches(selector, labels))
            });
            let Some(about) = about else {
                return Some(format!("{} is about nobody", name(&budget.metadata)));
            };
            let least = least(objects, name(&about.metadata));
            let may_go = match (&spec.max_unavailable, &spec.min_available) {
                (Some(IntOrString::Int(most)), None) => *most,
                (None, Some(IntOrString::Int(kept))) => least - kept,
                _ => 0,
            };
            unless(may_go >= 1 && least > may_go, || {
                format!("{}: {may_go} of {least} may go", name(&budget.metadata))
            })
        })
        .collect()
}

/// An autoscaler is about a deployment that does not say a number itself, and asks for the CPU that it is measured by.
pub(super) fn autoscalers(objects: &Objects) -> Vec<String> {
    objects
        .autoscalers
        .iter()
        .filter_map(|autoscaler| {
            let place = name(&autoscaler.metadata);
            let spec = &autoscaler.spec;
            let target = &spec.scale_target_ref.name;
            let Some(about) = objects.deployments.iter().find(|it| name(&it.metadata) == target) else {
                return Some(format!("{place} scales {target}, which is not there"));
            };
            let silent = about.spec.replicas.is_none();
            let more = spec.min_replicas.is_some_and(|least| least < spec.max_replicas);
            unless(silent && more, || format!("{place}: each apply of {target} would undo what it decided"))
        })
        .collect()
}
