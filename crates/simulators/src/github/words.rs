//! The words of the generated data: titles, comments, labels, people. All invented.
//!
//! `{lang}`, `{version}`, `{thing}`, `{file}` and `{n}` are filled in by the generator.

/// Titles of issues. Some hold what a page or a log must survive: quotes, markup, other scripts, emoji.
pub(crate) const ISSUES: &[&str] = &[
    "How do I set a custom header in {lang}?",
    "{thing} throws after upgrading to {version}",
    "401 Unauthorized from {thing} although the API key is valid",
    "Timeout when sending more than {n} mails in a loop",
    "Attachment #{n} arrives with 0 bytes since {version}",
    "Document how to use {thing} with a proxy",
    "Substitution tags are not replaced in {thing}",
    "Add support for scheduled sends in {thing}",
    "Memory grows with every request ({n} MB after a day)",
    "Request body is logged in clear text by {thing}",
    "Typo in {file}: \"recieve\" → \"receive\" (line {n})",
    "<script>alert({n})</script> in the name of a sender is not escaped by {thing}",
    "Unicode in `from.name` is garbled since {version}: Zoë Müller → ZoÃ« MÃ¼ller",
    "日本語の件名が文字化けする ({version})",
    "Ошибка 403 при вызове {thing}",
    "L'exemple de {thing} ne compile pas",
    "🎃 Hacktoberfest: tests for {thing}",
    "What is the difference between 'categories' & 'unique_args' in {version}?",
    "Question: retry policy of {thing} in {version}?",
    "TLS 1.0 is still accepted by {thing}",
    "{version}: dependency with a known vulnerability in {thing}",
    "`{thing}` should return a typed error, not a string",
    "Feature request: async version of {thing}",
    "Batch of {n} personalizations is rejected with 400",
    "Make {thing} work behind a corporate proxy",
    "Examples in {file} use a method of {thing} that is gone",
    "Deprecate {lang} versions that reached their end of life in {version}",
    "{thing} cannot parse the response when its body is empty (HTTP 202)",
    "Wrong content type for inline images of more than {n} kB",
    "Can't install {version}: checksum mismatch",
    "Race condition in {thing} under load",
    "Click tracking rewrites links with a # in them ({version})",
    "Expose X-Message-Id in {thing}",
    "Support for IP pools in {thing}",
    "Email is sent twice when the connection is reset (seen {n} times)",
    "Null reference in {thing} when `reply_to` is missing",
    "Publish a changelog for {version}",
    "{thing} ignores the timeout it is given",
    "Test of {thing} fails on Windows because of \\r\\n",
    "Add a troubleshooting section: \"The from address does not match a verified Sender Identity\"",
];

/// Titles of pull requests.
pub(crate) const PULL_REQUESTS: &[&str] = &[
    "Fix typo in {file}: {thing}",
    "Add timeout option to {thing}",
    "Escape `<` and `>` in {thing} (fixes #{n})",
    "Add Dockerfile 🐳 for {version}",
    "Update examples of {thing} for {version}",
    "Drop unsupported {lang} versions from CI before {version}",
    "Add unit tests for {thing}",
    "Refactor {thing}: remove duplicated code",
    "docs: explain \"personalizations\" & {thing} in {file}",
    "Handle an empty body in {thing}",
    "Translate {file} (中文, Español, Français), part {n}",
    "Use HTTPS in all links of {file}",
    "Make {thing} thread-safe",
    "feat: typed errors for {thing}",
    "chore: release {version}",
    "Replace deprecated call in {thing}",
    "Run the formatter over {thing}",
    "WIP: async {thing}",
    "Fix null reference in {thing} when `reply_to` is missing",
    "Add a use case: <b>HTML</b> & {thing} ({file})",
    "Improve code coverage to {n}%",
    "Add {file}'s missing apostrophe – don't ask (#{n})",
    "[{lang}] Support for IP pools in {thing}",
    "Rename {thing} to follow the style guide",
    "Hacktoberfest: add table of contents to {file} 🎃 #{n}",
    "Retry idempotent requests on 5xx in {thing}",
    "Set User-Agent in {thing}",
    "Bump minimum {lang} version, see discussion in #{n}",
];

/// What titles speak of.
pub(crate) const THINGS: &[&str] = &[
    "MailHelper",
    "the HTTP client",
    "Attachment",
    "TrackingSettings",
    "the event webhook parser",
    "suppression groups",
    "Personalization",
    "the stats API",
    "template rendering",
    "the rate limiter",
    "Response",
    "the whitelabel endpoints",
];

/// Files that titles speak of.
pub(crate) const FILES: &[&str] = &[
    "README.md",
    "USAGE.md",
    "CONTRIBUTING.md",
    "TROUBLESHOOTING.md",
    "use-cases/README.md",
    "CODE_OF_CONDUCT.md",
];

/// Dependencies that the bot bumps.
pub(crate) const DEPENDENCIES: &[&str] =
    &["lodash", "requests", "guzzle", "jackson-databind", "rubocop", "Newtonsoft.Json", "flask", "mocha"];

/// What maintainers write.
pub(crate) const ANSWERS: &[&str] = &[
    "Thanks for reporting! Could you share the version you use and a minimal example?",
    "Thank you for the pull request. I have added it to our backlog for review.",
    "I can reproduce this. We will look into it.",
    "This works as designed; see the documentation on personalizations.",
    "Could you please sign the CLA so that we can review this?",
    "A fix is on master and will be in the next release.",
    "We would accept a pull request for this.",
];

/// What the community writes.
pub(crate) const REMARKS: &[&str] = &[
    "Same here.",
    "+1",
    "Any news on this? It blocks our release.",
    "I use the latest version. Here is what I see:\n\n```\nHTTP/1.1 400 Bad Request\n```",
    "Thanks, that helped! 🎉",
    "I have pushed the changes you asked for.",
    "Would a test for the empty case be enough?",
    "We worked around it with a `<pre>` block, but it isn't pretty.",
];

/// What reviewers write.
pub(crate) const REVIEWS: &[&str] = &[
    "Looks good!",
    "Please add a test.",
    "Could this be a separate function?",
    "",
    "Nit: a trailing space.",
];

/// What an item is about, with how often.
pub(crate) const TYPES: &[(i64, &str)] = &[
    (22, "type: bug"),
    (16, "type: community enhancement"),
    (7, "type: twilio enhancement"),
    (14, "type: question"),
    (4, "type: getting started"),
    (5, "type: support"),
    (4, "type: non-library issue"),
    (10, "type: docs update"),
    (3, "type: security"),
    (15, ""),
];

/// How much work an item is, with how often somebody has said so.
pub(crate) const DIFFICULTIES: &[(i64, &str)] = &[
    (30, "difficulty: easy"),
    (25, "difficulty: medium"),
    (12, "difficulty: hard"),
    (5, "difficulty: very hard"),
    (28, ""),
];

/// Where an open item stands.
pub(crate) const OPEN_STATUSES: &[(i64, &str)] = &[
    (20, "status: help wanted"),
    (14, "status: waiting for feedback"),
    (10, "status: work in progress"),
    (8, "status: code review request"),
    (4, "status: cannot reproduce"),
    (44, ""),
];

/// Why an item was closed without more ado.
pub(crate) const CLOSED_STATUSES: &[(i64, &str)] =
    &[(6, "status: duplicate"), (4, "status: invalid"), (5, "status: ready for deploy"), (85, "")];

/// What invites newcomers.
pub(crate) const INVITATIONS: &[&str] = &["good first issue", "up-for-grabs", "help wanted"];

/// The logins of the people who maintain the generated repositories. None exists.
pub(crate) const MAINTAINERS: [&str; 5] =
    ["dx-lead-7c1e", "dx-maintainer-3f2a", "dx-maintainer-9b04", "dx-docs-51d8", "dx-oncall-e6a3"];

/// Apps that open pull requests or comment, as GraphQL names them.
pub(crate) const DEPENDABOT: &str = "dependabot";
pub(crate) const CODECOV: &str = "codecov";
pub(crate) const STALE: &str = "stale";
