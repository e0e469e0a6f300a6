//! The language `evenkeel/v1` as data: which keys each table of a scenario may have, what they mean and what holds without
//! them.
//!
//! The reader reads no key that is not here and refuses the others; the JSON Schema, the page about the language and the
//! list of defaults are made from it. Parameters of faults and actions stand in the rows of their registries.

use crate::object::field::Shape::{
    Any, Count, Date, Delay, Either, Flag, List, Map, OneOf, Quantity, Share, Span, Table, Target, Text,
};
use crate::object::field::{Field, Shape};

const TEXTS: Shape = List(&Text);
const QUANTITIES: Shape = Map(&Quantity);
const TEXT_OR_TEXTS: Shape = Either(&[Text, TEXTS]);

/// The file as a whole.
pub const ROOT: &[Field] = &[
    Field::required("schema", OneOf(&["evenkeel/v1"]), "The version of this language."),
    Field::required("title", Text, "What the scenario is about, in a sentence."),
    Field::optional(
        "include",
        TEXT_OR_TEXTS,
        "Files that this one builds on, relative to it. Keys of this file win; lists of tables are joined, and an element with the same `id` or `name` changes that of the included file.",
    ),
    Field::optional(
        "manifests",
        TEXTS,
        "Files with Kubernetes objects (YAML or JSON), relative to this one, applied in this order.",
    ),
    Field::optional("run", Table(RUN), "How the run goes."),
    Field::optional("output", Table(OUTPUT), "What is kept of it."),
    Field::required("cluster", Table(CLUSTER), "The machines."),
    Field::optional("domain", List(&Table(DOMAIN)), "What fails together: regions, power feeds, racks, as a tree."),
    Field::optional(
        "workload",
        List(&Table(WORKLOAD)),
        "Workloads in short; the same as a manifest of a Deployment or ReplicaSet.",
    ),
    Field::optional(
        "delays",
        Map(&Delay),
        "How long things take that Kubernetes does not decide; `evenkeel list delays` shows all.",
    ),
    Field::optional(
        "control",
        Map(&Map(&Any)),
        "Settings of Kubernetes' programs by their upstream names; `evenkeel list settings` shows all.",
    ),
    Field::optional("event", List(&Table(EVENT)), "What happens: faults and actions."),
    Field::optional("failure", List(&Table(super::failure::FIELDS)), "What fails at random."),
    Field::optional(
        "expect",
        List(&Table(EXPECT)),
        "What should come true; if anything does not, the command exits with 1.",
    ),
];

/// `[output]`.
pub const OUTPUT: &[Field] = &[
    Field::optional(
        "record",
        OneOf(&["full", "summary"]),
        "`full`: every fact with its cause, and where the time went. `summary`: timelines and milestones, which costs less. The run is the same.",
    )
    .with_default("\"full\""),
];

/// `[run]`.
pub const RUN: &[Field] = &[
    Field::optional("seed", Count(0), "All chance comes from here: same seed, same run. `--seed` overrides it.").with_default("1"),
    Field::optional("profile", OneOf(&[super::schema::PROFILE]), "The release whose defaults hold.")
        .with_default("\"kubernetes-1.36\""),
    Field::optional("epoch", Date, "The date at time zero, to the second.").with_default("2026-11-24T18:00:00Z"),
    Field::optional("until", Span, "When the run ends at the latest.").with_default("\"30m\""),
    Field::optional(
        "stop",
        OneOf(&["converged", "time"]),
        "When it may end earlier: `converged` when, after the last event, everything has been as wanted for `hold`; `time` never.",
    )
    .with_default("\"converged\""),
    Field::optional("hold", Span, "How long everything must stay as wanted to count as converged.").with_default("\"30s\""),
    Field::optional(
        "start",
        OneOf(&["empty", "settled"]),
        "`empty`: the objects are applied at time zero. `settled`: they have been there for long, with their pods placed (by `nodeName`, else by the scheduler), started and ready.",
    )
    .with_default("\"empty\""),
];

/// `[cluster]`.
pub const CLUSTER: &[Field] =
    &[Field::required("pool", List(&Table(POOL)), "Machines of one make; at least one pool.")];

/// `[[cluster.pool]]`.
pub const POOL: &[Field] = &[
    Field::required("name", Text, "Name; the nodes are called `<name>-1`, `<name>-2`, … unless `nodes` names them."),
    Field::optional("count", Count(0), "How many machines; this or `nodes`. A pool of none is there for `node.add`."),
    Field::optional("nodes", TEXTS, "Names of the nodes, instead of `count`."),
    Field::optional("zones", TEXTS, "Zones, dealt out in turn; without them the nodes have none."),
    Field::optional(
        "racks",
        Either(&[TEXTS, Map(&TEXTS)]),
        "Racks, dealt out in turn; with several zones by zone, as `{ a = [\"a1\", \"a2\"], b = [\"b1\"] }`. Each is a domain of kind `rack`.",
    ),
    Field::required(
        "capacity",
        QUANTITIES,
        "What each machine has: `cpu`, `memory`, `pods` (110 unless said) and any other resource.",
    ),
    Field::optional("allocatable", QUANTITIES, "What of it pods may have; all that is left out as `capacity` says."),
    Field::optional("labels", Map(&Text), "Labels of its nodes besides the usual ones."),
    Field::optional("taints", TEXTS, "Taints of its nodes, as `kubectl taint` takes them: \"key=value:NoSchedule\"."),
];

/// `[[domain]]`.
pub const DOMAIN: &[Field] = &[
    Field::required("name", Text, "Name, by which targets refer to it: `{ domain = \"feed-b\" }`."),
    Field::required(
        "kind",
        Text,
        "What it is: `region`, `power`, `rack` or any other word. Zones come from the pools.",
    ),
    Field::optional("within", Text, "The domain (or zone) that it is a part of."),
    Field::optional(
        "covers",
        Table(COVERS),
        "Its nodes, besides those of the domains within it. Filters together mean AND.",
    ),
];

/// Nodes that are known before the run begins: what a domain covers.
pub const COVERS: &[Field] = &[
    Field::optional("node", Text, "The node of this name."),
    Field::optional("nodes", TEXTS, "The nodes of these names."),
    Field::optional("zone", TEXT_OR_TEXTS, "The nodes of this zone, or of these."),
    Field::optional("pool", TEXT_OR_TEXTS, "The nodes of this pool, or of these."),
    Field::optional(
        "labels",
        Text,
        "The nodes with these labels, as kubectl's `-l` takes them: \"disk=ssd,tier in (a, b)\".",
    ),
];

/// A target.
pub const TARGET: &[Field] = &[
    Field::optional("node", Text, "The node of this name."),
    Field::optional("nodes", TEXTS, "The nodes of these names."),
    Field::optional("zone", Text, "The nodes of this zone."),
    Field::optional("domain", Text, "The nodes of this domain: a rack, a power feed, a region."),
    Field::optional("pool", Text, "The nodes of this pool."),
    Field::optional(
        "labels",
        Text,
        "The nodes with these labels, as kubectl's `-l` takes them: \"disk=ssd,tier in (a, b)\".",
    ),
    Field::optional(
        "running",
        Text,
        "The node that runs this pod (\"web-0\"), or the nodes that run any pod of this workload (\"deployment/web\").",
    ),
    Field::optional("event", Text, "The nodes that this event has hit."),
    Field::optional("all", Flag, "All nodes."),
    Field::optional(
        "most-pods",
        Text,
        "The one node with the most pods of this workload (\"deployment/web\"); of equal ones the first by name.",
    ),
    Field::optional("pick", Count(1), "Only so many of them."),
    Field::optional("order", OneOf(&["name", "random", "most-pods", "fewest-pods"]), "Which `pick` takes first.")
        .with_default("\"name\""),
];

/// `[[workload]]`.
pub const WORKLOAD: &[Field] = &[
    Field::optional("kind", OneOf(&["Deployment", "ReplicaSet"]), "What keeps the pods alive.")
        .with_default("\"Deployment\""),
    Field::required("name", Text, "Name."),
    Field::optional("namespace", Text, "Namespace; it is created if it is not there.").with_default("\"default\""),
    Field::optional("replicas", Count(0), "How many pods.").with_default("1"),
    Field::optional("container", Text, "Name of the container; that of the workload unless said."),
    Field::optional("image", Text, "Image of the container; `<name>:1` unless said."),
    Field::optional("requests", QUANTITIES, "What each pod asks for: `{ cpu = \"500m\", memory = \"256Mi\" }`."),
    Field::optional("limits", QUANTITIES, "What each pod may take at most."),
    Field::optional("labels", Map(&Text), "Labels of the pods; `app = \"<name>\"` is added and selects them."),
    Field::optional("annotations", Map(&Text), "Annotations of the pods."),
    Field::optional(
        "container-start",
        Span,
        "Time from images on the node to running containers, instead of the delay of that name.",
    ),
    Field::optional(
        "ready-after",
        Either(&[Span, OneOf(&["never"])]),
        "Time from running to ready, instead of the delay of that name; or `never`.",
    ),
    Field::optional("container-stop", Span, "Time that a container takes to end when it is asked to."),
    Field::optional("run-for", Span, "Time after which a container exits by itself, again and again."),
    Field::optional("exit-code", Count(0), "With which code it does so.").with_default("0"),
    Field::optional("node-selector", Map(&Text), "Labels that a node must have."),
    Field::optional("tolerations", List(&Table(TOLERATION)), "Taints that the pods put up with."),
    Field::optional("spread", List(&Table(SPREAD)), "How the pods spread over zones, nodes or other labels."),
    Field::optional("priority-class", Text, "Name of a PriorityClass."),
    Field::optional("grace-period", Span, "Longest time from asking a pod to end to killing it, in whole seconds.")
        .with_default("\"30s\""),
    Field::optional("strategy", OneOf(&["RollingUpdate", "Recreate"]), "How a Deployment replaces its pods.")
        .with_default("\"RollingUpdate\""),
    Field::optional(
        "max-surge",
        Either(&[Count(0), Text]),
        "Pods beyond `replicas` during an update, as 1 or \"25%\".",
    )
    .with_default("\"25%\""),
    Field::optional(
        "max-unavailable",
        Either(&[Count(0), Text]),
        "Pods that may be missing during an update, as 1 or \"25%\".",
    )
    .with_default("\"25%\""),
    Field::optional("min-ready", Span, "How long a pod must be ready to count as available, in whole seconds.")
        .with_default("\"0s\""),
    Field::optional(
        "progress-deadline",
        Span,
        "After how long without progress an update is said to be stuck, in whole seconds.",
    )
    .with_default("\"10m\""),
    Field::optional("expose", Count(1), "A Service of the same name sends traffic of this port to the pods."),
];

/// An element of `tolerations`.
pub const TOLERATION: &[Field] = &[
    Field::optional("key", Text, "Key of the taint; all keys if left out."),
    Field::optional(
        "operator",
        OneOf(&["Exists", "Equal"]),
        "Whether the value matters; `Equal` if `value` is there, else `Exists`.",
    ),
    Field::optional("value", Text, "Value of the taint."),
    Field::optional(
        "effect",
        OneOf(&["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        "Effect of the taint; all if left out.",
    ),
    Field::optional("seconds", Count(0), "How long a NoExecute taint is put up with; for good if left out."),
];

/// An element of `spread`.
pub const SPREAD: &[Field] = &[
    Field::required(
        "topology-key",
        Text,
        "Label of nodes, as `topology.kubernetes.io/zone` or `kubernetes.io/hostname`.",
    ),
    Field::optional("max-skew", Count(1), "By how many pods the fullest may exceed the emptiest.").with_default("1"),
    Field::optional("when-unsatisfiable", OneOf(&["DoNotSchedule", "ScheduleAnyway"]), "Whether it is a must.")
        .with_default("\"DoNotSchedule\""),
    Field::optional("min-domains", Count(1), "Fewest values of the label that count (with `DoNotSchedule`)."),
];

/// `[[event]]`: the keys that all have.
pub const EVENT: &[Field] = &[
    Field::required("id", Text, "Its name, by which other events and expectations refer to it."),
    Field::optional("at", Span, "When, from the beginning; this or `after`."),
    Field::optional("after", Text, "The id of the event after whose begin it happens."),
    Field::optional("delay", Delay, "How long after that.").with_default("\"0s\""),
    Field::required(
        "do",
        Text,
        "What: a fault or an action; `evenkeel list faults` and `evenkeel list actions` show all.",
    ),
    Field::optional("target", Target, "The nodes that it hits, looked up at its moment."),
    Field::optional(
        "of",
        Text,
        "The object that it is about, as \"deployment/web\", outside `default` as \"deployment/NAMESPACE/web\".",
    ),
    Field::optional("for", Delay, "How long a fault lasts; for good if left out."),
    Field::optional(
        "jitter",
        Span,
        "Each node is hit at its own random moment within this time, at most as long as `for`; all at once if left out.",
    ),
    Field::optional(
        "stagger",
        Span,
        "Each node gets well at its own random moment within this time after the end, by `for` or by another event; all at \
         once if left out.",
    ),
];

/// `[[expect]]`.
pub const EXPECT: &[Field] = &[
    Field::required("id", Text, "Its name in the verdict."),
    Field::optional("measure", Text, "A number to take of the run, with a bound; `evenkeel list measures` shows all."),
    Field::optional("rule", Text, "Something that must hold; `evenkeel list rules` shows all."),
    Field::optional("of", Text, "The workload that it is about, as \"deployment/web\"."),
    Field::optional(
        "since",
        Text,
        "The event from which it counts. If left out: the only one, or the beginning for what needs none.",
    ),
    Field::optional("before", Text, "The event before which it must have happened (for measures that ask so)."),
    Field::optional("at-least", Any, "The measure is at least this."),
    Field::optional("at-most", Any, "The measure is at most this."),
    Field::optional("equals", Any, "The measure is exactly this."),
    Field::optional("in", Share, "In which share of the seeds it must come true, when the command line gives several.")
        .with_default("\"100%\""),
];

/// A distribution of delays.
pub const DISTRIBUTION: &[Field] = &[
    Field::required(
        "dist",
        OneOf(&["constant", "uniform", "exponential", "lognormal", "normal", "weibull", "empirical"]),
        "Which distribution.",
    ),
    Field::optional("value", Span, "Of `constant`."),
    Field::optional("min", Span, "Of `uniform`; of all others the least that is drawn."),
    Field::optional("max", Span, "Of `uniform`; of all others the most that is drawn."),
    Field::optional("mean", Span, "Of `exponential` and `normal`."),
    Field::optional("sd", Span, "Standard deviation, of `normal`."),
    Field::optional("median", Span, "Of `lognormal`."),
    Field::optional("p95", Span, "Of `lognormal`: only one in twenty takes longer."),
    Field::optional("shape", Shape::Factor, "Of `weibull`: below 1 the longer it held the longer it will."),
    Field::optional("scale", Span, "Of `weibull`."),
    Field::optional(
        "quantiles",
        Map(&Span),
        "Of `empirical`: measured quantiles, as `{ p50 = \"4s\", p95 = \"12s\" }`.",
    ),
    Field::optional("values", List(&Span), "Of `empirical`: measured values."),
    Field::optional(
        "weights",
        List(&Count(0)),
        "Of `empirical`: how often each of the values was measured; once each if left out.",
    ),
];
