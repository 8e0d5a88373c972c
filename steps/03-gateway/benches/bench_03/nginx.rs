//! nginx, as what the gateway is measured beside, and as what both ask.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use acceptance::{
    anyhow::{Context, Result, ensure},
    harness::ports::Port,
};

use crate::servers::Server;

/// An nginx that can be started.
pub(crate) struct Nginx {
    program: PathBuf,
    version: String,
}

impl Nginx {
    /// Finds it on PATH, or where `WORKSHOP_NGINX` says.
    pub(crate) fn find() -> Result<Self> {
        let program = PathBuf::from(env::var_os("WORKSHOP_NGINX").unwrap_or_else(|| "nginx".into()));
        let output = Command::new(&program).arg("-v").output().with_context(|| {
            format!(
                "{} cannot be run: install nginx, or say where it is in WORKSHOP_NGINX",
                program.display()
            )
        })?;
        ensure!(output.status.success(), "{} -v failed", program.display());
        let version = String::from_utf8_lossy(&output.stderr).trim().replace("nginx version: ", "");
        Ok(Self { program, version })
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// A server of files of these names and sizes.
    pub(crate) fn serving(&self, folder: &Path, files: &[(&str, usize)]) -> Result<Server> {
        for (path, bytes) in files {
            fs::write(folder.join(path.trim_start_matches('/')), "x".repeat(*bytes))?;
        }
        let root = format!("root {}; open_file_cache max=10;", folder.display());
        self.start(folder, "upstream", "sendfile on;", &format!("location / {{ {root} }}"))
    }

    /// A proxy before `upstream` that does what the gateway does: it keeps connections, says who asks, and gives ids.
    pub(crate) fn proxying(&self, folder: &Path, upstream: &Server) -> Result<Server> {
        let address = upstream.base().trim_start_matches("http://");
        let outside =
            format!("upstream old {{ server {address}; keepalive 512; keepalive_requests 1000000000; }}");
        // Buffers for a whole answer, so that none is written to a file on its way.
        let location = "location / {
            proxy_pass http://old;
            proxy_http_version 1.1;
            proxy_buffers 12 32k;
            proxy_set_header Connection \"\";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Forwarded for=$remote_addr;proto=$scheme;
            proxy_set_header X-Request-Id $request_id;
            proxy_set_header Traceparent 00-$request_id-0000000000000001-00;
        }"
        .replace("for=$remote_addr;proto=$scheme", "\"for=$remote_addr;proto=$scheme\"");
        self.start(folder, "proxy", &outside, &location)
    }

    /// One process, which is its own only worker.
    fn start(&self, folder: &Path, name: &str, outside: &str, inside: &str) -> Result<Server> {
        let port = Port::take()?;
        let own = folder.join(name);
        fs::create_dir(&own)?;
        let own = own.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {own}/{kind};\n"))
            .collect();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {own}/pid;\nerror_log stderr crit;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n{temporary}access_log off;\nkeepalive_requests 1000000000;\n{outside}\n\
             server {{ listen 127.0.0.1:{} backlog=1024;\n{inside}\n}}\n}}\n",
            port.number()
        );
        let configuration = folder.join(format!("{name}.conf"));
        fs::write(&configuration, text)?;
        let mut command = Command::new(&self.program);
        command.arg("-p").arg(folder).arg("-c").arg(configuration);
        Server::start(command, port)
    }
}
