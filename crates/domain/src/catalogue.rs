//! The catalogue: which repositories are tracked, their language and base reach.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `owner/name` of a repository, at most 140 characters, in the spelling of its catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "sendgrid/rest")]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The whole `owner/name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl FromStr for RepositoryName {
    type Err = String;

    /// # Errors
    /// Anything but `owner/name` in GitHub's alphabet (letters, digits, `-`, `_`, `.`).
    fn from_str(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) && text.len() <= 140 => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be owner/name".to_owned()),
        }
    }
}

impl TryFrom<String> for RepositoryName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RepositoryName> for String {
    fn from(name: RepositoryName) -> Self {
        name.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A programming language as the catalogue names it: 1 to 40 lower-case letters, digits, `+`, `#` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "go")]
pub struct Language(String);

impl Language {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = String;

    /// # Errors
    /// Empty, too long, or letters outside the alphabet above.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'#' | b'-');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a language's name in lower case".to_owned())
        }
    }
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tracked repository.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// `owner/name`.
    pub name: RepositoryName,
    /// Its main language.
    pub language: Language,
    /// The language's base reach, 0 to 1,000,000 (see [`crate::Rice::reach`]).
    pub reach: f64,
}

/// A tracked repository as `GET /api/repositories` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositorySummary {
    /// `owner/name`.
    pub name: RepositoryName,
    /// Its main language.
    pub language: Language,
    /// Open issues that Automator has seen.
    pub open_issues: i64,
    /// Open pull requests that Automator has seen.
    pub open_pull_requests: i64,
}

/// The tracked repositories, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// At least one; names are unique, whatever their case.
    pub repositories: Vec<Repository>,
}

/// Why a catalogue was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML, or not the fields of a catalogue.
    #[error("{0}")]
    Syntax(#[from] Box<toml::de::Error>),
    /// No `[[repository]]` at all.
    #[error("it lists no repository")]
    Empty,
    /// Two entries for one repository.
    #[error("{0} is listed twice")]
    Duplicate(RepositoryName),
    /// A base reach that the ranking does not take.
    #[error("reach of {0} must lie between 0 and 1000000")]
    Reach(RepositoryName),
}

impl Catalogue {
    /// The languages of its repositories, each once, sorted.
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        let languages: BTreeSet<String> =
            self.repositories.iter().map(|repository| repository.language.to_string()).collect();
        languages.into_iter().collect()
    }

    /// The 24 repositories that ship with the workshop.
    ///
    /// # Panics
    /// Never: the file is part of the program and a test parses it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "compiled in, and parsed by a test")]
    pub fn builtin() -> Self {
        include_str!("catalogue.toml").parse().expect("the built-in catalogue is valid")
    }

    /// The repository of that name; GitHub's names ignore case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.name.as_str().eq_ignore_ascii_case(name))
    }
}

impl FromStr for Catalogue {
    type Err = CatalogueError;

    fn from_str(text: &str) -> Result<Self, CatalogueError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            repository: Vec<Repository>,
        }
        let File { repository: repositories } = toml::from_str(text).map_err(Box::new)?;
        if repositories.is_empty() {
            return Err(CatalogueError::Empty);
        }
        let mut seen = HashSet::new();
        for repository in &repositories {
            if !seen.insert(repository.name.as_str().to_ascii_lowercase()) {
                return Err(CatalogueError::Duplicate(repository.name.clone()));
            }
            if !(0.0..=1_000_000.0).contains(&repository.reach) {
                return Err(CatalogueError::Reach(repository.name.clone()));
            }
        }
        Ok(Self { repositories })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalogue_has_24_repositories_in_8_groups() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.repositories.len(), 24);
        let languages: HashSet<_> = catalogue.repositories.iter().map(|r| r.language.as_str()).collect();
        assert_eq!(
            languages,
            HashSet::from(["nodejs", "csharp", "php", "java", "ruby", "go", "python", "openapi"])
        );
    }

    #[test]
    fn a_repository_listed_twice_in_another_case_is_refused() {
        let entry = |name: &str| format!("[[repository]]\nname = \"{name}\"\nlanguage = \"go\"\nreach = 1\n");
        let error = format!("{}{}", entry("a/b"), entry("A/B")).parse::<Catalogue>().unwrap_err();
        assert_eq!(error.to_string(), "A/B is listed twice");
    }

    #[test]
    fn an_empty_or_out_of_range_catalogue_is_refused() {
        assert!(matches!("".parse::<Catalogue>(), Err(CatalogueError::Empty)));
        let error = "[[repository]]\nname = \"a/b\"\nlanguage = \"go\"\nreach = -1\n"
            .parse::<Catalogue>()
            .unwrap_err();
        assert!(matches!(error, CatalogueError::Reach(_)), "{error}");
    }

    #[test]
    fn names_without_exactly_one_slash_are_refused() {
        for bad in ["", "a", "/b", "a/", "a/b/c", "a b/c", "a/b#1"] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad:?}");
        }
    }
}
