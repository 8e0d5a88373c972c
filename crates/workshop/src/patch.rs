//! Unified diffs: made for people, and applied to make the wrong answers of `author prove`.

use similar::TextDiff;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// How to come from `old` to `new`; empty when they are equal.
pub(crate) fn diff(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    diff_in(CONTEXT, old_name, old, new_name, new)
}

/// The same with so many `lines` of context.
pub(crate) fn diff_in(lines: usize, old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    TextDiff::from_lines(old, new).unified_diff().context_radius(lines).header(old_name, new_name).to_string()
}

/// Applies the hunks of a unified diff to `text`, each where its lines are found.
///
/// # Errors
/// No hunk, or lines that `text` does not have.
pub(crate) fn apply(text: &str, patch: &str) -> Result<String, String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut applied = 0;
    let mut from = 0;
    for hunk in patch.split("\n@@ ").skip(1) {
        let body: Vec<_> = hunk.lines().skip(1).filter(|line| !line.starts_with('\\')).collect();
        // An editor that trims lines leaves an empty one where an empty line of the context was.
        let side = |skipped: char| -> Vec<&str> {
            let kept = body.iter().filter(|line| !line.starts_with(skipped));
            kept.map(|line| line.get(1..).unwrap_or_default()).collect()
        };
        let (old, new) = (side('+'), side('-'));
        let found = (from..=lines.len().saturating_sub(old.len())).find(|&at| lines[at..].starts_with(&old));
        let at = found.ok_or_else(|| format!("hunk {} does not fit: {:?}", applied + 1, old.first()))?;
        from = at + new.len();
        lines.splice(at..at + old.len(), new);
        applied += 1;
    }
    if applied == 0 {
        return Err("there is no hunk in it".to_owned());
    }
    Ok(lines.iter().flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_can_be_applied() {
        let old: String = (1..30).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 3\n", "").replace("line 20\n", "line 20\nand a half\n");
        let patch = diff("a", &old, "b", &new);
        assert!(patch.starts_with("--- a\n+++ b\n@@ "), "{patch}");
        assert_eq!(apply(&old, &format!("Some words before it.\n{patch}")).unwrap(), new);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a", "x\n", "b", "x\n"), "");
    }

    #[test]
    fn a_patch_for_another_text_is_refused() {
        let patch = diff("a", "one\n", "b", "two\n");
        assert_eq!(apply("three\n", &patch).unwrap_err(), "hunk 1 does not fit: Some(\"one\")");
        assert!(apply("three\n", "no patch").is_err());
    }
}
