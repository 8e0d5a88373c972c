//! One file of several answers, which does in each run what one of them does.
//!
//! - What is equal in all of them stays as it is.
//! - A function whose body differs gets a body that chooses: `match workshop_answer() { 0 | 2 => { … } 1 => { … } … }`.
//! - What an answer imports and others do not, is imported inside of its own bodies only.
//! - A function, a constant or a type that only some have is simply there, if no other answer has a word of this name.
//! - Whatever else differs keeps the answers apart: a type, a signature, an attribute, an `impl` that only one has.
//!
//! So no answer sees anything of another one. Where that is not certain, they are not merged.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::parsed::{Answer, Function, Item, Kind, tokens};

/// The answers of a file with their numbers.
type Members<'a> = [(usize, &'a Answer)];

/// The items of one answer, of a file or of an `impl`, with the answer.
type List<'a> = (usize, &'a Answer, &'a [Item]);

/// Merges answers.
///
/// # Errors
/// What keeps them apart, as a sentence.
pub(crate) fn merge(members: &Members<'_>) -> Result<String, String> {
    let Some((_, first)) = members.first() else { return Err("there is no answer".to_owned()) };
    if members.iter().any(|(_, answer)| answer.attributes != first.attributes) {
        return Err("the attributes of the file differ".to_owned());
    }
    let merging = Merging { imports: own_imports(members)? };
    let mut text = "// Several answers in one file: `cargo workshop author prove` builds it once and runs each of them.\n\n"
        .to_owned();
    for attribute in &first.attributes {
        let _ = writeln!(text, "{attribute}");
    }
    for (import, _) in first.uses.iter().filter(|(import, _)| is_common(members, import)) {
        let _ = writeln!(text, "{import}");
    }
    let lists: Vec<List<'_>> =
        members.iter().map(|(number, answer)| (*number, *answer, answer.items.as_slice())).collect();
    text.push_str(&merging.items(&lists, true)?);
    text.push_str(&chosen(members));
    Ok(text)
}

fn is_common(members: &Members<'_>, import: &str) -> bool {
    members.iter().all(|(_, answer)| answer.uses.contains_key(import))
}

/// The imports of each answer that not all have.
fn own_imports(members: &Members<'_>) -> Result<BTreeMap<usize, String>, String> {
    let mut imports = BTreeMap::new();
    for (number, answer) in members {
        let mut own = String::new();
        for (import, name) in answer.uses.iter().filter(|(import, _)| !is_common(members, import)) {
            // Inside of bodies it is not seen by signatures and types, and by nobody else who imports it from here.
            let is_needed = name != "_" && members.iter().any(|(_, answer)| answer.outside.contains(name));
            if is_needed || name == "*" || !import.starts_with("use ") {
                return Err(format!("not all have `{import}`, and more than bodies may need it"));
            }
            own.push_str(import);
            own.push(' ');
        }
        imports.insert(*number, own);
    }
    Ok(imports)
}

/// Which of the answers runs.
fn chosen(members: &Members<'_>) -> String {
    let numbers: Vec<_> = members.iter().map(|(number, _)| *number).collect();
    format!(
        "
/// Which answer runs, in this process and in those that it starts.
fn workshop_answer() -> usize {{
    static CHOSEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {{
        let named = std::env::var(\"WORKSHOP_ANSWER\").unwrap_or_default();
        let chosen = {numbers:?}.into_iter().find(|number| number.to_string() == named);
        chosen.unwrap_or_else(|| panic!(\"WORKSHOP_ANSWER is {{named:?}}, which is no answer of this file\"))
    }})
}}
"
    )
}

struct Merging {
    /// What the bodies of each answer begin with.
    imports: BTreeMap<usize, String>,
}

impl Merging {
    /// The items of all lists; only where there `may_be_more` has one list more of them than another one.
    fn items(&self, lists: &[List<'_>], may_be_more: bool) -> Result<String, String> {
        let mut text = String::new();
        let mut done = BTreeSet::new();
        for item in lists.iter().flat_map(|(_, _, items)| *items) {
            if !done.insert(&item.key) {
                continue;
            }
            let mut having = Vec::new();
            for (number, answer, items) in lists {
                let mut found = items.iter().filter(|other| other.key == item.key);
                match (found.next(), &item.name) {
                    (Some(other), _) => having.push((*number, *answer, other)),
                    (None, Some(name)) if may_be_more && !answer.words.contains(name) => {}
                    (None, _) => return Err(format!("not all have `{}`", item.key)),
                }
                if found.next().is_some() {
                    return Err(format!("there are two of `{}`", item.key));
                }
            }
            let _ = writeln!(text, "\n{}", self.item(item, &having)?);
        }
        Ok(text)
    }

    /// One item, of those answers that have it.
    fn item(&self, first: &Item, having: &[(usize, &Answer, &Item)]) -> Result<String, String> {
        let differs = || format!("`{}` differs by more than bodies", first.key);
        match &first.kind {
            Kind::Other => {
                let is_equal = |other: &Item| tokens(&other.text) == tokens(&first.text);
                let all = having.iter().all(|(_, _, other)| is_equal(other));
                all.then(|| first.text.clone()).ok_or_else(differs)
            }
            Kind::Function(function) => {
                let mut bodies = Vec::new();
                for (number, _, other) in having {
                    match &other.kind {
                        Kind::Function(other) if other.signature == function.signature => {
                            bodies.push((*number, other));
                        }
                        _ => return Err(differs()),
                    }
                }
                self.function(first, function, &bodies)
            }
            Kind::Impl { head, attributes, of_a_trait, .. } => {
                let mut lists = Vec::new();
                for (number, answer, other) in having {
                    match &other.kind {
                        Kind::Impl { attributes: others, items, .. } if others == attributes => {
                            lists.push((*number, *answer, items.as_slice()));
                        }
                        _ => return Err(differs()),
                    }
                }
                Ok(format!("{head}{{{}}}", self.items(&lists, !of_a_trait)?))
            }
        }
    }

    /// A function that chooses its body, or that has only one.
    fn function(
        &self,
        item: &Item,
        function: &Function,
        all: &[(usize, &Function)],
    ) -> Result<String, String> {
        // In order of the first answer that has it, each with the answers that have it.
        let mut bodies: Vec<(String, Vec<usize>, String)> = Vec::new();
        for (number, function) in all {
            let imports = self.imports.get(number).map(String::as_str).unwrap_or_default();
            let compared = format!("{imports}{}", tokens(&function.body));
            match bodies.iter_mut().find(|(body, ..)| *body == compared) {
                Some((_, numbers, _)) => numbers.push(*number),
                None => {
                    let body = if imports.is_empty() {
                        function.body.clone()
                    } else {
                        format!("{{ {imports}{} }}", function.body)
                    };
                    bodies.push((compared, vec![*number], body));
                }
            }
        }
        if let [(_, _, body)] = bodies.as_slice() {
            return Ok(format!("{}{body}", function.head));
        }
        if let Some(why) = function.fixed {
            return Err(format!("`{}` differs, and it {why}", item.key));
        }
        let arms: String = bodies
            .iter()
            .map(|(_, numbers, body)| {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                format!("{} => {body}\n", numbers.join(" | "))
            })
            .collect();
        Ok(format!(
            "{}{{\nmatch workshop_answer() {{\n{arms}_ => unreachable!(\"no other answer gets here\"),\n}}\n}}",
            function.head
        ))
    }
}

#[cfg(test)]
mod tests;
