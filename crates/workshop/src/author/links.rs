//! Links in a step's lessons that lead nowhere.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use crate::{files, workshop::Workshop};

/// The dead links to files in the Markdown of `folder`, as sentences. Addresses on the network are not asked.
pub(crate) fn dead(workshop: &Workshop, folder: &Path) -> Result<Vec<String>> {
    let mut dead = Vec::new();
    for name in
        files::below(folder)?.into_iter().filter(|name| name.extension().is_some_and(|kind| kind == "md"))
    {
        let path = folder.join(&name);
        let text = files::read(&path)?.unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            for link in links(line) {
                let target = normal(&path.with_file_name("").join(link));
                if !target.exists() {
                    dead.push(format!("{}:{number}: nothing is at {link}", workshop.shown(&path)));
                }
            }
        }
    }
    Ok(dead)
}

/// The paths that a line links to: `](path#anchor)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|path| !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:"))
}

/// Without `..`, which a folder that is a link would make mean something else.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_files_are_followed() {
        let line = "[a](src/a.rs#L3), [b](https://x.y/z), [c](#here) and [d](../d.md)";
        assert_eq!(links(line).collect::<Vec<_>>(), ["src/a.rs", "../d.md"]);
        assert_eq!(normal(Path::new("/a/b/../c.md")), Path::new("/a/c.md"));
    }
}
