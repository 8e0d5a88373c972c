//! A catalogue that is as large as a bench needs it.

use domain::{Catalogue, catalogue::Repository};

/// The built-in catalogue as TOML, and its first `more` repositories once more under another owner: the simulated GitHub
/// gives each name items of its own.
#[must_use]
pub(crate) fn enlarged(more: usize) -> String {
    let Catalogue { repositories } = Catalogue::builtin();
    let known = repositories.iter().map(|repository| entry(repository.name.owner(), repository));
    let again = repositories.iter().take(more).map(|repository| entry("once-more", repository));
    known.chain(again).collect()
}

fn entry(owner: &str, Repository { name, language, reach, .. }: &Repository) -> String {
    let (name, language) = (name.name(), language.as_str());
    format!("[[repository]]\nname = \"{owner}/{name}\"\nlanguage = \"{language}\"\nreach = {reach}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_catalogue_with_so_many_more() {
        let catalogue: Catalogue = enlarged(3).parse().unwrap();
        assert_eq!(catalogue.repositories.len(), Catalogue::builtin().repositories.len() + 3);
    }
}
