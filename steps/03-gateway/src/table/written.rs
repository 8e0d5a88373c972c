//! `gateway.toml`: the route table as people write it.
//!
//! ```toml
//! closed = ["/internal"]        # what nobody gets through this gateway, whatever the routes say; nothing unless told
//!
//! [upstream.old]
//! url = "${OLD_URL}"            # http, host and port; ${NAME} is taken from the environment
//!
//! [upstream.new]
//! url = "http://127.0.0.1:8082"
//!
//! [[route]]
//! name = "everything"
//! prefix = "/"                  # whole segments: /api has /api/tasks below it, and not /apiary
//! old = "old"                   # the upstream that has always answered
//! timeout_ms = 10_000           # until an answer begins, and then at most between two parts of it; 10 s unless told
//! body_limit = 5_242_880        # bytes of a request's body; 5 MiB unless told
//!
//! [[route]]
//! name = "tasks"                # unique; it salts the percentage, so that each route has other people in its first percent
//! prefix = "/api/tasks"         # the longest prefix wins
//! header = { name = "x-preview", value = "yes" }   # only with this header; wins over the same prefix without one
//! old = "old"
//! new = "new"                   # what is to replace it
//! percent = 10                  # how many of a hundred people get `new`: the switch. 0 unless told
//! key = "authorization"         # the header that stays the same for one person
//! shadow = true                 # `new` is also asked what `old` has answered, and the answers are compared
//! ignore = ["/items/*/updated_at"]   # places in the body that may differ
//! ```

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, Uri};
use kit_03_strangler::Ignore;
use proxy::path::{self, Readings};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::admin;

const TIMEOUT_MS: u64 = 10_000;
/// The longest body that Automator takes, a webhook: the gateway must not be narrower than what is behind it.
const BODY_LIMIT: u64 = 5 << 20;

/// A table that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Host and port, by name.
    pub upstreams: BTreeMap<String, String>,
    /// The prefixes of what no route leads to.
    pub closed: Vec<String>,
    /// At least one.
    pub rules: Vec<Rule>,
}

/// A route, as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Where it begins to match.
    pub prefix: String,
    /// A header that it wants.
    pub header: Option<WantedHeader>,
    /// The name of the upstream that has always answered.
    pub old: String,
    /// The name of the one that is to replace it.
    pub new: Option<String>,
    /// How many of a hundred people get the new one.
    pub percent: u8,
    /// The header that stays the same for one person.
    #[serde(skip)]
    pub key: Option<HeaderName>,
    /// Until an answer begins, and then between two parts of it.
    #[serde(skip)]
    pub timeout: Duration,
    /// Bytes of a request's body.
    #[serde(skip)]
    pub body_limit: u64,
    /// Whether the new one is asked what the old one was asked.
    pub shadow: bool,
    /// Where the answers may differ.
    #[serde(skip)]
    pub ignore: Ignore,
}

/// A header that a request must have for a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Its value, whole.
    pub value: String,
}

/// Why a table is refused, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadTable {
    /// Counted from 1.
    pub line: usize,
    /// One sentence.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    closed: Vec<Spanned<String>>,
    #[serde(default)]
    upstream: BTreeMap<String, WrittenUpstream>,
    #[serde(default)]
    route: Vec<WrittenRoute>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUpstream {
    url: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRoute {
    name: Spanned<String>,
    prefix: Spanned<String>,
    header: Option<Spanned<WantedHeader>>,
    old: Spanned<String>,
    new: Option<Spanned<String>>,
    percent: Option<Spanned<u64>>,
    key: Option<Spanned<String>>,
    timeout_ms: Option<Spanned<u64>>,
    body_limit: Option<u64>,
    shadow: Option<Spanned<bool>>,
    #[serde(default)]
    ignore: Ignore,
}

impl Plan {
    /// Reads a table; `variable` gives the values of `${NAME}`.
    ///
    /// # Errors
    /// The line with an unknown key, a wrong value, an unknown upstream, or a route that another one hides.
    pub fn read(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadTable> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let written: Written = toml::from_str(text).map_err(|error| BadTable {
            line: line(error.span().map_or(0, |span| span.start)),
            message: error.message().replace('\n', " "),
        })?;
        let located = |(at, message)| BadTable { line: line(at), message };
        let upstreams = written.upstream.into_iter().map(|(name, upstream)| {
            Ok((name, at(&upstream.url, |url| authority(&filled(url, &variable)?))?))
        });
        let upstreams = upstreams.collect::<Result<BTreeMap<_, _>, _>>().map_err(located)?;
        let closed = written
            .closed
            .iter()
            .map(|prefix| at(prefix, |prefix| check_prefix(prefix).map(|()| prefix.clone())));
        let closed = closed.collect::<Result<Vec<_>, _>>().map_err(located)?;
        let mut plan = Self { upstreams, closed, rules: Vec::new() };
        for route in written.route {
            let rule = plan.rule(route).map_err(located)?;
            plan.rules.push(rule);
        }
        if plan.rules.is_empty() {
            return Err(BadTable { line: 1, message: "there is no [[route]]".to_owned() });
        }
        Ok(plan)
    }

    fn rule(&self, route: WrittenRoute) -> Result<Rule, (usize, String)> {
        at(&route.name, |name| self.is_new_name(name))?;
        at(&route.prefix, |prefix| check_prefix(prefix))?;
        let header = route.header.as_ref().map(|header| at(header, wanted)).transpose()?;
        at(&route.prefix, |prefix| self.is_not_hidden(prefix, header.as_ref()))?;
        for upstream in [Some(&route.old), route.new.as_ref()].into_iter().flatten() {
            at(upstream, |name| self.is_known(name))?;
        }
        let percent = route.percent.as_ref().map(|value| at(value, |value| percent(*value))).transpose()?;
        let key = route.key.as_ref().map(|key| at(key, |key| header_name(key))).transpose()?;
        let timeout = route.timeout_ms.as_ref().map(|value| at(value, |value| milliseconds(*value)));
        if route.new.is_none() {
            if let Some(percent) = route.percent.as_ref().filter(|percent| *percent.get_ref() > 0) {
                return Err((
                    percent.span().start,
                    "percent: there is no `new` to send anybody to".to_owned(),
                ));
            }
            if let Some(shadow) = route.shadow.as_ref().filter(|shadow| *shadow.get_ref()) {
                return Err((shadow.span().start, "shadow: there is no `new` to be asked".to_owned()));
            }
        }
        Ok(Rule {
            name: route.name.into_inner(),
            prefix: route.prefix.into_inner(),
            header,
            old: route.old.into_inner(),
            new: route.new.map(Spanned::into_inner),
            percent: percent.unwrap_or(0),
            key,
            timeout: timeout.transpose()?.unwrap_or(Duration::from_millis(TIMEOUT_MS)),
            body_limit: route.body_limit.unwrap_or(BODY_LIMIT),
            shadow: route.shadow.is_some_and(Spanned::into_inner),
            ignore: route.ignore,
        })
    }

    fn is_new_name(&self, name: &str) -> Result<(), String> {
        if name.is_empty() || self.rules.iter().any(|rule| rule.name == name) {
            return Err(format!("name: {name:?} is empty, or another route's"));
        }
        Ok(())
    }

    fn is_known(&self, name: &str) -> Result<(), String> {
        if self.upstreams.contains_key(name) { Ok(()) } else { Err(format!("there is no [upstream.{name}]")) }
    }

    fn is_not_hidden(&self, prefix: &str, header: Option<&WantedHeader>) -> Result<(), String> {
        let same = self.rules.iter().find(|rule| rule.prefix == prefix && rule.header.as_ref() == header);
        match same {
            Some(other) => Err(format!("prefix: route {:?} matches the same requests", other.name)),
            None => Ok(()),
        }
    }
}

/// What `check` makes of a value, or the place of the value with the reason why not.
fn at<T, U>(value: &Spanned<T>, check: impl FnOnce(&T) -> Result<U, String>) -> Result<U, (usize, String)> {
    check(value.get_ref()).map_err(|message| (value.span().start, message))
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    match Readings::of(prefix) {
        Err(problem) => Err(format!("prefix: {prefix:?} cannot be one: {problem}")),
        Ok(Readings { eager: Some(_), .. }) => Err(format!("prefix: {prefix:?} can be read in two ways")),
        Ok(_) if prefix.contains('%') => Err(format!("prefix: write {prefix:?} without percent-encoding")),
        Ok(_) if path::is_below(prefix, admin::PREFIX) => {
            Err(format!("prefix: {} is the gateway's own", admin::PREFIX))
        }
        Ok(_) => Ok(()),
    }
}

fn wanted(header: &WantedHeader) -> Result<WantedHeader, String> {
    let name = header_name(&header.name)?.as_str().to_owned();
    Ok(WantedHeader { name, value: header.value.clone() })
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("{name:?} is no name of a header"))
}

fn percent(value: u64) -> Result<u8, String> {
    match u8::try_from(value) {
        Ok(percent @ 0..=100) => Ok(percent),
        _ => Err(format!("percent: {value} is not between 0 and 100")),
    }
}

fn milliseconds(value: u64) -> Result<Duration, String> {
    match value {
        1..=3_600_000 => Ok(Duration::from_millis(value)),
        _ => Err(format!("timeout_ms: {value} is not between 1 and 3600000")),
    }
}

/// Host and port of an upstream's URL.
fn authority(url: &str) -> Result<String, String> {
    let wrong = || format!("url: {url:?} is not like \"http://127.0.0.1:8081\"");
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority =
        uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
    let root = uri.path() == "/" && uri.query().is_none();
    if uri.scheme_str() != Some("http") || !root {
        return Err(wrong());
    }
    Ok(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)))
}

/// `text` with each `${NAME}` replaced.
fn filled(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').ok_or_else(|| format!("{text:?} has a ${{ without a }}"))?;
        filled.push_str(before);
        filled.push_str(&variable(name).ok_or_else(|| format!("the variable {name} is not set"))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSTREAMS: &str = "[upstream.old]\nurl = \"${OLD_URL}\"\n[upstream.new]\nurl = \"http://new\"\n";
    const ROUTE: &str = "[[route]]\nname = \"all\"\nprefix = \"/\"\nold = \"old\"\n";

    fn read(text: &str) -> Result<Plan, BadTable> {
        Plan::read(text, |name| (name == "OLD_URL").then(|| "http://127.0.0.1:1".to_owned()))
    }

    #[test]
    fn a_table_is_read_with_its_variables_and_defaults() {
        let plan = read(&format!("{UPSTREAMS}{ROUTE}")).unwrap();
        assert_eq!(plan.upstreams["old"], "127.0.0.1:1");
        assert_eq!(plan.upstreams["new"], "new:80");
        let rule = &plan.rules[0];
        assert_eq!((rule.percent, rule.shadow, rule.timeout.as_secs()), (0, false, 10));
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_line() {
        let with = |line: &str| format!("{UPSTREAMS}{ROUTE}{line}\n");
        for (text, line, word) in [
            (String::new(), 1, "route"),
            ("= broken".to_owned(), 1, ""),
            (UPSTREAMS.replace("OLD_URL", "NO_URL") + ROUTE, 2, "NO_URL"),
            (UPSTREAMS.replace("http://new", "https://new") + ROUTE, 4, "https"),
            (UPSTREAMS.replace("http://new", "http://new/path") + ROUTE, 4, "url"),
            (with("percent = 5"), 9, "new"),
            (with("shadow = true"), 9, "new"),
            (with("new = \"new\"\npercent = 101"), 10, "101"),
            (with("new = \"newer\""), 9, "newer"),
            (with("timeout_ms = 0"), 9, "timeout_ms"),
            (with("key = \"a b\""), 9, "a b"),
            (with("percentage = 5"), 9, "percentage"),
            (with("ignore = [\"items\"]"), 9, "items"),
            (with("header = { name = \"\", value = \"\" }"), 9, "header"),
            (with(&ROUTE.replace("all", "more")), 11, "all"),
            (with(&ROUTE.replace("\"/\"", "\"/x\"")), 10, "all"),
            (with(&ROUTE.replace("all", "x").replace("\"/\"", "\"/../x\"")), 11, ".."),
            (with(&ROUTE.replace("all", "x").replace("\"/\"", "\"/gateway/x\"")), 11, "gateway"),
            (format!("closed = [\"internal\"]\n{UPSTREAMS}{ROUTE}"), 1, "internal"),
        ] {
            let refused = read(&text).unwrap_err();
            assert_eq!(refused.line, line, "{refused}\n{text}");
            assert!(refused.message.contains(word) && !refused.message.contains('\n'), "{refused}\n{text}");
        }
    }
}
