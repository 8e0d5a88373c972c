//! A container for an engine, out of what a manifest says of its pod.

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use acceptance::{
    tempfile::TempDir,
    testcontainers::bollard::models::{
        ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig, PortBinding,
    },
};
use k8s_openapi::api::core::v1::{Container, PodSpec, Probe, Volume};
use step_10_containers::engine;
use step_11_kubernetes::{
    kubelet::Settings,
    objects::{Objects, Workload, name},
};

/// The manifests, and where their secrets and settings lie as files.
pub(crate) struct Described<'a> {
    objects: &'a Objects,
    network: &'a str,
    files: TempDir,
}

/// What a pod is asked.
pub(crate) struct Probes {
    pub(crate) startup: String,
    pub(crate) liveness: String,
    pub(crate) readiness: String,
    /// What its startup probe allows.
    pub(crate) starts_within: Duration,
}

impl<'a> Described<'a> {
    pub(crate) fn new(objects: &'a Objects, network: &'a str) -> Self {
        let files = TempDir::with_prefix("step-11-").unwrap();
        fs::set_permissions(files.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { objects, network, files }
    }

    fn workload(&self, wanted: &str) -> Workload<'a> {
        let found = self.objects.workloads().find(|workload| workload.name() == wanted);
        found.unwrap_or_else(|| panic!("there is no {wanted}"))
    }

    fn spec(&self, wanted: &str) -> &'a PodSpec {
        self.workload(wanted).template.spec.as_ref().unwrap()
    }

    /// The database of tests, where the manifests expect one. Its own settings are not tried here: the image may be another.
    pub(crate) fn database(&self) -> ContainerCreateBody {
        let image = std::env::var("WORKSHOP_POSTGRES_IMAGE").ok().filter(|image| !image.is_empty());
        let password = self.secret("postgres_password");
        ContainerCreateBody {
            image: Some(image.unwrap_or_else(|| "postgres:16-alpine".to_owned())),
            env: Some(vec![
                "POSTGRES_USER=automator".to_owned(),
                "POSTGRES_DB=automator".to_owned(),
                format!("POSTGRES_PASSWORD={password}"),
            ]),
            networking_config: Some(self.networking("postgres")),
            ..ContainerCreateBody::default()
        }
    }

    /// The container of `pod`'s only container, reached at `port` of this machine.
    pub(crate) fn container(&self, pod: &str, port: Option<u16>) -> ContainerCreateBody {
        let spec = self.spec(pod);
        let container = &spec.containers[0];
        let security = spec.security_context.as_ref().unwrap();
        let own = container.security_context.as_ref().unwrap();
        let limits = container.resources.as_ref().and_then(|it| it.limits.as_ref()).unwrap();
        let memory = limits["memory"].0.strip_suffix("Mi").unwrap().parse::<i64>().unwrap() << 20;
        let bindings = container.ports.iter().flatten().zip(port).map(|(inside, outside)| {
            let binding =
                PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(outside.to_string()) };
            (format!("{}/tcp", inside.container_port), Some(vec![binding]))
        });
        ContainerCreateBody {
            image: Some(engine::image(&service(container))),
            cmd: container.args.clone(),
            user: Some(format!("{}:{}", security.run_as_user.unwrap(), security.run_as_group.unwrap())),
            env: Some(self.environment(container)),
            networking_config: Some(self.networking(pod)),
            exposed_ports: Some(
                container.ports.iter().flatten().map(|port| format!("{}/tcp", port.container_port)).collect(),
            ),
            host_config: Some(HostConfig {
                port_bindings: Some(bindings.collect()),
                binds: Some(self.mounts(spec, container)),
                readonly_rootfs: own.read_only_root_filesystem,
                cap_drop: own.capabilities.as_ref().and_then(|it| it.drop.clone()),
                security_opt: Some(vec![format!(
                    "no-new-privileges:{}",
                    own.allow_privilege_escalation == Some(false)
                )]),
                memory: Some(memory),
                memory_swap: Some(memory),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    pub(crate) fn probes(&self, pod: &str) -> Probes {
        let container = &self.spec(pod).containers[0];
        let path = |probe: &Option<Probe>| {
            probe.as_ref().and_then(|probe| probe.http_get.as_ref()?.path.clone()).unwrap()
        };
        let startup = container.startup_probe.as_ref().unwrap();
        let seconds = startup.period_seconds.unwrap_or(10) * startup.failure_threshold.unwrap_or(3);
        Probes {
            startup: path(&container.startup_probe),
            liveness: path(&container.liveness_probe),
            readiness: path(&container.readiness_probe),
            starts_within: Duration::from_secs(u64::try_from(seconds).unwrap()),
        }
    }

    /// How long a pod has from SIGTERM to SIGKILL.
    pub(crate) fn after_the_sleep(&self, pod: &str) -> Duration {
        let spec = self.spec(pod);
        let lifecycle = spec.containers[0].lifecycle.as_ref();
        let sleep = lifecycle.and_then(|it| it.pre_stop.as_ref()?.sleep.as_ref()).map_or(0, |it| it.seconds);
        assert!(Settings::of(spec).unwrap().spare().is_some(), "{pod}: the end does not add up");
        Duration::from_secs(u64::try_from(spec.termination_grace_period_seconds.unwrap() - sleep).unwrap())
    }

    fn networking(&self, alias: &str) -> NetworkingConfig {
        let endpoint =
            EndpointSettings { aliases: Some(vec![alias.to_owned()]), ..EndpointSettings::default() };
        NetworkingConfig { endpoints_config: Some(HashMap::from([(self.network.to_owned(), endpoint)])) }
    }

    /// Its variables: those of the ConfigMaps, then its own.
    fn environment(&self, container: &Container) -> Vec<String> {
        let maps = container.env_from.iter().flatten().filter_map(|source| source.config_map_ref.as_ref());
        let settings =
            maps.flat_map(|wanted| self.map(&wanted.name)).map(|(key, value)| format!("{key}={value}"));
        let own = container.env.iter().flatten();
        let own = own.map(|it| format!("{}={}", it.name, it.value.as_deref().unwrap_or_default()));
        settings.chain(own).collect()
    }

    fn map(&self, wanted: &str) -> Vec<(&'a String, &'a String)> {
        let found = self.objects.config_maps.iter().find(|map| name(&map.metadata) == wanted);
        found.unwrap_or_else(|| panic!("there is no ConfigMap {wanted}")).data.iter().flatten().collect()
    }

    fn secret(&self, key: &str) -> String {
        let data = self.objects.secrets.iter().find_map(|secret| secret.data.as_ref()?.get(key));
        String::from_utf8(data.unwrap_or_else(|| panic!("no secret {key}")).0.clone()).unwrap()
    }

    /// Its volumes, as folders of this machine.
    fn mounts(&self, spec: &PodSpec, container: &Container) -> Vec<String> {
        let volumes = spec.volumes.iter().flatten();
        let mounted = container.volume_mounts.iter().flatten().map(|mount| {
            let volume = volumes.clone().find(|volume| volume.name == mount.name).unwrap();
            let folder = self.files.path().join(&container.name).join(&volume.name);
            self.write(&folder, volume);
            format!("{}:{}:ro", folder.display(), mount.mount_path)
        });
        mounted.collect()
    }

    fn write(&self, folder: &Path, volume: &Volume) {
        fs::create_dir_all(folder).unwrap();
        if let Some(map) = &volume.config_map {
            for (key, value) in self.map(&map.name) {
                fs::write(folder.join(key), value).unwrap();
            }
        }
        for item in volume.secret.iter().flat_map(|secret| secret.items.iter().flatten()) {
            fs::write(folder.join(&item.path), self.secret(&item.key)).unwrap();
        }
    }
}

/// The service whose image a container has.
fn service(container: &Container) -> String {
    let image = container.image.as_deref().unwrap_or_default();
    let name = image.split(':').next().unwrap_or_default();
    name.rsplit('/').next().unwrap_or_default().to_owned()
}
