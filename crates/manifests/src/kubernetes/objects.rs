//! Manifests as typed objects.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        batch::v1::Job,
        core::v1::{ConfigMap, Namespace, PodTemplateSpec, Secret, Service, ServiceAccount},
        networking::v1::{Ingress, NetworkPolicy},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{admission, strict};

/// Why manifests could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{path} cannot be read: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No YAML, or not of the shape that its kind has.
    #[error("{place}: {message}")]
    Shape {
        /// Where it stands.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Two objects of one kind and name: kubectl applies both, and what the second says is what stays; kustomize refuses them.
    #[error(
        "{place} is there twice: whoever is applied last is all that stays of the two, so each needs a name of its own"
    )]
    Twice {
        /// Which.
        place: String,
    },
    /// A kind that no rule here knows, or an API version that is none any more.
    #[error("{place}: no rule knows {what}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// Its API version and kind.
        what: String,
    },
    /// `kubectl kustomize` failed.
    #[error("kubectl kustomize: {0}")]
    Kustomize(String),
}

/// All objects of a cluster, or of one folder.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    /// What a pod may hold at most is said of its namespace.
    pub namespaces: Vec<Namespace>,
    /// Processes that serve.
    pub deployments: Vec<Deployment>,
    /// Processes with a disk.
    pub stateful_sets: Vec<StatefulSet>,
    /// Processes that end.
    pub jobs: Vec<Job>,
    /// Names for pods.
    pub services: Vec<Service>,
    /// The way in.
    pub ingresses: Vec<Ingress>,
    /// Who a pod is, to the cluster.
    pub service_accounts: Vec<ServiceAccount>,
    /// Settings.
    pub config_maps: Vec<ConfigMap>,
    /// Settings that nobody should see.
    pub secrets: Vec<Secret>,
    /// How many pods there are.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// How many may be taken away.
    pub disruption_budgets: Vec<PodDisruptionBudget>,
    /// Who may speak with whom.
    pub network_policies: Vec<NetworkPolicy>,
    /// Kind and name of each that was read.
    seen: Vec<String>,
}

impl Objects {
    /// What `kubectl kustomize` makes of `folder`.
    ///
    /// # Errors
    /// There is no kubectl, or the folder does not build, or has what no rule knows.
    pub fn built(folder: &Path) -> Result<Self, Error> {
        Self::parse(&folder.display().to_string(), &kustomize(folder)?)
    }

    /// Reads `text`, documents of YAML; `place` is named in errors.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::Unknown`].
    pub fn parse(place: &str, text: &str) -> Result<Self, Error> {
        let mut objects = Self::default();
        objects.add(place, text)?;
        Ok(objects)
    }

    /// Reads the YAML files at `paths`, as they are.
    ///
    /// # Errors
    /// As [`Objects::parse`], and a file that is not there.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut objects = Self::default();
        for path in paths {
            let text = fs::read_to_string(path);
            let text = text.map_err(|source| Error::File { path: path.clone(), source })?;
            objects.add(&path.display().to_string(), &text)?;
        }
        Ok(objects)
    }

    fn add(&mut self, place: &str, text: &str) -> Result<(), Error> {
        // As kubectl reads them: 0440 is octal.
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| Error::Shape { place: place.to_owned(), message: error.to_string() })?;
        for document in documents {
            self.add_one(place, document)?;
        }
        Ok(())
    }

    fn add_one(&mut self, place: &str, mut document: Value) -> Result<(), Error> {
        let word = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (word("apiVersion"), word("kind"));
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        let identity = format!("{kind} {name}");
        let place = format!("{place}, {identity}");
        if name.is_empty() {
            return Err(Error::Shape {
                place,
                message: "metadata.name: nothing is created without one".to_owned(),
            });
        }
        if self.seen.contains(&identity) {
            return Err(Error::Twice { place });
        }
        self.seen.push(identity);
        match (version.as_str(), kind.as_str()) {
            ("v1", "Namespace") => push(&mut self.namespaces, &place, &document),
            ("apps/v1", "Deployment") => push(&mut self.deployments, &place, &document),
            ("apps/v1", "StatefulSet") => push(&mut self.stateful_sets, &place, &document),
            ("batch/v1", "Job") => push(&mut self.jobs, &place, &document),
            ("v1", "Service") => push(&mut self.services, &place, &document),
            ("networking.k8s.io/v1", "Ingress") => push(&mut self.ingresses, &place, &document),
            ("v1", "ServiceAccount") => push(&mut self.service_accounts, &place, &document),
            ("v1", "ConfigMap") => push(&mut self.config_maps, &place, &document),
            ("v1", "Secret") => {
                // kubectl breaks long ones into lines; the API server reads over the breaks.
                for value in document["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
                    *value = value.as_str().unwrap_or_default().replace('\n', "").into();
                }
                push(&mut self.secrets, &place, &document)
            }
            ("autoscaling/v2", "HorizontalPodAutoscaler") => push(&mut self.autoscalers, &place, &document),
            ("policy/v1", "PodDisruptionBudget") => push(&mut self.disruption_budgets, &place, &document),
            ("networking.k8s.io/v1", "NetworkPolicy") => push(&mut self.network_policies, &place, &document),
            _ => Err(Error::Unknown { place, what: format!("{version} {kind}") }),
        }
    }

    /// What makes pods, each with its pods' template.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        let deployments = self.deployments.iter().map(|it| Workload {
            kind: "Deployment",
            meta: &it.metadata,
            template: &it.spec.template,
        });
        let stateful_sets = self.stateful_sets.iter().map(|it| Workload {
            kind: "StatefulSet",
            meta: &it.metadata,
            template: &it.spec.template,
        });
        let jobs = self.jobs.iter().filter_map(|it| {
            Some(Workload { kind: "Job", meta: &it.metadata, template: &it.spec.as_ref()?.template })
        });
        deployments.chain(stateful_sets).chain(jobs)
    }
}

/// Something that makes pods.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// Its kind.
    pub kind: &'static str,
    /// Its own name and labels.
    pub meta: &'a ObjectMeta,
    /// What its pods are.
    pub template: &'a PodTemplateSpec,
}

impl Workload<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        name(self.meta)
    }

    /// Which process its pods are, by their label `app`: the name of a migration has its version in it.
    #[must_use]
    pub fn process(&self) -> &str {
        let labels = self.template.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
        labels.and_then(|labels| labels.get("app")).map_or_else(|| self.name(), String::as_str)
    }

    /// Whether its pods serve until they are told to stop.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.kind != "Job"
    }
}

/// The name of an object.
#[must_use]
pub fn name(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

/// What kubectl is called by: what `WORKSHOP_KUBECTL` says, where it is set.
fn kubectl() -> OsString {
    env::var_os("WORKSHOP_KUBECTL").unwrap_or_else(|| "kubectl".into())
}

/// What `kubectl kustomize` prints for `folder`.
///
/// # Errors
/// [`Error::Kustomize`].
pub fn kustomize(folder: &Path) -> Result<String, Error> {
    let output = Command::new(kubectl()).arg("kustomize").arg(folder).output();
    let output = output.map_err(|error| Error::Kustomize(error.to_string()))?;
    if !output.status.success() {
        return Err(Error::Kustomize(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| Error::Kustomize(error.to_string()))
}

fn push<T: DeserializeOwned + Serialize + 'static>(
    list: &mut Vec<T>,
    place: &str,
    document: &Value,
) -> Result<(), Error> {
    let wrong = |message| Error::Shape { place: place.to_owned(), message };
    let object = strict::read(document).map_err(wrong)?;
    admission::refuses(&object).map_or(Ok(()), |why| Err(wrong(why)))?;
    list.push(object);
    Ok(())
}
