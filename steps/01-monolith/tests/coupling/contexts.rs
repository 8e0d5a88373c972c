//! To which bounded context a route belongs: its path says so. Workers belong to whom they work for.

/// The contexts, in the order in which the map shows them, each with what its routes begin with.
const CONTEXTS: [(&str, &[&str]); 6] = [
    (
        "github",
        &[
            "/api/imports",
            "/api/items",
            "/api/repositories",
            "/github/",
            "/webhooks/github",
            "importer",
            "start",
        ],
    ),
    ("backlog", &["/api/tasks", "/api/rules", "rules"]),
    ("team", &["/api/team"]),
    ("notify", &["/api/notifications", "/email", "/sms", "messenger"]),
    ("insights", &["/api/measures", "/api/leaderboard"]),
    ("web", &["/api/digests", "/measures", "/tasks", "/team", "/sign-", "/"]),
];

/// What the platform asks of every process: it will ask each context's, whoever owns what.
const PLATFORM: [&str; 2] = ["/health/", "/metrics"];

/// The names of all contexts.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CONTEXTS.iter().map(|(name, _)| *name)
}

/// The context of a route (`GET /api/tasks`) or of a worker (`importer`); `None` when it is the platform's.
pub(crate) fn of(route: &str) -> Option<&'static str> {
    let path = route.rsplit(' ').next().unwrap_or_default();
    if PLATFORM.iter().any(|prefix| path.starts_with(prefix)) {
        return None;
    }
    let is_below = |prefix: &&str| path.starts_with(*prefix) && (*prefix != "/" || path == "/");
    let found = CONTEXTS.iter().find(|(_, prefixes)| prefixes.iter().any(|prefix| is_below(prefix)));
    Some(found.unwrap_or_else(|| panic!("whose is {route}? Say it in tests/coupling/contexts.rs")).0)
}
