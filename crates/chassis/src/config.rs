//! Configuration from the environment, refused before anything starts. The value of `NAME` may lie in a file that `NAME_FILE`
//! names.

mod files;

use std::{error::Error, process::ExitCode};

use clap::{
    Args, FromArgMatches, Parser,
    error::{ContextKind, ErrorKind},
};

use crate::health::Probe;

/// `EX_USAGE` of BSD's `sysexits.h`: the process was configured wrongly; starting it again will not help.
pub const EX_USAGE: u8 = 64;

/// What every process is asked beside its own work: whether it is ready, by `HEALTHCHECK` of its image.
const HEALTH: &str = "health";

/// Reads the configuration from command line and environment; ends the process with
/// [`EX_USAGE`] and one line on stderr when a value is missing or wrong. Called with `health`, the program asks the process
/// that runs beside it and ends ([`Probe`]).
#[must_use]
pub fn parse<C: Parser>() -> C {
    let asked = clap::Command::new(HEALTH).about("Ask the process that listens on PORT whether it is ready");
    let command = C::command().subcommand(Probe::augment_args(asked));
    let command = files::fill(command, &files::environment).unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        std::process::exit(EX_USAGE.into());
    });
    read(command).unwrap_or_else(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            error.exit();
        }
        eprintln!("{}", one_line(&error));
        std::process::exit(EX_USAGE.into());
    })
}

fn read<C: Parser>(mut command: clap::Command) -> Result<C, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    if let Some(asked) = matches.subcommand_matches(HEALTH) {
        let probe = Probe::from_arg_matches(asked).map_err(|error| error.format(&mut command))?;
        std::process::exit(i32::from(!probe.passes()));
    }
    C::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// The first paragraph of clap's message on one line. A value that cannot be read is not shown, because it
/// may be a secret: `error: invalid value for '--port <PORT>': invalid digit found in string`.
fn one_line(error: &clap::Error) -> String {
    if let (ErrorKind::ValueValidation, Some(argument)) = (error.kind(), error.get(ContextKind::InvalidArg)) {
        let reason = error.source().map(ToString::to_string).unwrap_or_default();
        return format!("error: invalid value for '{argument}': {reason}");
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or("error: the configuration is wrong").to_owned();
    lines.fold(first, |text, line| format!("{text} {line}"))
}

/// Says on stderr, in one line, why the configuration is refused; the exit code for `main`.
#[must_use]
pub fn refuse(reason: &str) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(EX_USAGE)
}

/// An address that a request can be sent to.
///
/// # Errors
/// What is wrong with it.
pub fn http_url(text: &str) -> Result<reqwest::Url, String> {
    match text.parse::<reqwest::Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => Err("must begin with http:// or https:// and name a host".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    struct Config {
        #[arg(long, env = "CHASSIS_TEST_PORT", value_name = "PORT")]
        port: u16,
    }

    #[test]
    fn a_bad_value_is_one_line_that_names_its_variable_and_never_shows_it() {
        for wrong in ["hunter2", "hunter2\n\nmore"] {
            let line = one_line(&Config::try_parse_from(["x", "--port", wrong]).unwrap_err());
            assert!(line.contains("PORT") && line.contains("invalid digit"), "{line}");
            assert!(!line.contains("hunter2") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_missing_value_is_one_line_that_names_it() {
        let line = one_line(&Config::try_parse_from(["x"]).unwrap_err());
        assert!(line.contains("--port <PORT>") && !line.contains('\n'), "{line}");
    }
}
