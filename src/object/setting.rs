//! The registry of settings: every constant of upstream that the engine uses, one row each.
//!
//! Nothing else in the engine spells out a duration, a rate or a limit of Kubernetes; a run overrides a row by
//! component and upstream name. Flags were checked against what the v1.36.2 binaries print.

pub use super::unit::Unit;
use crate::kernel::time::Span;
use std::fmt;

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Which program it belongs to, by upstream's name.
    pub component: &'static str,
    /// Upstream's name of the flag, field or constant.
    pub name: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// Default in the pinned release.
    pub default: i64,
    /// Least value that makes sense: no period of nothing, no program without a worker.
    pub least: i64,
    /// Where upstream says so, relative to the Kubernetes tree of v1.36.2.
    pub source: &'static str,
}

impl Setting {
    /// Says no to a value with which the program could not work.
    ///
    /// # Errors
    /// A sentence with the bound that it breaks.
    pub fn admit(&self, value: i64) -> Result<i64, String> {
        let (least, most, shown) = (self.least, self.unit.most(), self.unit.show(value));
        if value < least {
            return Err(format!("`{}` cannot be {shown}: it is at least {}", self.name, self.unit.show(least)));
        }
        if value > most {
            return Err(format!("`{}` cannot be {shown}: it is at most {}", self.name, self.unit.show(most)));
        }
        Ok(value)
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $id:ident = $component:literal, $name:literal, $unit:ident, $default:expr, $least:expr, $source:literal;)*) => {
        /// Names a row of [`SETTINGS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SettingId { $($(#[$doc])* $id,)* }

        /// The registry, in the order of [`SettingId`].
        pub const SETTINGS: &[Setting] = &[$(Setting {
            component: $component, name: $name, unit: Unit::$unit, default: $default, least: $least,
            source: $source,
        },)*];

        impl SettingId {
            /// All ids, in the order of the registry.
            pub const ALL: &[SettingId] = &[$(SettingId::$id,)*];
        }
    };
}

const MS: i64 = 1_000;
const S: i64 = 1_000 * MS;
const MIN: i64 = 60 * S;
const H: i64 = 60 * MIN;

settings! {
    /// Pause between two passes over the health of all nodes.
    NodeMonitorPeriod = "kube-controller-manager", "node-monitor-period", Duration, 5 * S, MS,
        "cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go";
    /// Silence after which a node's Ready condition becomes Unknown.
    NodeMonitorGracePeriod = "kube-controller-manager", "node-monitor-grace-period", Duration, 50 * S, MS,
        "cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go";
    /// The same for a node that has never reported.
    NodeStartupGracePeriod = "kube-controller-manager", "node-startup-grace-period", Duration, 60 * S, MS,
        "cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go";
    /// Nodes of a zone that get the NoExecute taint per second.
    NodeEvictionRate = "kube-controller-manager", "node-eviction-rate", Rate, 100, 0,
        "pkg/controller/nodelifecycle/config/v1alpha1/defaults.go";
    /// The same in a large zone of which too much is down.
    SecondaryNodeEvictionRate = "kube-controller-manager", "secondary-node-eviction-rate", Rate, 10, 0,
        "pkg/controller/nodelifecycle/config/v1alpha1/defaults.go";
    /// Nodes above which a zone counts as large.
    LargeClusterSizeThreshold = "kube-controller-manager", "large-cluster-size-threshold", Count, 50, 0,
        "pkg/controller/nodelifecycle/config/v1alpha1/defaults.go";
    /// Share of a zone that must be down for it to count as partly disrupted.
    UnhealthyZoneThreshold = "kube-controller-manager", "unhealthy-zone-threshold", Share, 550_000, 0,
        "pkg/controller/nodelifecycle/config/v1alpha1/defaults.go";
    /// Burst of the limiter of NoExecute taints.
    EvictionRateLimiterBurst = "kube-controller-manager", "EvictionRateLimiterBurst", Count, 1, 1,
        "pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go";
    /// Pause between two passes over the nodes that wait for a NoExecute taint.
    NodeEvictionPeriod = "kube-controller-manager", "scheduler.NodeEvictionPeriod", Duration, 100 * MS, MS,
        "pkg/controller/nodelifecycle/node_lifecycle_controller.go";
    /// Pause between two attempts to write a node's health.
    NodeHealthUpdatePause = "kube-controller-manager", "retrySleepTime", Duration, 20 * MS, 0,
        "pkg/controller/nodelifecycle/node_lifecycle_controller.go";
    /// Attempts to write a node's health in one pass.
    NodeHealthUpdateRetry = "kube-controller-manager", "scheduler.NodeHealthUpdateRetry", Count, 5, 1,
        "pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go";
    /// Nodes whose health is handled at once.
    NodeUpdateWorkers = "kube-controller-manager", "scheduler.UpdateWorkerSize", Count, 8, 1,
        "pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go";
    /// Pods bound to a node that is down which are handled at once.
    NodePodUpdateWorkers = "kube-controller-manager", "podUpdateWorkerSize", Count, 4, 1,
        "pkg/controller/nodelifecycle/node_lifecycle_controller.go";
    /// Pause before a node whose Ready condition is missing is tried again for its NoExecute taint.
    NoExecuteTaintRetryPause = "kube-controller-manager", "doNoExecuteTaintingPass.retry", Duration, 50 * MS, MS,
        "pkg/controller/nodelifecycle/node_lifecycle_controller.go";
    /// Attempts to patch the taints or labels of a node that others change at the same time.
    NodeEditRetries = "kube-controller-manager", "UpdateTaintBackoff.Steps", Count, 5, 1,
        "pkg/controller/controller_utils.go";
    /// Pause between two such attempts.
    NodeEditRetryPause = "kube-controller-manager", "UpdateTaintBackoff.Duration", Duration, 100 * MS, 0,
        "pkg/controller/controller_utils.go";
    /// Share by which that pause is drawn longer.
    NodeEditRetryJitter = "kube-controller-manager", "UpdateTaintBackoff.Jitter", Share, 1_000_000, 0,
        "pkg/controller/controller_utils.go";
    /// Attempts to delete a pod that must go.
    TaintEvictionRetries = "kube-controller-manager", "tainteviction.retries", Count, 5, 1,
        "pkg/controller/tainteviction/taint_eviction.go";
    /// Pause between two such attempts.
    TaintEvictionRetryPause = "kube-controller-manager", "tainteviction.retry-sleep", Duration, 10 * MS, 0,
        "pkg/controller/tainteviction/taint_eviction.go";
    /// Requests per second of each controller's client.
    ControllerQps = "kube-controller-manager", "kube-api-qps", Rate, 20_000, 1,
        "pkg/controller/apis/config/v1alpha1/defaults.go";
    /// Requests that each controller's client may send at once.
    ControllerBurst = "kube-controller-manager", "kube-api-burst", Count, 30, 1,
        "pkg/controller/apis/config/v1alpha1/defaults.go";
    /// Deployments handled at once.
    DeploymentSyncs = "kube-controller-manager", "concurrent-deployment-syncs", Count, 5, 1,
        "pkg/controller/deployment/config/v1alpha1/defaults.go";
    /// ReplicaSets handled at once.
    ReplicaSetSyncs = "kube-controller-manager", "concurrent-replicaset-syncs", Count, 5, 1,
        "pkg/controller/replicaset/config/v1alpha1/defaults.go";
    /// Services whose EndpointSlices are handled at once.
    ServiceEndpointSyncs = "kube-controller-manager", "concurrent-service-endpoint-syncs", Count, 5, 1,
        "pkg/controller/endpointslice/config/v1alpha1/defaults.go";
    /// Endpoints that one slice holds.
    MaxEndpointsPerSlice = "kube-controller-manager", "max-endpoints-per-slice", Count, 100, 1,
        "pkg/controller/endpointslice/config/v1alpha1/defaults.go";
    /// First pause after a failed sync of endpoints.
    EndpointSliceBackoffBase = "kube-controller-manager", "endpointslice.defaultSyncBackOff", Duration, S, MS,
        "pkg/controller/endpointslice/endpointslice_controller.go";
    /// Failed syncs of endpoints or of a Deployment after which it is let be.
    MaxRetries = "kube-controller-manager", "maxRetries", Count, 15, 0,
        "pkg/controller/deployment/deployment_controller.go";
    /// Added to the wait for a Deployment's progress deadline; what is shorter is not waited for but tried again.
    ProgressCheckMargin = "kube-controller-manager", "requeueStuckDeployment.margin", Duration, S, 0,
        "pkg/controller/deployment/progress.go";
    /// Shortest pause between a change of an EndpointSlice by others and the sync that it causes.
    EndpointSliceChangeMinSyncDelay = "kube-controller-manager", "endpointSliceChangeMinSyncDelay", Duration, S, 0,
        "pkg/controller/endpointslice/endpointslice_controller.go";
    /// Time for which changes of pods are gathered before their endpoints are synced.
    EndpointUpdatesBatchPeriod = "kube-controller-manager", "endpointslice-updates-batch-period", Duration, 0, 0,
        "pkg/controller/endpointslice/config/v1alpha1/defaults.go";
    /// Pods that a ReplicaSet creates or deletes in one sync.
    BurstReplicas = "kube-controller-manager", "BurstReplicas", Count, 500, 1,
        "pkg/controller/replicaset/replica_set.go";
    /// Size of the first batch of creations.
    SlowStartInitialBatchSize = "kube-controller-manager", "SlowStartInitialBatchSize", Count, 1, 1,
        "pkg/controller/controller_utils.go";
    /// Time after which expected creations and deletions are no longer waited for.
    ExpectationsTimeout = "kube-controller-manager", "ExpectationsTimeout", Duration, 5 * MIN, 0,
        "pkg/controller/controller_utils.go";
    /// Requests per second of the garbage collector's client: twice those of a controller.
    GarbageCollectorQps = "kube-controller-manager", "generic-garbage-collector.qps", Rate, 40_000, 1,
        "cmd/kube-controller-manager/app/core.go";
    /// Objects that the garbage collector looks at at once, and as many whose dependents it sets free.
    GarbageCollectorSyncs = "kube-controller-manager", "concurrent-gc-syncs", Count, 20, 1,
        "pkg/controller/garbagecollector/config/v1alpha1/defaults.go";
    /// Owners that the garbage collector remembers not to exist.
    AbsentOwnerCacheSize = "kube-controller-manager", "absentOwnerCache", Count, 500, 1,
        "pkg/controller/garbagecollector/graph_builder.go";
    /// Pause between two passes of the pod garbage collector.
    PodGcPeriod = "kube-controller-manager", "podgc.gcCheckPeriod", Duration, 20 * S, MS,
        "pkg/controller/podgc/gc_controller.go";
    /// Time for which a node may be missing before its pods are given up.
    PodGcQuarantine = "kube-controller-manager", "podgc.quarantineTime", Duration, 40 * S, MS,
        "pkg/controller/podgc/gc_controller.go";
    /// Pods that have ended and are kept; none are deleted if it is zero.
    TerminatedPodGcThreshold = "kube-controller-manager", "terminated-pod-gc-threshold", Count, 12_500, 0,
        "pkg/controller/podgc/config/v1alpha1/defaults.go";
    /// Attempts at a write that others get in the way of.
    ConflictRetries = "client-go", "retry.DefaultBackoff.Steps", Count, 4, 1,
        "staging/src/k8s.io/client-go/util/retry/util.go";
    /// Pause after the first such attempt.
    ConflictRetryPause = "client-go", "retry.DefaultBackoff.Duration", Duration, 10 * MS, 0,
        "staging/src/k8s.io/client-go/util/retry/util.go";
    /// How many times longer each pause is than the one before.
    ConflictRetryFactor = "client-go", "retry.DefaultBackoff.Factor", Count, 5, 1,
        "staging/src/k8s.io/client-go/util/retry/util.go";
    /// Share by which such a pause is drawn longer.
    ConflictRetryJitter = "client-go", "retry.DefaultBackoff.Jitter", Share, 100_000, 0,
        "staging/src/k8s.io/client-go/util/retry/util.go";
    /// Seconds without progress after which a Deployment says so, unless it says otherwise.
    ProgressDeadline = "kube-apiserver", "deployment.spec.progressDeadlineSeconds", Count, 600, 1,
        "pkg/apis/apps/v1/defaults.go";
    /// Old ReplicaSets that a Deployment keeps, unless it says otherwise.
    RevisionHistoryLimit = "kube-apiserver", "deployment.spec.revisionHistoryLimit", Count, 10, 0,
        "pkg/apis/apps/v1/defaults.go";
    /// First pause of a work queue after a failure.
    WorkqueueBackoffBase = "client-go", "ItemExponentialFailureRateLimiter.baseDelay", Duration, 5 * MS, MS,
        "staging/src/k8s.io/client-go/util/workqueue/default_rate_limiters.go";
    /// Longest such pause.
    WorkqueueBackoffMax = "client-go", "ItemExponentialFailureRateLimiter.maxDelay", Duration, 1_000 * S, MS,
        "staging/src/k8s.io/client-go/util/workqueue/default_rate_limiters.go";
    /// Retries per second of one work queue.
    WorkqueueQps = "client-go", "BucketRateLimiter.qps", Rate, 10_000, 1,
        "staging/src/k8s.io/client-go/util/workqueue/default_rate_limiters.go";
    /// Retries that one work queue may make at once.
    WorkqueueBurst = "client-go", "BucketRateLimiter.burst", Count, 100, 1,
        "staging/src/k8s.io/client-go/util/workqueue/default_rate_limiters.go";
    /// Quiet time after which a connection is probed.
    HttpReadIdleTimeout = "client-go", "HTTP2_READ_IDLE_TIMEOUT_SECONDS", Duration, 30 * S, MS,
        "staging/src/k8s.io/apimachinery/pkg/util/net/http.go";
    /// Time after which an unanswered probe ends the connection.
    HttpPingTimeout = "client-go", "HTTP2_PING_TIMEOUT_SECONDS", Duration, 15 * S, MS,
        "staging/src/k8s.io/apimachinery/pkg/util/net/http.go";
    /// Requests per second of the scheduler's client.
    SchedulerQps = "kube-scheduler", "clientConnection.qps", Rate, 50_000, 1,
        "pkg/scheduler/apis/config/v1/defaults.go";
    /// Requests that it may send at once.
    SchedulerBurst = "kube-scheduler", "clientConnection.burst", Count, 100, 1,
        "pkg/scheduler/apis/config/v1/defaults.go";
    /// First back-off of a pod that did not fit.
    PodInitialBackoff = "kube-scheduler", "podInitialBackoffSeconds", Duration, S, MS,
        "pkg/scheduler/apis/config/v1/defaults.go";
    /// Longest back-off of a pod that did not fit.
    PodMaxBackoff = "kube-scheduler", "podMaxBackoffSeconds", Duration, 10 * S, MS,
        "pkg/scheduler/apis/config/v1/defaults.go";
    /// Pause between two passes over the pods in back-off.
    BackoffFlushPeriod = "kube-scheduler", "flushBackoffQCompleted", Duration, S, MS,
        "pkg/scheduler/backend/queue/scheduling_queue.go";
    /// Pause between two passes over the unschedulable pods.
    UnschedulableFlushPeriod = "kube-scheduler", "flushUnschedulablePodsLeftover", Duration, 30 * S, MS,
        "pkg/scheduler/backend/queue/scheduling_queue.go";
    /// Time after which an unschedulable pod is tried again without an event.
    PodMaxInUnschedulablePods = "kube-scheduler", "pod-max-in-unschedulable-pods-duration", Duration, 5 * MIN, 0,
        "pkg/scheduler/backend/queue/scheduling_queue.go";
    /// Share of the nodes to find feasible before scoring (per cent); 0 adapts to the size of the cluster.
    PercentageOfNodesToScore = "kube-scheduler", "percentageOfNodesToScore", Count, 0, 0,
        "pkg/scheduler/apis/config/v1/defaults.go";
    /// Nodes below which all are scored.
    MinFeasibleNodesToFind = "kube-scheduler", "minFeasibleNodesToFind", Count, 100, 1,
        "pkg/scheduler/schedule_one.go";
    /// Smallest adaptive share (per cent).
    MinFeasibleNodesPercentage = "kube-scheduler", "minFeasibleNodesPercentageToFind", Count, 5, 1,
        "pkg/scheduler/schedule_one.go";
    /// Toleration of not-ready:NoExecute that admission adds (s).
    DefaultNotReadyToleration = "kube-apiserver", "default-not-ready-toleration-seconds", Count, 300, 0,
        "plugin/pkg/admission/defaulttolerationseconds/admission.go";
    /// Toleration of unreachable:NoExecute that admission adds (s).
    DefaultUnreachableToleration = "kube-apiserver", "default-unreachable-toleration-seconds", Count, 300, 0,
        "plugin/pkg/admission/defaulttolerationseconds/admission.go";
    /// Pause between two compactions; each goes to the revision of the one before.
    EtcdCompactionInterval = "kube-apiserver", "etcd-compaction-interval", Duration, 5 * MIN, MS,
        "staging/src/k8s.io/apiserver/pkg/storage/storagebackend/config.go";
    /// Pause between two bookmarks on an idle watch.
    WatchBookmarkFrequency = "kube-apiserver", "defaultBookmarkFrequency", Duration, MIN, MS,
        "staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go";
    /// Pause between two renewals of a node's lease.
    NodeLeaseRenewInterval = "kubelet", "nodeLeaseDurationSeconds*renewIntervalFraction", Duration, 10 * S, MS,
        "pkg/kubelet/kubelet.go";
    /// Share by which that pause is drawn longer.
    NodeLeaseJitter = "kubelet", "lease.jitter", Share, 40_000, 0,
        "staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go";
    /// For how long a renewal is said to be good.
    NodeLeaseDuration = "kubelet", "nodeLeaseDurationSeconds", Duration, 40 * S, S,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Attempts to renew in one round.
    NodeLeaseMaxRetries = "kubelet", "maxUpdateRetries", Count, 5, 1,
        "staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go";
    /// Time after which the kubelet gives a renewal up.
    NodeLeaseTimeout = "kubelet", "heartbeatClient.timeout", Duration, 10 * S, MS,
        "cmd/kubelet/app/server.go";
    /// Pause between two computations of the node's status.
    NodeStatusUpdateFrequency = "kubelet", "nodeStatusUpdateFrequency", Duration, 10 * S, MS,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Share by which that pause is drawn longer.
    NodeStatusJitter = "kubelet", "nodeStatusUpdate.jitter", Share, 40_000, 0,
        "pkg/kubelet/kubelet.go";
    /// Time after which an unchanged status is reported all the same.
    NodeStatusReportFrequency = "kubelet", "nodeStatusReportFrequency", Duration, 5 * MIN, MS,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Wait before a failed registration is tried again; doubles with every failure.
    RegisterBackoffBase = "kubelet", "tryRegister.step", Duration, 100 * MS, MS,
        "pkg/kubelet/kubelet_node_status.go";
    /// Longest such wait.
    RegisterBackoffMax = "kubelet", "tryRegister.max", Duration, 7 * S, MS,
        "pkg/kubelet/kubelet_node_status.go";
    /// Requests per second of a kubelet's client.
    KubeletQps = "kubelet", "kubeAPIQPS", Rate, 50_000, 1,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Requests that it may send at once.
    KubeletBurst = "kubelet", "kubeAPIBurst", Count, 100, 1,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Pause between two rounds that repeat pod statuses that could not be written.
    PodStatusSyncPeriod = "kubelet", "syncPeriod", Duration, 10 * S, MS,
        "pkg/kubelet/status/status_manager.go";
    /// Wait before the second restart of containers that exited; the first restart is at once, and each later wait doubles.
    CrashLoopBackoffBase = "kubelet", "crashLoopBackOff.initial", Duration, 10 * S, MS,
        "pkg/kubelet/kubelet.go";
    /// Longest wait before a restart; the back-off is forgotten after twice that time without an exit.
    CrashLoopBackoffMax = "kubelet", "crashLoopBackOff.maxContainerRestartPeriod", Duration, 5 * MIN, MS,
        "pkg/kubelet/kubelet.go";
    /// Wait of a pod worker before it tries again what has failed.
    PodWorkerBackoff = "kubelet", "backOffPeriod", Duration, 10 * S, MS,
        "pkg/kubelet/kubelet.go";
    /// First back-off of an image that could not be pulled for a pod.
    ImagePullBackoffBase = "kubelet", "imageBackOffPeriod", Duration, 10 * S, MS,
        "pkg/kubelet/kubelet.go";
    /// Longest such back-off; it is forgotten after twice that time without a failure.
    ImagePullBackoffMax = "kubelet", "MaxImageBackOff", Duration, 5 * MIN, MS,
        "pkg/kubelet/kubelet.go";
    /// Pause between two looks at memory and disk.
    EvictionMonitoringPeriod = "kubelet", "evictionMonitoringPeriod", Duration, 10 * S, MS,
        "pkg/kubelet/kubelet.go";
    /// Time for which a node goes on saying that it is short of something that it is no longer short of.
    EvictionPressureTransition = "kubelet", "evictionPressureTransitionPeriod", Duration, 5 * MIN, 0,
        "pkg/kubelet/apis/config/v1beta1/defaults.go";
    /// Time that a pod has to end when it is evicted at once.
    ImmediateEvictionGrace = "kubelet", "immediateEvictionGracePeriodSeconds", Duration, S, 0,
        "pkg/kubelet/eviction/eviction_manager.go";
    /// Share by which a pod worker's wait is drawn longer.
    PodWorkerJitter = "kubelet", "workerBackOffPeriodJitterFactor", Share, 500_000, 0,
        "pkg/kubelet/kubelet.go";
    /// Shortest pause between two writes of the node's forwarding rules.
    ProxyMinSyncPeriod = "kube-proxy", "iptables.minSyncPeriod", Duration, S, 0,
        "pkg/proxy/apis/config/v1alpha1/defaults.go";
    /// Events about one object that a component sends at once.
    EventSpamBurst = "client-go", "defaultSpamBurst", Count, 25, 1,
        "staging/src/k8s.io/client-go/tools/record/events_cache.go";
    /// After those, it sends one in this time.
    EventSpamInterval = "client-go", "1/defaultSpamQPS", Duration, 300 * S, MS,
        "staging/src/k8s.io/client-go/tools/record/events_cache.go";
    /// Objects of which a component remembers how much it said.
    EventCacheSize = "client-go", "maxLruCacheEntries", Count, 4_096, 1,
        "staging/src/k8s.io/client-go/tools/record/events_cache.go";
    /// Events about one object that differ in their words only, from which on one stands for the rest.
    EventAggregateMax = "client-go", "defaultAggregateMaxEvents", Count, 10, 1,
        "staging/src/k8s.io/client-go/tools/record/events_cache.go";
    /// Silence after which Events are no longer similar to those before.
    EventAggregateInterval = "client-go", "defaultAggregateIntervalInSeconds", Duration, 600 * S, MS,
        "staging/src/k8s.io/client-go/tools/record/events_cache.go";
    /// How often an Event is sent to which nobody answers.
    EventRetries = "client-go", "maxTriesPerEvent", Count, 12, 1,
        "staging/src/k8s.io/client-go/tools/record/event.go";
    /// Pause between two such attempts.
    EventRetryPause = "client-go", "defaultSleepDuration", Duration, 10 * S, MS,
        "staging/src/k8s.io/client-go/tools/record/event.go";
    /// Share by which the scheduler's recorder draws that pause longer.
    EventRetryJitter = "client-go", "events.attemptRecording.jitter", Share, 250_000, 0,
        "staging/src/k8s.io/client-go/tools/events/event_broadcaster.go";
    /// Silence after which a series of Events of the scheduler is over.
    EventSeriesFinish = "client-go", "events.finishTime", Duration, 6 * MIN, MS,
        "staging/src/k8s.io/client-go/tools/events/event_broadcaster.go";
    /// Events that may wait to be sent; more are dropped.
    EventQueueSize = "client-go", "maxQueuedEvents", Count, 1_000, 1,
        "staging/src/k8s.io/client-go/tools/record/event.go";
    /// How long the API server keeps an event.
    EventTtl = "kube-apiserver", "event-ttl", Duration, H, MS,
        "pkg/controlplane/apiserver/options/options.go";
    /// Seconds that a pod gets to end, unless it says otherwise.
    TerminationGracePeriod = "kube-apiserver", "pod.spec.terminationGracePeriodSeconds", Count, 30, 0,
        "pkg/apis/core/v1/defaults.go";
    /// How often a drain looks whether the pods are gone.
    DrainPoll = "kubectl", "waitForDelete.interval", Duration, S, MS,
        "staging/src/k8s.io/kubectl/pkg/drain/drain.go";
}

impl SettingId {
    /// Its row.
    pub const fn row(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }

    /// The row with this component and upstream name.
    pub fn find(component: &str, name: &str) -> Option<SettingId> {
        SettingId::ALL.iter().copied().find(|id| (id.row().component, id.row().name) == (component, name))
    }
}

impl fmt::Display for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().name)
    }
}

/// The values that hold in one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    values: Vec<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { values: SETTINGS.iter().map(|setting| setting.default).collect() }
    }
}

impl Settings {
    /// The number, in the setting's unit.
    pub fn get(&self, id: SettingId) -> i64 {
        self.values[id as usize]
    }

    /// Overrides a default.
    pub fn set(&mut self, id: SettingId, value: i64) {
        self.values[id as usize] = value;
    }

    /// A duration.
    pub fn span(&self, id: SettingId) -> Span {
        debug_assert_eq!(id.row().unit, Unit::Duration);
        Span::from_micros(self.get(id) as u64)
    }

    /// A plain number.
    pub fn count(&self, id: SettingId) -> usize {
        debug_assert_eq!(id.row().unit, Unit::Count);
        self.get(id) as usize
    }

    /// The value as people write it.
    pub fn show(&self, id: SettingId) -> String {
        id.row().unit.show(self.get(id))
    }

    /// Ids whose value is not the default.
    pub fn overridden(&self) -> impl Iterator<Item = SettingId> {
        SettingId::ALL.iter().copied().filter(|&id| self.get(id) != id.row().default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_prints_and_reads_back() {
        for &id in SettingId::ALL {
            let Setting { unit, default, source, component, name, .. } = id.row();
            assert_eq!(unit.parse(&unit.show(*default)), Ok(*default), "{id}");
            assert_eq!(id.row().admit(*default), Ok(*default));
            assert!(source.ends_with(".go"), "{id} has no source");
            assert_eq!(SettingId::find(component, name), Some(id), "two rows named {component} {name}");
        }
    }

    #[test]
    fn a_program_gets_no_value_with_which_it_could_not_work() {
        let refusal = |id: SettingId, value: i64| id.row().admit(value).unwrap_err();
        assert_eq!(
            refusal(SettingId::EtcdCompactionInterval, 0),
            "`etcd-compaction-interval` cannot be 0s: it is at least 1ms"
        );
        assert_eq!(refusal(SettingId::KubeletQps, 0), "`kubeAPIQPS` cannot be 0/s: it is at least 0.001/s");
        assert_eq!(refusal(SettingId::NodeLeaseJitter, 1_500_000), "`lease.jitter` cannot be 1.5: it is at most 1");
        assert!(refusal(SettingId::TerminationGracePeriod, i64::MAX).ends_with("it is at most 2147483647"));
    }

    #[test]
    fn a_run_overrides_a_row_and_says_so() {
        let mut settings = Settings::default();
        let id = SettingId::find("kube-controller-manager", "node-monitor-grace-period").unwrap();
        settings.set(id, id.row().unit.parse("40s").unwrap());
        assert_eq!(settings.span(id), Span::from_secs(40));
        assert_eq!(settings.overridden().collect::<Vec<_>>(), [SettingId::NodeMonitorGracePeriod]);
        assert_eq!(settings.show(SettingId::NodeEvictionRate), "0.1/s");
    }
}
