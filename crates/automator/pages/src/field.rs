//! Messages beside the fields of a form.

use domain::FieldError;

/// What is wrong with a form, field by field.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<FieldError>);

impl Errors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    pub(crate) fn extend(&mut self, errors: Vec<FieldError>) {
        self.0.extend(errors);
    }

    /// The message for a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// What was typed, as a `T`; a message for the field when it is none.
    pub(crate) fn read<T: std::str::FromStr>(&mut self, field: &str, text: &str, must: &str) -> Option<T> {
        let read = text.trim().parse().ok();
        if read.is_none() {
            self.push(field, must);
        }
        read
    }

    /// The same for a field that may be left empty: `Some(None)` when it is.
    pub(crate) fn read_optional<T: std::str::FromStr>(
        &mut self,
        field: &str,
        text: &str,
        must: &str,
    ) -> Option<Option<T>> {
        if text.trim().is_empty() { Some(None) } else { self.read(field, text, must).map(Some) }
    }
}

/// One of a select's options.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) selected: bool,
}

impl Choice {
    /// An option; `chosen` is the value that is selected.
    pub(crate) fn new(value: &str, label: impl Into<String>, chosen: &str) -> Self {
        Self { value: value.to_owned(), label: label.into(), selected: value == chosen }
    }

    /// An option that is shown by its value, in words.
    pub(crate) fn named(value: &str, chosen: &str) -> Self {
        Self::new(value, words(value), chosen)
    }
}

/// A name of the domain as people write it: `needs_review` is `needs review`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// A field of a form with what was typed, as `templates/field.html` shows it.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) input: &'static str,
    pub(crate) mode: Option<&'static str>,
    pub(crate) hint: Option<&'static str>,
    pub(crate) required: bool,
    /// A select, when there are any.
    pub(crate) choices: Vec<Choice>,
    pub(crate) error: Option<String>,
    /// The stored value, where another one was typed into an older version of the form.
    pub(crate) now: Option<String>,
}

impl Field {
    pub(crate) fn new(name: &'static str, label: &'static str, value: &str) -> Self {
        Self {
            name,
            label,
            value: value.to_owned(),
            input: "text",
            mode: None,
            hint: None,
            required: false,
            choices: Vec::new(),
            error: None,
            now: None,
        }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Type of the input element.
    pub(crate) fn input(self, input: &'static str) -> Self {
        Self { input, ..self }
    }

    /// Which keyboard a phone should show.
    pub(crate) fn mode(self, mode: &'static str) -> Self {
        Self { mode: Some(mode), ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) fn choices(self, choices: Vec<Choice>) -> Self {
        Self { choices, ..self }
    }

    pub(crate) fn error(self, error: Option<&str>) -> Self {
        Self { error: error.map(str::to_owned), ..self }
    }

    /// Says what is `stored` now, where the field says something else.
    pub(crate) fn now(self, stored: Option<&str>) -> Self {
        let now = stored.filter(|stored| *stored != self.value).map(|stored| match stored {
            "" => "none".to_owned(),
            stored => words(stored),
        });
        Self { now, ..self }
    }
}
