//! What may differ.

use serde::Deserialize;

/// Places in a JSON body that may differ, each with everything below it.
///
/// A pattern is a JSON pointer (RFC 6901) in which `*` stands for any one name or index: `/items/*/updated_at`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Ignore(Vec<Vec<String>>);

/// It is not a JSON pointer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in a body: write it like \"/items/*/updated_at\"")]
pub struct BadPattern(String);

impl Ignore {
    /// Reads the patterns.
    ///
    /// # Errors
    /// One that does not begin with `/`.
    pub fn new(patterns: impl IntoIterator<Item: Into<String>>) -> Result<Self, BadPattern> {
        patterns.into_iter().map(|pattern| parse(pattern.into())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether what stands at these steps, each escaped as in a pointer, may differ.
    pub(crate) fn has(&self, place: &[String]) -> bool {
        self.0.iter().any(|pattern| {
            pattern.len() == place.len()
                && pattern.iter().zip(place).all(|(wanted, step)| wanted == "*" || wanted == step)
        })
    }
}

impl TryFrom<Vec<String>> for Ignore {
    type Error = BadPattern;

    fn try_from(patterns: Vec<String>) -> Result<Self, BadPattern> {
        Self::new(patterns)
    }
}

fn parse(pattern: String) -> Result<Vec<String>, BadPattern> {
    let Some(steps) = pattern.strip_prefix('/') else { return Err(BadPattern(pattern)) };
    Ok(steps.split('/').map(str::to_owned).collect())
}
