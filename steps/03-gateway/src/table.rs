//! The route table: which upstream answers what.

pub mod written;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};
use proxy::{
    Error,
    body::Upload,
    path::{self, Readings},
};

use crate::{
    admin,
    pieces::switch::{self, Share, Upstream as Side},
    shadowing::{ShadowRule, Shadowing},
};

pub use written::{Plan, Rule};

/// An upstream of ours: it is sent what clients upload.
type Upstream = proxy::upstream::Upstream<Upload>;

/// The table in use. It never changes; another one takes its place.
#[derive(Debug)]
pub struct Table {
    upstreams: BTreeMap<String, Arc<Upstream>>,
    closed: Vec<String>,
    /// The longest prefix first, and of the same prefix those that want a header first: the first match is the best.
    routes: Vec<Route>,
}

/// Who answers a request.
#[derive(Debug, Clone, Copy)]
pub enum Target<'t> {
    /// The gateway itself.
    Own,
    /// An upstream of this route.
    Route(&'t Route),
}

/// A rule with its upstreams at hand.
#[derive(Debug)]
pub struct Route {
    /// What the file says.
    pub rule: Rule,
    /// What has always answered.
    pub old: Arc<Upstream>,
    /// What is to replace it.
    pub new: Option<Arc<Upstream>>,
    /// The second upstream is asked what the first was asked.
    pub shadow: Option<Arc<Shadowing>>,
}

impl Table {
    /// Puts `plan` to work, on the runtime that it is called on. Connections and counts of `before` that still fit are kept.
    #[must_use]
    pub fn begin(plan: Plan, before: Option<&Self>) -> Self {
        let known = before.into_iter().flat_map(|table| table.upstreams.values());
        let known: BTreeMap<&str, _> = known.map(|upstream| (upstream.authority(), upstream)).collect();
        let upstreams = plan.upstreams.into_iter().map(|(name, authority)| {
            let upstream = known.get(authority.as_str()).map(|upstream| Arc::clone(upstream));
            (name, upstream.unwrap_or_else(|| Arc::new(Upstream::new(&authority))))
        });
        let upstreams: BTreeMap<String, Arc<Upstream>> = upstreams.collect();
        let upstream = |name: &String| upstreams.get(name).map(Arc::clone);
        let mut routes: Vec<Route> = plan
            .rules
            .into_iter()
            .filter_map(|rule| {
                let new = rule.new.as_ref().and_then(upstream);
                let shadow = new.as_ref().filter(|_| rule.shadow).map(|new| shadowing(&rule, new, before));
                // A plan names only upstreams that it has.
                Some(Route { old: upstream(&rule.old)?, new, shadow, rule })
            })
            .collect();
        routes.sort_by_key(|route| (std::cmp::Reverse(route.rule.prefix.len()), route.rule.header.is_none()));
        Self { upstreams, closed: plan.closed, routes }
    }

    /// Who answers a request for this path with these headers.
    ///
    /// # Errors
    /// Nobody does, or it depends on how the path is read.
    pub fn find(&self, path: &Readings<'_>, headers: &HeaderMap) -> Result<Target<'_>, Error> {
        let target = self.target(&path.literal, headers);
        if let Some(eager) = &path.eager {
            let other = self.target(eager, headers);
            let is_same = match (&target, &other) {
                (Some(Target::Route(one)), Some(Target::Route(other))) => std::ptr::eq(*one, *other),
                (Some(Target::Own), Some(Target::Own)) | (None, None) => true,
                _ => false,
            };
            if !is_same {
                return Err(Error::Ambiguous("its path leads to two routes, depending on who decodes it"));
            }
        }
        target.ok_or(Error::NoRoute)
    }

    fn target(&self, path: &str, headers: &HeaderMap) -> Option<Target<'_>> {
        if path::is_below(path, admin::PREFIX) {
            return Some(Target::Own);
        }
        if self.closed.iter().any(|prefix| path::is_below(path, prefix)) {
            return None;
        }
        let matching = self.routes.iter().find(|route| {
            path::is_below(path, &route.rule.prefix)
                && route.rule.header.as_ref().is_none_or(|wanted| {
                    headers.get_all(&wanted.name).iter().any(|value| value == wanted.value.as_str())
                })
        });
        matching.map(Target::Route)
    }

    /// All routes, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

/// The shadow of a rule: the one at work where nothing about it has changed.
fn shadowing(rule: &Rule, second: &Arc<Upstream>, before: Option<&Table>) -> Arc<Shadowing> {
    let wanted = ShadowRule {
        authority: second.authority().to_owned(),
        deadline: rule.timeout,
        ignore: rule.ignore.clone(),
    };
    let routes = before.map(Table::routes).unwrap_or_default();
    let known = routes.iter().find(|route| route.rule.name == rule.name);
    let known = known.and_then(|route| route.shadow.as_ref()).filter(|known| *known.rule() == wanted);
    known.map_or_else(|| Arc::new(Shadowing::begin(wanted, Arc::clone(second))), Arc::clone)
}

impl Route {
    /// Who answers a request with these headers: for one key always the same, as long as the percentage stays.
    #[must_use]
    pub fn choose(&self, headers: &HeaderMap) -> (Side, &Arc<Upstream>) {
        let old = (Side::Old, &self.old);
        let Some(new) = &self.new else { return old };
        let share = Share { route: &self.rule.name, percent: self.rule.percent };
        match switch::choose(&share, key(self.rule.key.as_ref(), headers)) {
            Side::Old => old,
            Side::New => (Side::New, new),
        }
    }

    /// How long nobody waits for longer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.rule.timeout
    }
}

/// What stays the same for one person. It may be a secret: it is hashed, and never written anywhere.
fn key<'h>(name: Option<&HeaderName>, headers: &'h HeaderMap) -> Option<&'h str> {
    headers.get(name?)?.to_str().ok()
}
