//! Amounts of cpu, memory and other resources, and what a pod asks for.
//!
//! Source: `staging/src/k8s.io/component-helpers/resource/helpers.go` (`PodRequests`) and
//! `pkg/scheduler/util/pod_resources.go` (the charge for missing requests), v1.36. Left out:
//! pod-level resources and in-place resize.

use super::name::Name;
use super::quantity::Quantity;

/// `cpu`.
pub const CPU: &str = "cpu";
/// `memory`.
pub const MEMORY: &str = "memory";
/// `ephemeral-storage`.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
/// `pods`.
pub const PODS: &str = "pods";

/// What a container that names no cpu is charged when nodes are scored (millicores).
pub const DEFAULT_CPU_MILLI: i64 = 100;
/// What a container that names no memory is charged when nodes are scored (bytes).
pub const DEFAULT_MEMORY_BYTES: i64 = 200 * 1024 * 1024;

/// A resource list as written: name to quantity, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceList(pub Vec<(Name, Quantity)>);

impl ResourceList {
    /// The amount of `resource`, if it is named.
    pub fn get(&self, resource: &str) -> Option<Quantity> {
        self.0.iter().find(|(name, _)| *name == resource).map(|&(_, quantity)| quantity)
    }

    /// Sets the amount of `resource`.
    pub fn set(&mut self, resource: impl Into<Name>, quantity: Quantity) {
        let resource = resource.into();
        match self.0.binary_search_by(|(name, _)| name.cmp(&resource)) {
            Ok(index) => self.0[index].1 = quantity,
            Err(index) => self.0.insert(index, (resource, quantity)),
        }
    }
}

impl ResourceList {
    /// Whether [`ResourceList::round_up_to_milli`] would change anything.
    pub fn has_fractions_of_milli(&self) -> bool {
        self.0.iter().any(|(_, quantity)| quantity.rounded_up_to_milli() != *quantity)
    }

    /// Rounds every amount up to thousandths, as the API server does on the way in (`SetDefaults_ResourceList`).
    pub fn round_up_to_milli(&mut self) {
        for (_, quantity) in &mut self.0 {
            *quantity = quantity.rounded_up_to_milli();
        }
    }
}

/// Amounts as the scheduler and the kubelets count them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resources {
    /// Cpu (millicores).
    pub cpu_milli: i64,
    /// Memory (bytes).
    pub memory_bytes: i64,
    /// Ephemeral storage (bytes).
    pub ephemeral_bytes: i64,
    /// Pods (count); only nodes have this.
    pub pods: i64,
    /// Extended resources and huge pages, sorted by name.
    pub scalars: Vec<(Name, i64)>,
}

impl From<&ResourceList> for Resources {
    fn from(list: &ResourceList) -> Resources {
        let mut resources = Resources::default();
        for (name, quantity) in &list.0 {
            match name.as_str() {
                CPU => resources.cpu_milli = quantity.milli(),
                MEMORY => resources.memory_bytes = quantity.units(),
                EPHEMERAL_STORAGE => resources.ephemeral_bytes = quantity.units(),
                PODS => resources.pods = quantity.units(),
                _ => resources.scalars.push((name.clone(), quantity.units())),
            }
        }
        resources
    }
}

impl Resources {
    /// The amount of the extended resource `name`.
    pub fn scalar(&self, name: &str) -> i64 {
        self.scalars.iter().find(|(scalar, _)| *scalar == name).map_or(0, |&(_, amount)| amount)
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Resources) {
        self.merge(other, |mine, theirs| mine + theirs);
    }

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Resources) {
        self.merge(other, |mine, theirs| mine - theirs);
    }

    /// Raises every amount to at least that of `other`.
    pub fn raise_to(&mut self, other: &Resources) {
        self.merge(other, i64::max);
    }

    fn merge(&mut self, other: &Resources, combine: impl Fn(i64, i64) -> i64) {
        self.cpu_milli = combine(self.cpu_milli, other.cpu_milli);
        self.memory_bytes = combine(self.memory_bytes, other.memory_bytes);
        self.ephemeral_bytes = combine(self.ephemeral_bytes, other.ephemeral_bytes);
        self.pods = combine(self.pods, other.pods);
        for (name, amount) in &other.scalars {
            match self.scalars.binary_search_by(|(scalar, _)| scalar.cmp(name)) {
                Ok(index) => self.scalars[index].1 = combine(self.scalars[index].1, *amount),
                Err(index) => self.scalars.insert(index, (name.clone(), combine(0, *amount))),
            }
        }
    }
}

/// What matters of a container for its pod's requests.
pub struct ContainerRequests<'a> {
    /// `resources.requests`.
    pub requests: &'a ResourceList,
    /// Whether it is an init container that keeps running beside the others.
    pub is_sidecar: bool,
}

impl ContainerRequests<'_> {
    fn amounts(&self, charge_missing: bool) -> Resources {
        let mut amounts = Resources::from(self.requests);
        if charge_missing && self.requests.get(CPU).is_none() {
            amounts.cpu_milli = DEFAULT_CPU_MILLI;
        }
        if charge_missing && self.requests.get(MEMORY).is_none() {
            amounts.memory_bytes = DEFAULT_MEMORY_BYTES;
        }
        amounts
    }
}

/// The requests of a pod: the sum over its containers, or what one of its init containers needs if that is more, plus
/// its overhead. With `charge_missing`, containers that name no cpu or memory are charged the scheduler's default.
pub fn pod_requests(
    containers: &[ContainerRequests<'_>],
    init_containers: &[ContainerRequests<'_>],
    overhead: &ResourceList,
    charge_missing: bool,
) -> Resources {
    let mut total = Resources::default();
    for container in containers {
        total.add(&container.amounts(charge_missing));
    }
    let mut sidecars = Resources::default();
    let mut init = Resources::default();
    for container in init_containers {
        let amounts = container.amounts(charge_missing);
        if container.is_sidecar {
            total.add(&amounts);
            sidecars.add(&amounts);
            init.raise_to(&sidecars);
        } else {
            let mut with_sidecars = amounts;
            with_sidecars.add(&sidecars);
            init.raise_to(&with_sidecars);
        }
    }
    total.raise_to(&init);
    total.add(&Resources::from(overhead));
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cpu: &str) -> ResourceList {
        let mut list = ResourceList::default();
        list.set(CPU, Quantity::parse(cpu).unwrap());
        list
    }

    #[test]
    fn init_containers_count_where_they_need_more() {
        let lists = ["100m", "200m", "50m", "500m"].map(list);
        let [one, two, sidecar, init] = &lists;
        let plain = |requests| ContainerRequests { requests, is_sidecar: false };
        let beside = ContainerRequests { requests: sidecar, is_sidecar: true };
        let total = pod_requests(&[plain(one), plain(two)], &[beside, plain(init)], &ResourceList::default(), false);
        assert_eq!(total.cpu_milli, 550, "the init container runs beside the sidecar");
    }

    #[test]
    fn a_container_without_requests_is_charged_only_for_scoring() {
        let [empty, zero] = [ResourceList::default(), list("0")];
        let containers = [&empty, &zero].map(|requests| ContainerRequests { requests, is_sidecar: false });
        let charged = pod_requests(&containers, &[], &ResourceList::default(), true);
        assert_eq!((charged.cpu_milli, charged.memory_bytes), (DEFAULT_CPU_MILLI, 2 * DEFAULT_MEMORY_BYTES));
        let real = pod_requests(&containers, &[], &ResourceList::default(), false);
        assert_eq!(real, Resources::default());
    }
}
