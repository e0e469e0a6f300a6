//! Adoptions and releases of a ReplicaSet's pods, one after the other.
//!
//! Source: `pkg/controller/controller_ref_manager.go` (`ClaimPods`, `ReleasePod`), v1.36.

use crate::apiserver::{Reply, Request};
use crate::controller::ownership;
use crate::object::{Meta, Pod, ReplicaSet};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is to be done with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Adopt,
    Release,
}

/// The pods that a sync still has to adopt and release.
#[derive(Clone, Debug)]
pub struct Claims {
    left: VecDeque<(Verb, Arc<Pod>)>,
    /// Whether the live ReplicaSet may adopt; none as long as it was not asked.
    may_adopt: Option<bool>,
    has_failed: bool,
}

impl Claims {
    /// Adopts and releases these, in the order of their names.
    pub fn new(to_adopt: Vec<Arc<Pod>>, to_release: Vec<Arc<Pod>>) -> Claims {
        let adoptions = to_adopt.into_iter().map(|pod| (Verb::Adopt, pod));
        let releases = to_release.into_iter().map(|pod| (Verb::Release, pod));
        let mut left: Vec<_> = adoptions.chain(releases).collect();
        left.sort_by(|a, b| a.1.meta.key.cmp(&b.1.meta.key));
        Claims { left: left.into(), may_adopt: None, has_failed: false }
    }

    /// The next request; none when all is done. The ReplicaSet is read live once, before the first adoption.
    pub fn next(&mut self, set: &ReplicaSet) -> Option<Request> {
        if self.may_adopt == Some(false) {
            self.left.retain(|(verb, _)| *verb == Verb::Release);
        }
        let (verb, pod) = self.left.front()?;
        Some(match (verb, self.may_adopt) {
            (Verb::Release, _) => ownership::release(&set.meta, &**pod),
            (Verb::Adopt, None) => ownership::read(set),
            (Verb::Adopt, Some(_)) => ownership::adoption(set, &**pod),
        })
    }

    /// Takes the answer to it. Some if that was about a pod, with the pod if it is adopted.
    pub fn answered(&mut self, set: &Meta, reply: &Reply) -> Option<Option<Arc<Pod>>> {
        let front = self.left.front().expect("a request was sent");
        if front.0 == Verb::Adopt && self.may_adopt.is_none() {
            let may = ownership::may_adopt(set, reply);
            self.may_adopt = Some(may);
            self.has_failed |= !may;
            return None;
        }
        let (verb, pod) = self.left.pop_front()?;
        match verb {
            Verb::Release => {
                self.has_failed |= !ownership::is_released(reply);
                Some(None)
            }
            Verb::Adopt => {
                self.has_failed |= !reply.is_ok() && !reply.is_not_found();
                Some(reply.is_ok().then_some(pod))
            }
        }
    }

    /// Whether any failed, so that the sync ends here.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }
}
