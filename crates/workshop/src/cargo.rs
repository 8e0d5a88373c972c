//! Cargo, started by us as the reader would start it.

use std::{env, ffi::OsStr, process::Command};

/// What `cargo run` tells the program that it runs about that program's own package. Inherited by a second cargo, it looks
/// like a changed setting to build scripts that ask for it (ring's does), and everything above them is compiled again.
fn is_about_us(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name.as_ref())
}

/// The cargo that started us, whose toolchain built us, or the one on the path.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_us(name)) {
        cargo.env_remove(name);
    }
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_cargo_hears_settings_but_nothing_about_our_package() {
        // This test itself runs under cargo, which has told it all of these.
        assert!(env::var_os("CARGO_PKG_NAME").is_some_and(|_| is_about_us("CARGO_PKG_NAME".as_ref())));
        let cargo = command();
        let removed: Vec<_> =
            cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(removed.contains(&OsStr::new(name)), "{name} is passed on");
        }
        for name in
            ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS", "CARGO_TERM_COLOR"]
        {
            assert!(!is_about_us(name.as_ref()), "{name} is a setting of the reader's");
        }
    }
}
