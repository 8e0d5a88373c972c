//! A container for an engine, out of what a manifest says of its pod.

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use acceptance::{
    other_postgres_image,
    tempfile::TempDir,
    testcontainers::bollard::models::{
        ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig, PortBinding,
    },
};
use k8s_openapi::api::core::v1::{Container, PodSpec, Probe, Volume, VolumeMount};
use manifests::containers::engine;
use manifests::kubernetes::objects::{Objects, Workload, name};

/// Who the database is, as its official image has it: another image may not know that number, and PostgreSQL wants a name for it.
const PEOPLE: &str = "root:x:0:0::/:/bin/sh\npostgres:x:70:70::/var/lib/postgresql:/bin/sh\n";
/// The pod of the database, its container and its image.
pub(crate) const DATABASE: &str = "postgres";

/// The manifests, and where their secrets and settings lie as files.
pub(crate) struct Described<'a> {
    objects: &'a Objects,
    network: &'a str,
    files: TempDir,
}

/// What a probe does.
pub(crate) enum Asks {
    /// GETs this path.
    Path(String),
    /// Runs this command in the container.
    Command(Vec<String>),
}

impl Asks {
    fn of(probe: Option<&Probe>) -> Self {
        let probe = probe.unwrap();
        match (&probe.http_get, &probe.exec) {
            (Some(get), None) => Self::Path(get.path.clone().unwrap()),
            (None, Some(exec)) => Self::Command(exec.command.clone().unwrap()),
            other => panic!("a probe that we cannot ask: {other:?}"),
        }
    }
}

/// What a pod is asked.
pub(crate) struct Probes {
    pub(crate) startup: Asks,
    pub(crate) liveness: Asks,
    pub(crate) readiness: Asks,
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
        let found = self.objects.workloads().find(|workload| workload.process() == wanted);
        found.unwrap_or_else(|| panic!("there is no {wanted}"))
    }

    fn spec(&self, wanted: &str) -> &'a PodSpec {
        self.workload(wanted).template.spec.as_ref().unwrap()
    }

    /// The container of `pod`'s only container, reached at `port` of this machine.
    pub(crate) fn container(&self, pod: &str, port: Option<u16>) -> ContainerCreateBody {
        let spec = self.spec(pod);
        let container = &spec.containers[0];
        let security = spec.security_context.as_ref().unwrap();
        let own = container.security_context.as_ref().unwrap();
        let limits = container.resources.as_ref().and_then(|it| it.limits.as_ref()).unwrap();
        let memory = mebibytes(&limits["memory"].0) << 20;
        let bindings = container.ports.iter().flatten().zip(port).map(|(inside, outside)| {
            let binding =
                PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(outside.to_string()) };
            (format!("{}/tcp", inside.container_port), Some(vec![binding]))
        });
        ContainerCreateBody {
            image: Some(image(container)),
            cmd: container.args.clone(),
            user: Some(format!("{}:{}", security.run_as_user.unwrap(), security.run_as_group.unwrap())),
            env: Some(self.environment(container)),
            networking_config: Some(self.networking(pod)),
            exposed_ports: Some(
                container.ports.iter().flatten().map(|port| format!("{}/tcp", port.container_port)).collect(),
            ),
            host_config: Some(HostConfig {
                port_bindings: Some(bindings.collect()),
                binds: Some(self.files(spec, container)),
                tmpfs: Some(folders(spec, container)),
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
        let startup = container.startup_probe.as_ref().unwrap();
        let seconds = startup.period_seconds.unwrap_or(10) * startup.failure_threshold.unwrap_or(3);
        Probes {
            startup: Asks::of(container.startup_probe.as_ref()),
            liveness: Asks::of(container.liveness_probe.as_ref()),
            readiness: Asks::of(container.readiness_probe.as_ref()),
            starts_within: Duration::from_secs(u64::try_from(seconds).unwrap()),
        }
    }

    /// How long a pod has from SIGTERM to SIGKILL.
    pub(crate) fn after_the_sleep(&self, pod: &str) -> Duration {
        let spec = self.spec(pod);
        let lifecycle = spec.containers[0].lifecycle.as_ref();
        let sleep = lifecycle.and_then(|it| it.pre_stop.as_ref()?.sleep.as_ref()).map_or(0, |it| it.seconds);
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

    /// Its settings and secrets, as folders of this machine.
    fn files(&self, spec: &PodSpec, container: &Container) -> Vec<String> {
        let given = mounts(spec, container).filter_map(|(mount, volume)| Some((mount, volume?)));
        let given = given.filter(|(_, volume)| volume.empty_dir.is_none());
        let mut binds: Vec<_> = given
            .map(|(mount, volume)| {
                let folder = self.files.path().join(&container.name).join(&volume.name);
                self.write(&folder, volume);
                let mounted = mount.sub_path.as_ref().map_or_else(|| folder.clone(), |one| folder.join(one));
                format!("{}:{}:ro", mounted.display(), mount.mount_path)
            })
            .collect();
        if container.name == DATABASE {
            let people = self.files.path().join("passwd");
            fs::write(&people, PEOPLE).unwrap();
            binds.push(format!("{}:/etc/passwd:ro", people.display()));
        }
        binds
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

/// What a container mounts, each with the pod's volume. A disk that is claimed is none of these.
fn mounts<'p>(
    spec: &'p PodSpec,
    container: &'p Container,
) -> impl Iterator<Item = (&'p VolumeMount, Option<&'p Volume>)> {
    let of = |mount: &VolumeMount| spec.volumes.iter().flatten().find(|volume| volume.name == mount.name);
    container.volume_mounts.iter().flatten().map(move |mount| (mount, of(mount)))
}

/// The folders that a container may write to, in memory: those that live as long as the pod, and its disk. They are its user's;
/// in a cluster they are its `fsGroup`'s.
fn folders(spec: &PodSpec, container: &Container) -> HashMap<String, String> {
    let user = spec.security_context.as_ref().and_then(|it| it.run_as_user).unwrap();
    let writable =
        mounts(spec, container).filter(|(_, volume)| volume.is_none_or(|volume| volume.empty_dir.is_some()));
    let options = |volume: Option<&Volume>| {
        let limit = volume.and_then(|volume| volume.empty_dir.as_ref()?.size_limit.as_ref());
        let limit = limit.map(|limit| format!(",size={}m", mebibytes(&limit.0)));
        format!("uid={user}{}", limit.unwrap_or_default())
    };
    writable.map(|(mount, volume)| (mount.mount_path.clone(), options(volume))).collect()
}

/// What `64Mi` says.
fn mebibytes(quantity: &str) -> i64 {
    quantity.strip_suffix("Mi").and_then(|number| number.parse().ok()).unwrap()
}

/// The image of a container, where tests have it from.
fn image(container: &Container) -> String {
    let image = container.image.as_deref().unwrap_or_default();
    let name = image.split(':').next().unwrap_or_default();
    if name == DATABASE {
        return other_postgres_image().unwrap_or_else(|| image.to_owned());
    }
    engine::image(name.rsplit('/').next().unwrap_or_default())
}
