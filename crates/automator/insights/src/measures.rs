//! `/api/measures`: how long the community waits.

use std::collections::{BTreeMap, HashMap};

use chassis::Fault;
use domain::{Group, GroupMeasures, Measures, MeasuresQuery, Waits, item::is_void};
use sqlx::FromRow;

use crate::{
    midnight,
    waits::{Line, Span, Speaker, waits},
};

/// An item that is measured.
#[derive(Debug, FromRow)]
pub struct ItemRow {
    item_id: String,
    /// The group that it belongs to.
    key: Option<String>,
    labels: String,
    waiting_since: Option<i64>,
}

/// A line of an item's timeline, in the order of items, then of time. There are several for each item, so what is the same for all of
/// them stands in [`ItemRow`].
#[derive(Debug, FromRow)]
pub struct LineRow {
    item_id: String,
    kind: String,
    at: i64,
    bot: i64,
    maintainer: i64,
}

/// The times of one group, in ms.
#[derive(Default)]
struct Times {
    contact: Vec<i64>,
    respond: Vec<i64>,
    close: Vec<i64>,
    waiting: Vec<i64>,
}

/// Whether the period is one.
///
/// # Errors
/// 422 for a period that ends before it begins.
pub fn check(params: &MeasuresQuery) -> Result<(), Fault> {
    match (params.from, params.to) {
        (Some(from), Some(to)) if from > to => Err(Fault::invalid("from", "must not be after `to`")),
        _ => Ok(()),
    }
}

/// What these timelines of `items` measure; a line of another item counts nowhere. `now` is epoch ms.
///
/// # Errors
/// A row that we cannot have written.
pub fn measures_of(
    items: &[ItemRow],
    lines: &[LineRow],
    params: &MeasuresQuery,
    now: i64,
) -> Result<Measures, Fault> {
    let period = params.from.map_or(i64::MIN, midnight)..params.to.map_or(i64::MAX, midnight);
    let mut groups: BTreeMap<Option<&str>, Times> = BTreeMap::new();
    let items: HashMap<&str, &ItemRow> = items.iter().map(|item| (item.item_id.as_str(), item)).collect();
    for timeline in lines.chunk_by(|a, b| a.item_id == b.item_id) {
        let Some(item) = timeline.first().and_then(|line| items.get(line.item_id.as_str())) else { continue };
        let timeline: Vec<Line<'_>> = timeline.iter().map(LineRow::line).collect();
        let waits = waits(&timeline);
        let ended = |span: &Span| period.contains(&span.1).then(|| span.1 - span.0);
        let times = groups.entry(item.key.as_deref()).or_default();
        times.contact.extend(waits.contact.as_ref().and_then(ended));
        times.respond.extend(waits.responses.iter().filter_map(ended));
        let labels: Vec<String> = serde_json::from_str(&item.labels).map_err(Fault::internal)?;
        if !is_void(&labels) {
            times.close.extend(waits.close.as_ref().and_then(ended));
        }
        times.waiting.extend(item.waiting_since.map(|since| (now - since).max(0)));
    }
    let groups = groups
        .into_iter()
        .map(|(key, times)| GroupMeasures {
            key: key.map(str::to_owned),
            time_to_contact: Waits::of(times.contact),
            time_to_respond: Waits::of(times.respond),
            time_to_close: Waits::of(times.close),
            waiting_now: Waits::of(times.waiting),
        })
        .collect();
    let group = params.group.unwrap_or(Group::Repository);
    Ok(Measures { from: params.from, to: params.to, group, groups })
}

impl LineRow {
    fn line(&self) -> Line<'_> {
        let speaker = match (self.maintainer, self.bot) {
            (1, _) => Speaker::Maintainer,
            (_, 1) => Speaker::Bot,
            _ => Speaker::Community,
        };
        Line { kind: &self.kind, speaker, at: self.at }
    }
}
