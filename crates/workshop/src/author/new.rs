//! `author new`: a step with all of its files, to be filled in.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{Usage, files, output::say, workshop::Workshop};

/// What a lesson has, in this order.
const HEADINGS: [&str; 9] = [
    "Where we are",
    "Why move on",
    "What changes",
    "Exercises",
    "Walk-through",
    "Check yourself",
    "What it cost",
    "What really happened",
    "Further reading",
];
/// What an instructor's page has.
const PAGE: [&str; 6] = ["Say", "Show", "Ask", "Watch for", "Cut line", "Recover"];

/// Writes the files of step `number`, and says what is left to do by hand.
pub(crate) fn new(workshop: &Workshop, number: u8, slug: &str, title: &str) -> Result<ExitCode> {
    let number = format!("{number:02}");
    if workshop.steps().iter().any(|step| step.number == number) {
        bail!(Usage(format!("there is a step {number} already")));
    }
    if slug.is_empty() || !slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        bail!(Usage(format!("{slug:?} is no name for a folder: lower case, digits and -")));
    }
    let name = format!("{number}-{slug}");
    let module = name.replace('-', "_");
    let lesson = HEADINGS.map(|heading| format!("\n## {heading}\n")).concat();
    let page = PAGE.map(|heading| format!("\n## {heading}\n")).concat();
    let last = workshop
        .steps()
        .last()
        .map(|step| format!("extends = \"../{}\"\n", step.folder()))
        .unwrap_or_default();
    let texts = [
        (
            format!("steps/{name}/Cargo.toml"),
            manifest(
                "step",
                &number,
                &name,
                &format!(
                    "\n# The learner's file in place of ours, for each exercise: see src/pieces.rs.\n[features]\nmine-{number}-1 = [\"dep:exercise-{name}\"]\n\
             \n[dependencies]\nexercise-{name} = {{ workspace = true, optional = true }}\nsolution-{name}.workspace = true\n\
             \n[dev-dependencies]\nacceptance.workspace = true\n\n[[test]]\nname = \"step_{number}\"\nharness = false\n\n[lints]\nworkspace = true\n"
                ),
            ),
        ),
        (format!("steps/{name}/src/lib.rs"), format!("//! Step {number}: {title}.\n\npub mod pieces;\n")),
        (
            format!("steps/{name}/src/pieces.rs"),
            format!(
                "//! The pieces that are exercises: ours, or with a feature `mine-…` the learner's own.\n\n\
             #[cfg(feature = \"mine-{number}-1\")]\npub use exercise_{module}::first;\n\
             #[cfg(not(feature = \"mine-{number}-1\"))]\npub use solution_{module}::first;\n"
            ),
        ),
        (
            format!("steps/{name}/system.toml"),
            format!(
                "# The processes of step {number}; the format is described in crates/harness/src/definition.rs.\nstep = \"{number}\"\nbinary = \"system-{number}\"\n{last}"
            ),
        ),
        (
            format!("steps/{name}/tests/step_{number}.rs"),
            format!(
                "//! The acceptance suite on the processes of step {number}.\n\nacceptance::main!(\"{number}\");\n"
            ),
        ),
        (
            format!("steps/{name}/tests/ex_{number}/main.rs"),
            format!("//! The exercises of step {number}, a module each, named by their slug.\n"),
        ),
        (format!("steps/{name}/README.md"), format!("# Step {number}: {title}\n{lesson}")),
        (format!("steps/{name}/INSTRUCTOR.md"), format!("# Step {number}: for the instructor\n{page}")),
        (
            format!("steps/{name}/checklist.md"),
            format!("# Step {number}: checklist\n\nThe three to five that matter first.\n"),
        ),
        (
            format!("solutions/{name}/Cargo.toml"),
            manifest(
                "solution",
                &number,
                &name,
                "\n# begin crate\n#| # A learner's half-finished file must not turn `cargo test --workspace` red.\n#| [lib]\n#| test = false\n#| doctest = false\n#|\n\
             # end crate\n[dependencies]\n\n# begin crate\n[lints]\nworkspace = true\n#| [lints.rust]\n#| unsafe_code = \"forbid\"\n#| unused = \"allow\"\n# end crate\n",
            ),
        ),
        (
            format!("solutions/{name}/src/lib.rs"),
            format!("//! The pieces of step {number} that are exercises, one file each.\n\npub mod first;\n"),
        ),
        (
            format!("solutions/{name}/src/first.rs"),
            format!("//! Exercise {number}.1: what to do.\n\n// begin {number}.1\n// end {number}.1\n"),
        ),
    ];
    for (path, text) in &texts {
        let path = workshop.root.join(path);
        if path.exists() {
            bail!("{} is there already; nothing of it was changed", workshop.shown(&path));
        }
        files::write(&path, text)?;
        say(&format!("written    {}", workshop.shown(&path)));
    }
    say("By hand now:");
    say(&format!(
        "  workshop.toml   [[step]] number = \"{number}\", slug = \"{slug}\", title = \"{title}\", its part; its [[exercise]]s"
    ));
    say(&format!("  Cargo.toml      members and paths of step-{name}, solution-{name} and exercise-{name}"));
    say(&format!("  solutions/{name}/wrong   five wrong answers an exercise"));
    say("Then       cargo workshop author sync, and cargo workshop author prove");
    Ok(ExitCode::SUCCESS)
}

/// A manifest whose end is `rest`.
fn manifest(kind: &str, number: &str, name: &str, rest: &str) -> String {
    let description =
        if kind == "step" { format!("description = \"Step {number}\"\n") } else { String::new() };
    format!(
        "[package]\nname = \"{kind}-{name}\"\n{description}version.workspace = true\nedition.workspace = true\n\
         rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n{rest}"
    )
}
