//! Makes Rust of the proto file. protox reads it, so that nobody has to install protoc.

use std::{env, fs, path::Path};

use prost::Message;

const FILE: &str = "automator/backlog/v1/backlog.proto";
const FOLDER: &str = "../proto";

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let files = protox::compile([FILE], [FOLDER])?;
    let out = env::var("OUT_DIR")?;
    // For whoever asks the service what it speaks.
    fs::write(Path::new(&out).join("backlog.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
