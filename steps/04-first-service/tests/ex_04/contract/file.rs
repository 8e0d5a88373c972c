//! `contract.toml`: what the consumer asks, and what it needs of the answer.

use acceptance::{
    serde_json::{self, Map, Value},
    toml::Table,
};

use super::shape::{self, Filling};

/// What an interaction says.
const KEYS: [&str; 6] = ["name", "state", "request", "sends", "status", "answers"];
/// What can be true before an interaction.
pub(super) const STATES: [&str; 2] = ["nothing", "a failed message"];

/// The file.
pub(super) struct Contract {
    pub(super) interactions: Vec<Interaction>,
}

/// One question, and the answer that is needed.
pub(super) struct Interaction {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) method: String,
    /// With `<uuid>` where the id of a message goes.
    path: String,
    /// `null` where nothing is sent.
    pub(super) sends: Value,
    pub(super) status: u16,
    /// `null` where nothing is needed.
    pub(super) answers: Value,
}

impl Contract {
    /// # Errors
    /// What of it cannot be understood, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Table = text.parse().map_err(|error| format!("it is no TOML: {error}"))?;
        let file = serde_json::to_value(file).map_err(|error| error.to_string())?;
        if let Some(key) = other_than(&["interaction"], &file) {
            return Err(format!(
                "nobody reads [{key}] or [[{key}]]: each interaction begins with [[interaction]]"
            ));
        }
        let interactions = file["interaction"].as_array().into_iter().flatten();
        Ok(Self { interactions: interactions.map(Interaction::parse).collect::<Result<_, _>>()? })
    }
}

impl Interaction {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        let wrong = |what: &str| Err(format!("{name:?}: {what}"));
        if let Some(key) = other_than(&KEYS, value) {
            return wrong(&format!("nobody reads {key:?}; an interaction has {KEYS:?}"));
        }
        let state = text("state");
        if !STATES.contains(&state.as_str()) {
            return wrong(&format!("the state {state:?} is none of {STATES:?}"));
        }
        let request = text("request");
        let Some((method @ ("GET" | "POST"), path)) = request.split_once(' ') else {
            return wrong("its request is not like \"GET /internal/messages/<uuid>\"");
        };
        let Some(status) = value["status"].as_u64().and_then(|status| u16::try_from(status).ok()) else {
            return wrong("its status is no number");
        };
        let (sends, answers) = (value["sends"].clone(), value["answers"].clone());
        if let Some(unknown) = shape::unknown(&sends).or_else(|| shape::unknown(&answers)) {
            return wrong(&format!("{unknown:?} is no type; there are {:?}", shape::TYPES));
        }
        if let Some((place, _)) = shape::fields(&answers).into_iter().find(|(_, value)| *value == "<null>") {
            return wrong(&format!(
                "{place} is \"<null>\", a type for what is sent; an answer is not promised to stay empty"
            ));
        }
        if answers.as_object().is_some_and(Map::is_empty) {
            return wrong("[interaction.answers] is empty: it says nothing of the answer");
        }
        let (method, path) = (method.to_owned(), path.to_owned());
        Ok(Self { name, state, method, path, sends, status, answers })
    }

    /// The path and the body as they go out.
    pub(super) fn filled(&self, filling: &Filling) -> (String, Value) {
        (self.path.replace("<uuid>", &filling.id.to_string()), filling.fill(&self.sends))
    }

    /// The path as it is written.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// A key of `table` that is none of `known`.
fn other_than<'a>(known: &[&str], table: &'a Value) -> Option<&'a String> {
    table.as_object()?.keys().find(|key| !known.contains(&key.as_str()))
}
