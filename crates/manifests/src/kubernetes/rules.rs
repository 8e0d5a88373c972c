//! What the manifests of every cluster have to have, a rule each: objects in, violations out.

mod database;
mod pods;
mod staying;
mod wiring;

use super::objects::Objects;

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it wants, as the end of "there should be …".
    pub name: &'static str,
    /// Every place where it is not so.
    pub check: fn(&Objects) -> Vec<String>,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule { name: "a version for each image", check: pods::images },
    Rule { name: "three probes, with numbers of their own", check: pods::probes },
    Rule { name: "memory and CPU asked for, memory bounded", check: pods::resources },
    Rule { name: "nothing that a pod could do and need not", check: pods::security },
    Rule { name: "no token of the cluster in a pod", check: pods::accounts },
    Rule { name: "no secret in the environment", check: pods::secrets },
    Rule { name: "time for an end", check: staying::grace },
    Rule { name: "a new pod ready before an old one goes", check: staying::rollout },
    Rule { name: "a budget that lets a machine be emptied", check: staying::budgets },
    Rule { name: "one who decides how many there are", check: staying::autoscalers },
    Rule { name: "a namespace that refuses what is not restricted", check: wiring::namespaces },
    Rule { name: "selectors that select", check: wiring::selectors },
    Rule { name: "somebody behind each name and port", check: wiring::services },
    Rule { name: "settings that are there", check: wiring::settings },
    Rule { name: "connections for everybody, and memory for them", check: database::connections },
    Rule { name: "labels that tools know", check: wiring::labels_of_tools },
    Rule { name: "a policy about each pod", check: wiring::policies },
];

/// Every violation of every rule, as lines.
#[must_use]
pub fn violations(objects: &Objects) -> Vec<String> {
    RULES
        .iter()
        .flat_map(|rule| (rule.check)(objects).into_iter().map(|what| format!("{}: {what}", rule.name)))
        .collect()
}

/// A violation, unless `holds`.
fn unless(holds: bool, what: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(what)
}
