//! What each code of a message means, with an example: `evenkeel help E0203`. Every code of [`super::problem::code`] has
//! its row in [`CODES`]; a test says so, and tries the examples.

use super::problem::code;

/// One code explained.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub what: &'static str,
    /// Why that matters, and what to do.
    pub why: &'static str,
    /// How it looks; empty if it cannot be shown in a few lines.
    pub wrong: &'static str,
    /// How it should look.
    pub right: &'static str,
}

/// The explanation of a code.
pub fn find(code: &str) -> Option<&'static Explanation> {
    CODES.iter().find(|row| row.code.eq_ignore_ascii_case(code))
}

/// All codes, in order.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: code::SYNTAX,
        what: "The file is not TOML.",
        why: "The message points at the place where the reader lost the thread; the cause may be a line above: a quote or \
              a bracket that was not closed, a text without quotes, two keys on one line. Lengths of time are texts and \
              need quotes.",
        wrong: "[run]\nuntil = 15m\n",
        right: "[run]\nuntil = \"15m\"\n",
    },
    Explanation {
        code: code::UNKNOWN_KEY,
        what: "A key that nothing reads.",
        why: "A key that is not understood is an error and not ignored: else a slip of the pen would be a scenario that \
              tests something else. Keys of faults belong to one fault: `evenkeel help node.slow` shows those of \
              `node.slow`.",
        wrong: "[run]\nuntill = \"15m\"\n",
        right: "[run]\nuntil = \"15m\"\n",
    },
    Explanation {
        code: code::MISSING_KEY,
        what: "A key that must be there is not.",
        why: "Few keys have to be written; for these no default would be right for everybody. Events need an `id`, by which \
              expectations and other events refer to them.",
        wrong: "[[event]]\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n",
        right: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n",
    },
    Explanation {
        code: code::BAD_VALUE,
        what: "A value of the wrong type, or outside what is allowed.",
        why: "The message says what was expected. Lengths of time are texts with a unit (`\"90s\"`, `\"1m30s\"`, \
              `\"250ms\"`, `\"2h\"`), quantities are those of Kubernetes (`\"500m\"`, `\"8Gi\"`).",
        wrong: "[run]\nhold = \"30 sec\"\n",
        right: "[run]\nhold = \"30s\"\n",
    },
    Explanation {
        code: code::VERSION,
        what: "A version of the language, or a profile, that this program does not know.",
        why: "The first key says in which version of the language a file is written, so that later versions can go on \
              reading it. A newer program may know what this one does not: see `evenkeel version`.",
        wrong: "schema = \"evenkeel/v9\"\n",
        right: "schema = \"evenkeel/v1\"\n",
    },
    Explanation {
        code: code::TWICE,
        what: "Two things have the same name.",
        why: "Names of events, expectations and pools must tell them apart: an expectation that counts `since = \"crash\"` \
              has to know since which.",
        wrong: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n\n\
                [[event]]\nid = \"crash\"\nat = \"2m\"\ndo = \"node.crash\"\ntarget = { zone = \"b\" }\n",
        right: "[[event]]\nid = \"crash-a\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n\n\
                [[event]]\nid = \"crash-b\"\nat = \"2m\"\ndo = \"node.crash\"\ntarget = { zone = \"b\" }\n",
    },
    Explanation {
        code: code::CONFLICT,
        what: "Keys that exclude each other, or that only make sense together.",
        why: "An event begins at a time of its own (`at`) or so long `after` another, not both. The events that begin after \
              one another must not go round in a circle.",
        wrong: "[[event]]\nid = \"crash\"\nafter = \"crash\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n",
        right: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n",
    },
    Explanation {
        code: code::UNKNOWN_FAULT,
        what: "Nothing that can be done has this name.",
        why: "`evenkeel list faults` shows what an event may do, `evenkeel help NAME` explains one.",
        wrong: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.die\"\ntarget = { zone = \"a\" }\n",
        right: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n",
    },
    Explanation {
        code: code::UNKNOWN_EVENT,
        what: "No event has this id.",
        why: "`since` and `after` name an event by its `id`. Upper and lower case matter.",
        wrong: "[[expect]]\nid = \"noticed\"\nmeasure = \"time-to-notice\"\nsince = \"crash\"\nat-most = \"1m\"\n",
        right: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n\n\
                [[expect]]\nid = \"noticed\"\nmeasure = \"time-to-notice\"\nsince = \"crash\"\nat-most = \"1m\"\n",
    },
    Explanation {
        code: code::NO_TARGET,
        what: "No node of the cluster can ever match this target.",
        why: "An event that hits nothing would pass every test. Nodes are called by their pool and a number (`w-1`, `w-2`, \
              …); zones are those that a `[[cluster.pool]]` names.",
        wrong: "[[event]]\nid = \"dark\"\nat = \"1m\"\ndo = \"power.loss\"\ntarget = { zone = \"c\" }\n",
        right: "[[event]]\nid = \"dark\"\nat = \"1m\"\ndo = \"power.loss\"\ntarget = { zone = \"a\" }\n",
    },
    Explanation {
        code: code::UNKNOWN_WORKLOAD,
        what: "No manifest has this workload.",
        why: "Workloads are named as kubectl names them: `deployment/web`, outside of the namespace `default` \
              `deployment/shop/web`. Their YAML has to be among the `manifests` of the scenario.",
        wrong: "[[expect]]\nid = \"at-rest\"\nrule = \"converged\"\nof = \"deployment/web\"\n",
        right: "",
    },
    Explanation {
        code: code::UNKNOWN_SETTING,
        what: "No program has this setting, or there is no such program.",
        why: "Settings have the names that Kubernetes gives them, and belong to a program: `evenkeel list settings` shows \
              those that matter here. One that is not listed has no effect on a simulated cluster.",
        wrong: "[control]\nkube-controller-manager = { pod-eviction-timeout = \"5m\" }\n",
        right: "[control]\nkube-apiserver = { default-unreachable-toleration-seconds = 300 }\n",
    },
    Explanation {
        code: code::UNKNOWN_DELAY,
        what: "No modelled delay has this name.",
        why: "Delays are how long things take that no setting of Kubernetes says: `evenkeel list delays` shows them.",
        wrong: "[delays]\npull-image = \"4s\"\n",
        right: "[delays]\nimage-pull = \"4s\"\n",
    },
    Explanation {
        code: code::UNKNOWN_MEASURE,
        what: "No measure or rule has this name.",
        why: "`evenkeel list measures` shows what an expectation may ask for as a number, `evenkeel list rules` what it may \
              demand as a whole.",
        wrong: "[[expect]]\nid = \"at-rest\"\nrule = \"converge\"\n",
        right: "[[expect]]\nid = \"at-rest\"\nrule = \"converged\"\n",
    },
    Explanation {
        code: code::UNREADABLE,
        what: "A file cannot be read.",
        why: "The message says why. Paths of manifests are relative to the scenario file, not to where the command is run.",
        wrong: "manifests = [\"nowhere.yaml\"]\n",
        right: "manifests = []\n",
    },
    Explanation {
        code: code::MANIFEST,
        what: "A manifest cannot be used.",
        why: "Kubernetes' API server would refuse it, or it is not YAML. The message is what kubectl would say, or nearly; \
              `kubectl apply --dry-run=server` on a real cluster is a second opinion. Here a key is misspelt; then one that \
              is right:",
        wrong: "kind: Deployment\napiVersion: apps/v1\nmetadata: { name: web }\nspec: { replica: 3 }\n",
        right: "kind: Deployment\napiVersion: apps/v1\nmetadata: { name: web }\nspec: { replicas: 3 }   # and more\n",
    },
    Explanation {
        code: code::RECORDING,
        what: "A recording of a real cluster cannot be used.",
        why: "`evenkeel conformance` reads what its recorder has written. A recording that was edited by hand, or written by \
              another version, may lack what is needed; record it again.",
        wrong: "",
        right: "",
    },
    Explanation {
        code: code::INCLUDE,
        what: "Files that include each other, or too many of them.",
        why: "An included file is what the including one builds on, so a file cannot include itself, not through others either. \
              `evenkeel fmt --flatten FILE` prints what a file and its includes say together.",
        wrong: "include = \"x.toml\"\n",
        right: "",
    },
    Explanation {
        code: code::CHANCE,
        what: "An event that finds nothing to do with the seed of the file.",
        why: "When it comes is drawn, and so is when that comes which it ends, or when that is over by itself. With this seed \
              it comes too early or too late, and the run says so and fails; with others it may not. Let it come `after` \
              the other, and leave `for` out of that, to be sure.",
        wrong: "",
        right: "",
    },
    Explanation {
        code: code::NOT_SIMULATED,
        what: "A field of a manifest is kept but does nothing yet.",
        why: "The scenario runs, and the field is there when you look at the object; but a real cluster would act on it and \
              this one does not. Ask yourself whether the question depends on it.",
        wrong: "",
        right: "",
    },
    Explanation {
        code: code::KEPT,
        what: "An object is kept but does nothing, or has lost its owner.",
        why: "Objects of kinds that are not simulated lie in the API and can be looked at, but nobody acts on them; so a whole \
              application can be named in `manifests` as it is. An owner that is not among the manifests would, on a real \
              cluster, have the object collected as garbage.",
        wrong: "",
        right: "",
    },
    Explanation {
        code: code::NOTHING_RUNS,
        what: "A scenario in which nothing has pods.",
        why: "Machines alone do not converge: a run that places no pod fails, whatever was expected, since it would show \
              nothing. Add a `[[workload]]`, or name your manifests.",
        wrong: "",
        right: "",
    },
    Explanation {
        code: code::NO_PODS,
        what: "A workload whose pods will not be created.",
        why: "Nobody acts on workloads of this kind yet (StatefulSets, DaemonSets, Jobs, …), so their pods are missing: they \
              take no room on the nodes and serve nothing. Say the same as a Deployment if the question depends on it.",
        wrong: "",
        right: "",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Problems, load};

    #[test]
    fn every_code_is_explained_once() {
        let source = include_str!("problem.rs");
        let declared: Vec<&str> = source
            .split("pub const ")
            .skip(1)
            .filter_map(|rest| rest.split_once("&str = \"")?.1.split('"').next())
            .collect();
        assert!(declared.len() > 15, "{declared:?}");
        let mut explained: Vec<&str> = CODES.iter().map(|row| row.code).collect();
        for code in &declared {
            assert!(explained.contains(code), "{code} is not explained in codes.rs");
        }
        explained.dedup();
        assert_eq!(explained.len(), declared.len());
    }

    /// The codes of what is wrong with a small scenario that also says this.
    fn codes_of(snippet: &str) -> Vec<&'static str> {
        let schema = if snippet.starts_with("schema") { "" } else { "schema = \"evenkeel/v1\"\n" };
        let pool = "[[cluster.pool]]\nname = \"w\"\ncount = 2\nzones = [\"a\", \"b\"]\ncapacity = { cpu = \"4\", memory = \"8Gi\" }\n";
        let text = format!("{schema}title = \"x\"\n{snippet}\n{pool}");
        let files = |path: &str| if path == "x.toml" { Ok(text.clone()) } else { Err("no such file".to_string()) };
        let problems: Problems = load("x.toml", &files).err().unwrap_or_default();
        problems.list.iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn examples_are_wrong_and_right_as_they_say() {
        // Those are not scenarios, but manifests.
        let is_scenario = |row: &&Explanation| !row.wrong.is_empty() && row.code != code::MANIFEST;
        let mut complaints = Vec::new();
        for row in CODES.iter().filter(is_scenario) {
            for (snippet, expected) in [(row.wrong, &[row.code][..]), (row.right, &[])] {
                let found = codes_of(snippet);
                if found != expected {
                    complaints.push(format!("{expected:?} expected, {found:?} found:\n{snippet}"));
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
