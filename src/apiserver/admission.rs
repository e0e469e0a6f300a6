//! Admission on creation: what the API server changes in an object before it validates it, or refuses.
//!
//! Source: `plugin/pkg/admission/{defaulttolerationseconds,priority,nodetaint}`, `staging/src/k8s.io/apiserver/pkg/
//! admission/plugin/namespace/lifecycle`, v1.36; plugins run in the order of `pkg/kubeapiserver/options/plugins.go`.
//! Left out: limit ranges, quota, service accounts, pod security, runtime classes, webhooks, policies.

use super::request::ApiError;
use crate::etcd::Store;
use crate::object::pod::PodSpec;
use crate::object::taint::{Effect, NOT_READY, Taint, Toleration, TolerationOperator, UNREACHABLE};
use crate::object::{Key, Kind, Node, Object, Pod, PriorityClass, SettingId, Settings};
use std::sync::Arc;

/// What admission remembers: the last pod spec it changed, since all replicas of a template share one.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    last: Option<(Arc<PodSpec>, Arc<PodSpec>)>,
}

impl Admission {
    /// Changes a new object, or refuses it.
    ///
    /// # Errors
    /// 404 if its namespace is missing, 403 if its priority class is.
    pub fn create(&mut self, object: &mut Object, store: &Store, settings: &Settings) -> Result<(), ApiError> {
        let kind = object.kind();
        let namespace = object.meta().namespace().clone();
        if kind.is_namespaced() && store.get(Kind::Namespace, &Key::cluster(namespace.clone())).is_none() {
            return Err(ApiError::NamespaceNotFound(namespace));
        }
        match object {
            Object::Node(node) => taint_by_condition(Arc::make_mut(node)),
            Object::Pod(pod) => self.pod(Arc::make_mut(pod), store, settings)?,
            _ => {}
        }
        Ok(())
    }

    fn pod(&mut self, pod: &mut Pod, store: &Store, settings: &Settings) -> Result<(), ApiError> {
        if let Some((before, after)) = &self.last
            && (Arc::ptr_eq(before, &pod.spec) || before == &pod.spec)
        {
            pod.spec = after.clone();
            return Ok(());
        }
        let before = pod.spec.clone();
        let spec = Arc::make_mut(&mut pod.spec);
        priority(spec, store)?;
        default_toleration(spec, NOT_READY, settings.get(SettingId::DefaultNotReadyToleration));
        default_toleration(spec, UNREACHABLE, settings.get(SettingId::DefaultUnreachableToleration));
        self.last = Some((before, pod.spec.clone()));
        Ok(())
    }

    /// Forgets the last pod spec: priority classes have changed.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

/// A new node may not be scheduled to until it has said that it is ready (`TaintNodesByCondition`).
fn taint_by_condition(node: &mut Node) {
    if !node.taints.iter().any(|taint| taint.key == NOT_READY && taint.effect == Effect::NoSchedule) {
        let taint =
            Taint { key: NOT_READY.into(), value: Default::default(), effect: Effect::NoSchedule, time_added: None };
        node.taints.push(taint);
    }
}

fn priority(spec: &mut PodSpec, store: &Store) -> Result<(), ApiError> {
    let class = if spec.priority_class.is_empty() {
        let classes = store.table(Kind::PriorityClass).all::<PriorityClass>();
        classes.filter(|class| class.global_default).min_by_key(|class| class.value).cloned()
    } else {
        let found = store.table(Kind::PriorityClass).typed(&Key::cluster(spec.priority_class.clone())).cloned();
        Some(found.ok_or_else(|| {
            ApiError::Forbidden(format!("no PriorityClass with name {} was found", spec.priority_class).into())
        })?)
    };
    if let Some(class) = &class {
        spec.priority_class = class.meta.name().clone();
        spec.never_preempts |= class.never_preempts;
    }
    spec.priority = Some(class.map_or(0, |class| class.value));
    Ok(())
}

/// Tolerates NoExecute of `key` for a while, unless the pod says something of it already (`DefaultTolerationSeconds`).
fn default_toleration(spec: &mut PodSpec, key: &str, seconds: i64) {
    let spoken_of = spec.tolerations.iter().any(|toleration| {
        (toleration.key == key || toleration.key.is_empty())
            && toleration.effect.is_none_or(|effect| effect == Effect::NoExecute)
    });
    if !spoken_of {
        spec.tolerations.push(Toleration {
            key: key.into(),
            operator: TolerationOperator::Exists,
            effect: Some(Effect::NoExecute),
            seconds: Some(seconds),
            ..Toleration::default()
        });
    }
}
