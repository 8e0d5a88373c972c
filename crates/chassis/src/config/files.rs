//! `NAME_FILE` in place of `NAME`: a value that is a file, as platforms hand over secrets (`/run/secrets/…`). A variable is
//! seen by whoever may inspect the container, and inherited by every child; a file has an owner.

use std::{env, ffi::OsString, fs, path::PathBuf};

use clap::{Arg, Command};

/// The longest value, in bytes: enough for any secret, and a wrong path ends soon.
const LONGEST: u64 = 64 * 1024;

/// The command that takes the value of each variable `NAME` also from the file that `NAME_FILE` names. What the command line
/// or `NAME` itself says comes first, so both together are refused.
///
/// # Errors
/// One line that names the variable, and never what is in the file.
pub(super) fn fill(command: Command, look: &impl Fn(&str) -> Option<OsString>) -> Result<Command, String> {
    let mut wrong = None;
    let filled = command.mut_args(|arg| match value(&arg, look) {
        Ok(Some(value)) => arg.default_value(value).hide_default_value(true).required(false),
        Ok(None) => arg,
        Err(reason) => {
            wrong.get_or_insert(reason);
            arg
        }
    });
    if let Some(reason) = wrong {
        return Err(reason);
    }
    let names: Vec<String> = filled.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    names.into_iter().try_fold(filled, |command, name| {
        let mut wrong = None;
        let command = command.mut_subcommand(name, |known| {
            fill(known.clone(), look).unwrap_or_else(|reason| {
                wrong = Some(reason);
                known
            })
        });
        wrong.map_or(Ok(command), Err)
    })
}

/// What the file says that the argument's variable names; `None` where no file is named.
fn value(arg: &Arg, look: &impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, String> {
    let Some(variable) = arg.get_env().and_then(|name| name.to_str()) else { return Ok(None) };
    let named = format!("{variable}_FILE");
    let Some(path) = look(&named).map(PathBuf::from) else { return Ok(None) };
    if look(variable).is_some() {
        return Err(format!("{variable} and {named} are both set; one of them is enough"));
    }
    let text = read(&path).map_err(|reason| format!("{named} names {}: {reason}", path.display()))?;
    // Editors end a file with a line end, and so does `echo`.
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read(path: &PathBuf) -> Result<String, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}

/// The environment of this process.
pub(super) fn environment(name: &str) -> Option<OsString> {
    env::var_os(name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

    use super::*;

    #[derive(Parser, Debug)]
    struct Config {
        #[arg(long, env = "FILES_TEST_TOKEN")]
        token: Option<String>,
        #[arg(long, env = "FILES_TEST_PORT", default_value_t = 1)]
        port: u16,
        #[command(subcommand)]
        deeper: Option<Deeper>,
    }

    #[derive(Subcommand, Debug)]
    enum Deeper {
        Serve {
            #[arg(long, env = "FILES_TEST_KEY")]
            key: String,
        },
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("automator-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    fn filled(environment: &[(&str, &Path)]) -> Result<Command, String> {
        let known: BTreeMap<_, _> = environment.iter().copied().collect();
        fill(Config::command(), &|name| known.get(name).map(|path| path.as_os_str().to_owned()))
    }

    fn parse(command: Command, arguments: &[&str]) -> Config {
        Config::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
    }

    #[test]
    fn a_value_comes_from_its_file_without_the_line_end_also_below_a_subcommand() {
        let path = file("token", "se cret\n");
        let command = filled(&[("FILES_TEST_TOKEN_FILE", &path), ("FILES_TEST_KEY_FILE", &path)]).unwrap();
        let config = parse(command, &["x", "serve"]);
        assert_eq!((config.token.as_deref(), config.port), (Some("se cret"), 1));
        let Some(Deeper::Serve { key }) = config.deeper else { panic!("no subcommand") };
        assert_eq!(key, "se cret");
    }

    #[test]
    fn the_command_line_comes_first_and_help_does_not_show_the_file() {
        let path = file("first", "hunter2");
        let mut command = filled(&[("FILES_TEST_TOKEN_FILE", &path)]).unwrap();
        assert!(!command.render_long_help().to_string().contains("hunter2"));
        assert_eq!(parse(command, &["x", "--token", "mine"]).token.as_deref(), Some("mine"));
    }

    #[test]
    fn a_missing_file_and_two_values_are_refused_by_name() {
        let refused = filled(&[("FILES_TEST_TOKEN_FILE", Path::new("/no/such/file"))]).unwrap_err();
        assert!(refused.starts_with("FILES_TEST_TOKEN_FILE names /no/such/file: "), "{refused}");
        let path = file("both", "hunter2");
        let refused =
            filled(&[("FILES_TEST_KEY_FILE", &path), ("FILES_TEST_KEY", Path::new("x"))]).unwrap_err();
        assert_eq!(refused, "FILES_TEST_KEY and FILES_TEST_KEY_FILE are both set; one of them is enough");
    }
}
