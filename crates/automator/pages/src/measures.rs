//! `/measures`: how long the community waits, and who of it contributes.

use std::str::FromStr;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use chassis::{Ctx, Fault, extract::Query, session::Visitor};
use domain::{Group, GroupMeasures, Leaderboard, Measures, MeasuresQuery, Waits};
use serde::Deserialize;

use crate::{
    Pages, Result,
    chart::{self, Bar},
    field::{Choice, Errors, Field},
};

#[derive(Template)]
#[template(path = "measures.html")]
struct Page {
    visitor: Visitor,
    fields: Vec<Field>,
    sections: Vec<Section>,
    leaderboard: Option<Leaderboard>,
}

/// One of the measures, for every group.
struct Section {
    title: &'static str,
    meaning: &'static str,
    /// An `svg` element; `None` where nothing was measured.
    chart: Option<String>,
    rows: Vec<(String, Waits)>,
}

/// What the form asks for, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Form {
    group: String,
    from: String,
    to: String,
    year: String,
}

/// A name in a query, and what it selects: its title, what it means, and where its numbers are.
type Kind = (&'static str, &'static str, &'static str, fn(&GroupMeasures) -> Waits);

const KINDS: [Kind; 4] = [
    ("contact", "Time to contact", "from opening to the first word of a maintainer", |of| of.time_to_contact),
    (
        "respond",
        "Time to respond",
        "from a comment of the community to the next word of a maintainer",
        |of| of.time_to_respond,
    ),
    ("close", "Time to close", "from opening to the first close or merge", |of| of.time_to_close),
    ("waiting", "Waiting now", "how long those have waited for whom the community spoke last", |of| {
        of.waiting_now
    }),
];

/// The measures of a period, as charts and tables, and the leaderboard of a year. A value that does not fit shows the
/// form again with 422.
pub(crate) async fn show(
    State(pages): State<Pages>,
    ctx: Ctx,
    visitor: Visitor,
    Query(form): Query<Form>,
) -> Result<Response> {
    let mut errors = Errors::default();
    let day = "must be a day, like 2019-01-31";
    let query = MeasuresQuery {
        from: errors.read_optional("from", &form.from, day).flatten(),
        to: errors.read_optional("to", &form.to, day).flatten(),
        group: optional::<Group>(&mut errors, "group", &form.group, "must be one of the list"),
    };
    let year = match optional(&mut errors, "year", &form.year, "must be a year, like 2019") {
        Some(year) => year,
        None => pages.source.latest_year(&ctx).await?,
    };
    let mut sections = Vec::new();
    let mut leaderboard = None;
    if errors.is_empty() {
        match pages.source.measures(&ctx, query).await {
            Ok(measures) => sections = self::sections(&measures)?,
            Err(error) => keep(&mut errors, error)?,
        }
        match pages.source.leaderboard(&ctx, year).await {
            Ok(leaders) => leaderboard = Some(leaders),
            Err(error) => keep(&mut errors, error)?,
        }
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let fields = fields(&form, year, &errors);
    crate::page(status, &Page { visitor, fields, sections, leaderboard })
}

fn optional<T: FromStr>(errors: &mut Errors, field: &str, text: &str, must: &str) -> Option<T> {
    errors.read_optional(field, text, must).flatten()
}

/// Keeps what is wrong with the form; any other error is none of the form's.
fn keep(errors: &mut Errors, fault: Fault) -> Result<()> {
    match fault {
        Fault::Invalid(wrong) => {
            errors.extend(wrong);
            Ok(())
        }
        fault => Err(fault),
    }
}

fn fields(form: &Form, year: i16, errors: &Errors) -> Vec<Field> {
    let group = if form.group.is_empty() { Group::Repository.as_str() } else { &form.group };
    let groups = Group::ALL.iter().map(|known| Choice::named(known.as_str(), group)).collect();
    let year = if form.year.is_empty() { year.to_string() } else { form.year.clone() };
    let field = |name, label, value: &str| Field::new(name, label, value).error(errors.of(name));
    vec![
        field("group", "By", group).choices(groups),
        field("from", "From", &form.from).input("date"),
        field("to", "Before", &form.to).input("date"),
        field("year", "Leaderboard of", &year).mode("numeric"),
    ]
}

fn sections(measures: &Measures) -> Result<Vec<Section>> {
    let sections = KINDS.iter().map(|&(id, title, meaning, of)| {
        let rows: Vec<(String, Waits)> = measures
            .groups
            .iter()
            .map(|group| (group.key.clone().unwrap_or_else(|| "none".to_owned()), of(group)))
            .filter(|(_, waits)| waits.count > 0)
            .collect();
        let bars: Vec<Bar> = rows
            .iter()
            .filter_map(|(name, waits)| Some(Bar { name: name.clone(), p50: waits.p50?, p90: waits.p90? }))
            .collect();
        let description =
            format!("Median and 90th percentile in hours by {}; the table has the numbers.", measures.group);
        let chart = if bars.is_empty() { None } else { Some(chart::bars(id, title, &description, &bars)?) };
        Ok(Section { title, meaning, chart, rows })
    });
    sections.collect()
}

/// Hours as a table shows them.
fn hours(hours: &Option<f64>) -> String {
    hours.map(|hours| format!("{hours:.1}")).unwrap_or_default()
}
