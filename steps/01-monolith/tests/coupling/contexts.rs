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
    ("backlog", &["/api/tasks", "/api/rules", "ruler"]),
    ("team", &["/api/team"]),
    ("notify", &["/api/notifications", "/email", "/sms", "messenger"]),
    ("insights", &["/api/measures", "/api/leaderboard"]),
    ("web", &["/api/digests", "/measures", "/tasks", "/team", "/sign-", "/"]),
];

/// The names of all contexts.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CONTEXTS.iter().map(|(name, _)| *name)
}

/// The context of a route (`GET /api/tasks`) or of a worker (`importer`).
pub(crate) fn of(route: &str) -> &'static str {
    let path = route.rsplit(' ').next().unwrap_or_default();
    let is_below = |prefix: &&str| path.starts_with(*prefix) && (*prefix != "/" || path == "/");
    let found = CONTEXTS.iter().find(|(_, prefixes)| prefixes.iter().any(|prefix| is_below(prefix)));
    found.unwrap_or_else(|| panic!("whose is {route}? Say it in tests/coupling/contexts.rs")).0
}
