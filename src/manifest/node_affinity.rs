//! Node affinity of pods.

use crate::object::node_affinity::{NodeAffinity, NodeOperator, NodeRequirement, NodeTerm, PreferredTerm};
use k8s_openapi::api::core::v1;
use std::sync::Arc;

/// `affinity.nodeAffinity`; none if it asks for nothing.
pub fn node_affinity(affinity: &v1::NodeAffinity) -> Option<Arc<NodeAffinity>> {
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref();
    let required = required.map(|selector| selector.node_selector_terms.iter().map(term).collect());
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution.iter().flatten();
    let preferred: Vec<_> =
        preferred.map(|item| PreferredTerm { weight: item.weight, term: term(&item.preference) }).collect();
    let asks = required.is_some() || !preferred.is_empty();
    asks.then(|| Arc::new(NodeAffinity { required, preferred }))
}

fn term(term: &v1::NodeSelectorTerm) -> NodeTerm {
    let [expressions, fields] = [&term.match_expressions, &term.match_fields]
        .map(|requirements| requirements.iter().flatten().map(requirement).collect());
    NodeTerm { expressions, fields }
}

fn requirement(requirement: &v1::NodeSelectorRequirement) -> NodeRequirement {
    NodeRequirement {
        key: requirement.key.as_str().into(),
        operator: NodeOperator::of(&requirement.operator),
        values: requirement.values.iter().flatten().map(|value| value.as_str().into()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SourceFile, export, load};
    use super::*;
    use crate::object::Object;

    #[test]
    fn it_is_read_written_back_and_no_longer_noted() {
        let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: c, image: 'i:1'}]
  nodeSelector: {disk: ssd}
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone}]
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: zone, operator: In, values: [a, '']}]
        - matchFields: [{key: metadata.name, operator: NotIn, values: [n1]}]
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 7, preference: {matchExpressions: [{key: cores, operator: Gt, values: ['8']}]}}
";
        let manifests = load(&[SourceFile { name: "web.yaml", text }]).unwrap();
        let notes: Vec<String> = manifests.notes.iter().map(ToString::to_string).collect();
        let noted = "web.yaml:8: note: spec.affinity.podAntiAffinity of Pod \"web\" is kept but not simulated yet";
        assert_eq!(notes, [noted]);
        let Object::Pod(mut pod) = manifests.objects[0].0.clone() else { panic!("a pod") };
        let requirement = |key: &str, operator, values: &[&str]| NodeRequirement {
            key: key.into(),
            operator,
            values: values.iter().map(|&value| value.into()).collect(),
        };
        let zone = requirement("zone", NodeOperator::In, &["a", ""]);
        let name = requirement("metadata.name", NodeOperator::NotIn, &["n1"]);
        let cores = requirement("cores", NodeOperator::Gt, &["8"]);
        let expected = NodeAffinity {
            required: Some(vec![
                NodeTerm { expressions: vec![zone], fields: Vec::new() },
                NodeTerm { expressions: Vec::new(), fields: vec![name] },
            ]),
            preferred: vec![PreferredTerm {
                weight: 7,
                term: NodeTerm { expressions: vec![cores], fields: Vec::new() },
            }],
        };
        assert_eq!(pod.spec.node_affinity.as_deref(), Some(&expected));
        let affinity = export::export(&Object::Pod(pod.clone()))["spec"]["affinity"].clone();
        let pod = Arc::make_mut(&mut pod);
        pod.meta.source = None;
        Arc::make_mut(&mut pod.spec).source = None;
        let built = export::export(&Object::from(pod.clone()))["spec"]["affinity"]["nodeAffinity"].clone();
        assert_eq!(built, affinity["nodeAffinity"], "the same with and without a document to lay it over");
    }
}
