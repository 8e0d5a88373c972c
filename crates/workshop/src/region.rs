//! The regions of a solution, from which both the finished file and the starter are made.
//!
//! ```text
//! // begin 01.1 pin the due date      `#` instead of `//` in TOML, YAML and Dockerfiles
//! the solution
//! //| the starter, line by line
//! // end 01.1
//! ```
//!
//! What stands outside of regions belongs to both. A region without a starter becomes `todo!("01.1 pin the due date")`.

use std::fmt;

/// The two ways in which a comment begins.
const COMMENTS: [&str; 2] = ["//", "#"];

/// What is wrong with a file's regions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Counted from 1.
    line: usize,
    what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Wrong {}

/// A file with its regions told apart.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The file without any marker.
    pub(crate) solved: String,
    /// The file with the starter in place of each solution.
    pub(crate) starter: String,
    /// Whose regions there are, in order, each once.
    pub(crate) exercises: Vec<String>,
}

/// A region that is being read.
struct Open<'a> {
    exercise: &'a str,
    /// What the `todo!` says.
    hole: &'a str,
    comment: &'a str,
    indent: &'a str,
    has_starter: bool,
}

/// What a line is.
enum Line<'a> {
    Begin(&'a str),
    End(&'a str),
    Starter(&'a str),
    Text,
}

impl Source {
    /// Reads a solution's text.
    ///
    /// # Errors
    /// A region that is not closed, not opened, inside another one, or without a starter where `todo!` means nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut source = Self::default();
        let mut open: Option<(usize, Open<'_>)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: String| Wrong { line: number, what };
            let (comment, kind) = classify(line);
            match (kind, &mut open) {
                (Line::Begin(_), Some((_, region))) => {
                    return Err(wrong(format!("begins inside the region of {}", region.exercise)));
                }
                (Line::Begin(hole), None) => {
                    let exercise = hole.split(' ').next().unwrap_or_default();
                    let indent = &line[..line.len() - line.trim_start().len()];
                    open = Some((number, Open { exercise, hole, comment, indent, has_starter: false }));
                }
                (Line::End(exercise), Some((_, region))) if exercise == region.exercise => {
                    source.close(region).map_err(wrong)?;
                    open = None;
                }
                (Line::End(exercise), _) => return Err(wrong(format!("ends {exercise}, which is not open"))),
                (Line::Starter(_), None) => {
                    return Err(wrong("a starter line outside of any region".to_owned()));
                }
                (Line::Starter(text), Some((_, region))) => {
                    region.has_starter = true;
                    let indent =
                        if text.is_empty() { "" } else { &line[..line.len() - line.trim_start().len()] };
                    source.starter.push_str(&format!("{indent}{text}\n"));
                }
                (Line::Text, Some(_)) => push_line(&mut source.solved, line),
                (Line::Text, None) => {
                    push_line(&mut source.solved, line);
                    push_line(&mut source.starter, line);
                }
            }
        }
        match open {
            Some((line, region)) => Err(Wrong { line, what: format!("{} is never closed", region.exercise) }),
            None => Ok(source),
        }
    }

    fn close(&mut self, region: &Open<'_>) -> Result<(), String> {
        if !region.has_starter {
            if region.comment != "//" {
                return Err(format!("the region of {} has no starter", region.exercise));
            }
            self.starter.push_str(&format!("{}todo!({:?})\n", region.indent, region.hole));
        }
        if !self.exercises.iter().any(|known| known == region.exercise) {
            self.exercises.push(region.exercise.to_owned());
        }
        Ok(())
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// What the line is, and which comment made it so.
fn classify(line: &str) -> (&'static str, Line<'_>) {
    let trimmed = line.trim();
    for comment in COMMENTS {
        let Some(rest) = trimmed.strip_prefix(comment) else { continue };
        if let Some(starter) = rest.strip_prefix('|') {
            return (comment, Line::Starter(starter.strip_prefix(' ').unwrap_or(starter)));
        }
        if let Some(exercise) = rest.strip_prefix(" begin ") {
            return (comment, Line::Begin(exercise));
        }
        if let Some(exercise) = rest.strip_prefix(" end ") {
            return (comment, Line::End(exercise));
        }
    }
    ("", Line::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = "fn weight() -> f64 {\n    // begin 01.1\n    1.5\n    //| // too low?\n    //|\n    //| 1.0\n    \
                        // end 01.1\n}\n";

    #[test]
    fn a_region_is_the_solution_or_the_starter() {
        let source = Source::parse(RUST).unwrap();
        assert_eq!(source.solved, "fn weight() -> f64 {\n    1.5\n}\n");
        assert_eq!(source.starter, "fn weight() -> f64 {\n    // too low?\n\n    1.0\n}\n");
        assert_eq!(source.exercises, ["01.1"]);
    }

    #[test]
    fn a_region_without_a_starter_is_a_hole_that_names_itself() {
        let source = Source::parse("  // begin 05.1 map the fault\n  match x {}\n  // end 05.1\n").unwrap();
        assert_eq!(source.starter, "  todo!(\"05.1 map the fault\")\n");
    }

    #[test]
    fn toml_yaml_and_dockerfiles_have_other_comments() {
        let source = Source::parse("a: 1\n# begin 11.1\nb: 2\n#| b: 3\n# end 11.1\n").unwrap();
        assert_eq!((source.solved.as_str(), source.starter.as_str()), ("a: 1\nb: 2\n", "a: 1\nb: 3\n"));
        let wrong = Source::parse("# begin 11.1\nb: 2\n# end 11.1\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 3: the region of 11.1 has no starter");
    }

    #[test]
    fn windows_line_ends_are_read_as_any_other() {
        let source = Source::parse(&RUST.replace('\n', "\r\n")).unwrap();
        assert_eq!(source.starter, Source::parse(RUST).unwrap().starter);
    }

    #[test]
    fn other_comments_and_attributes_are_text() {
        let text = "#[test]\n// beginning\n/// begin 01.1\n// ends here\n#![doc]\n";
        let source = Source::parse(text).unwrap();
        assert_eq!((source.solved.as_str(), source.starter.as_str()), (text, text));
        assert!(source.exercises.is_empty());
    }

    #[test]
    fn a_marker_in_the_wrong_place_is_named_with_its_line() {
        for (text, wrong) in [
            ("// begin 01.1\n", "line 1: 01.1 is never closed"),
            ("\n// end 01.1\n", "line 2: ends 01.1, which is not open"),
            ("// begin 01.1\n// end 01.2\n", "line 2: ends 01.2, which is not open"),
            ("// begin 01.1\n// begin 01.2\n", "line 2: begins inside the region of 01.1"),
            ("//| x\n", "line 1: a starter line outside of any region"),
        ] {
            assert_eq!(Source::parse(text).unwrap_err().to_string(), wrong, "{text}");
        }
    }
}
