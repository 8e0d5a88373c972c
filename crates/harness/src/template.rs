//! `{name}` in a value of `system.toml`.
//!
//! `{name}` is replaced by what the caller gave for it and is an error when nothing was given. `{name?}` leaves the
//! whole variable out instead, for settings that have a default. `{{` and `}}` are braces.

/// A value with its placeholders found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name { name: String, optional: bool },
}

impl Template {
    /// Finds the placeholders of `text`; an `Err` says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let doubled = ["{{", "}}"].into_iter().find(|doubled| rest[at..].starts_with(doubled));
            if let Some(doubled) = doubled {
                literal.push_str(&doubled[..1]);
                rest = &rest[at + 2..];
                continue;
            }
            let name = rest[at..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let Some((name, after)) = name else {
                return Err(format!(
                    "a brace without its partner in {text:?} (write {{{{ or }}}} for a brace)"
                ));
            };
            let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || !name.chars().all(right) {
                return Err(format!("{{{name}}} is no placeholder (write {{{{ or }}}} for a brace)"));
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Name { name: name.to_owned(), optional });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The names of the placeholders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Name { name, .. } => Some(name.as_str()),
        })
    }

    /// Whether it may be left out.
    pub(crate) fn is_optional(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name { optional: true, .. }))
    }

    /// The text with every placeholder replaced; `None` when an optional one has no value. An `Err` names one that has
    /// none and is not optional.
    pub(crate) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Name { name, optional } => match value(name) {
                    Some(value) => text.push_str(&value),
                    None if *optional => return Ok(None),
                    None => return Err(name.clone()),
                },
            }
        }
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<Option<String>, String> {
        Template::parse(text)?.fill(|name| (name == "url.web").then(|| "http://web".to_owned()))
    }

    #[test]
    fn a_placeholder_is_replaced_and_doubled_braces_are_braces() {
        assert_eq!(fill("{url.web}/hook?x={{1}}").unwrap().unwrap(), "http://web/hook?x={1}");
        assert_eq!(fill("plain").unwrap().unwrap(), "plain");
        assert_eq!(fill("").unwrap().unwrap(), "");
    }

    #[test]
    fn a_placeholder_without_a_value_is_named_unless_it_is_optional() {
        assert_eq!(fill("{nobody}"), Err("nobody".to_owned()));
        assert_eq!(fill("x{nobody?}"), Ok(None));
    }

    #[test]
    fn a_lonely_brace_is_refused() {
        for text in ["{url.web", "url.web}", "{}", "{a b}", "{?}", "{{}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
