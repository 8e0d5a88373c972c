//! Merges the answers to an exercise into as few files as it can, in which the answer is chosen when the program runs.
//!
//! A wrong answer is a file of some hundred lines, and a build of the step and its system for each of them is what
//! `cargo workshop author prove` would spend its time with. Answers differ in the bodies of a few functions, so one file can
//! hold them all (compilers' testers call it *mutant schemata*): see `merge`. What cannot be merged stays by itself.
//!
//! On standard input: the answers, a JSON array of texts. On standard output: the files, a JSON array of
//! `{"answers": [0, 2], "text": "…", "apart": null}`. `answers` counts from 0; a file of one answer is its own text, and one of
//! several reads the number of the answer that runs from the variable `WORKSHOP_ANSWER`. `apart` says what keeps them from the
//! first file.

mod merge;
mod parsed;

use std::io;

use anyhow::{Context, Result};
use serde::Serialize;

use self::{merge::merge, parsed::Answer};

/// Answers in one file.
#[derive(Debug, Serialize)]
struct File {
    answers: Vec<usize>,
    text: String,
    apart: Option<String>,
}

fn main() -> Result<()> {
    let texts: Vec<String> =
        serde_json::from_reader(io::stdin().lock()).context("standard input is no JSON array of texts")?;
    serde_json::to_writer(io::stdout().lock(), &files(&texts)).context("cannot write the files")
}

/// The files of these answers. Each answer goes into the first file that takes it.
fn files(texts: &[String]) -> Vec<File> {
    let mut files: Vec<(File, Vec<(usize, Answer)>)> = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let mut apart = None;
        let mut newcomer = match Answer::parse(text) {
            Ok(answer) => Some((number, answer)),
            Err(error) => {
                apart = Some(format!("it cannot be read as Rust: {error}"));
                None
            }
        };
        for (file, members) in files.iter_mut().filter(|(_, members)| !members.is_empty()) {
            let Some(answer) = newcomer.take() else { break };
            members.push(answer);
            let together: Vec<_> = members.iter().map(|(number, answer)| (*number, answer)).collect();
            match merge(&together) {
                Ok(merged) => {
                    file.text = merged;
                    file.answers.push(number);
                }
                Err(why) => {
                    newcomer = members.pop();
                    apart = apart.or(Some(why));
                }
            }
        }
        if files.iter().all(|(file, _)| !file.answers.contains(&number)) {
            let file = File { answers: vec![number], text: text.clone(), apart };
            files.push((file, newcomer.into_iter().collect()));
        }
    }
    files.into_iter().map(|(file, _)| file).collect()
}
