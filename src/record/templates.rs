//! Which pods of a Deployment are of its current template.

use crate::object::replicaset::PodTemplate;
use crate::object::{Deployment, Key, ReplicaSet, Strategy, Uid};
use std::collections::BTreeMap;

/// A ReplicaSet of a Deployment.
#[derive(Clone, Debug)]
struct Set {
    deployment: Key,
    template: PodTemplate,
    is_current: bool,
}

/// The templates of Deployments and of their ReplicaSets.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    deployments: BTreeMap<Key, PodTemplate>,
    sets: BTreeMap<Uid, Set>,
}

impl Templates {
    /// The Deployment of a ReplicaSet that has one.
    pub fn deployment_of(&self, set: Uid) -> Option<&Key> {
        self.sets.get(&set).map(|set| &set.deployment)
    }

    /// Whether pods of this ReplicaSet are as its Deployment wants them now. Those of others always are.
    pub fn is_current(&self, set: Option<Uid>) -> bool {
        set.and_then(|set| self.sets.get(&set)).is_none_or(|set| set.is_current)
    }

    /// Takes note of a Deployment; says whether that makes another of its sets the current one.
    pub fn deployment(&mut self, deployment: &Deployment) -> bool {
        let (key, template) = (&deployment.meta.key, &deployment.spec.template);
        if self.deployments.get(key) == Some(template) {
            return false;
        }
        self.deployments.insert(key.clone(), template.clone());
        let mut is_other = false;
        for set in self.sets.values_mut().filter(|set| set.deployment == *key) {
            let was_current = std::mem::replace(&mut set.is_current, set.template.is_same_as(template));
            is_other |= was_current != set.is_current;
        }
        is_other
    }

    /// Takes note of a ReplicaSet that belongs to a Deployment; says whether one that was known is another
    /// now.
    pub fn set(&mut self, set: &ReplicaSet, deployment: Key) -> bool {
        let template = &set.spec.template;
        let is_known = |known: &&Set| known.deployment == deployment && known.template == *template;
        let known = self.sets.get(&set.meta().uid);
        if known.filter(is_known).is_some() {
            return false;
        }
        let was_there = known.is_some();
        let is_current = self.deployments.get(&deployment).is_none_or(|wanted| template.is_same_as(wanted));
        self.sets.insert(set.meta().uid, Set { deployment, template: template.clone(), is_current });
        was_there
    }

    /// A ReplicaSet belongs to another Deployment now, or to none.
    pub fn forget(&mut self, set: Uid) {
        self.sets.remove(&set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::deployment::LABEL_HASH;
    use crate::object::{Labels, Meta};

    fn template(image: &str) -> PodTemplate {
        PodTemplate { annotations: [("image", image)].into_iter().collect(), ..PodTemplate::default() }
    }

    fn deployment(image: &str) -> Deployment {
        let mut deployment = Deployment { meta: Meta::new(Key::new("default", "web")), ..Deployment::default() };
        deployment.spec.template = template(image);
        deployment
    }

    fn set(uid: u128, image: &str) -> ReplicaSet {
        let mut set = ReplicaSet { meta: Meta::new(Key::new("default", "web-1")), ..ReplicaSet::default() };
        set.meta.uid = Uid(uid);
        set.spec.template = template(image);
        let hash: Labels = [(LABEL_HASH, "abc")].into_iter().collect();
        set.spec.template.labels = hash;
        set
    }

    #[test]
    fn a_set_is_current_while_its_template_is_the_deployments() {
        let web = Key::new("default", "web");
        let mut templates = Templates::default();
        assert!(!templates.set(&set(1, "one"), web.clone()), "before its Deployment, as in a dump");
        assert!(templates.is_current(Some(Uid(1))));
        assert!(!templates.deployment(&deployment("one")));
        assert!(templates.is_current(Some(Uid(1))), "the hash does not count");
        assert!(templates.deployment(&deployment("two")));
        templates.set(&set(2, "two"), web.clone());
        assert_eq!([1, 2].map(|uid| templates.is_current(Some(Uid(uid)))), [false, true]);
        templates.deployment(&deployment("one"));
        assert_eq!([1, 2].map(|uid| templates.is_current(Some(Uid(uid)))), [true, false], "back again");
        assert!(templates.is_current(None) && templates.is_current(Some(Uid(9))));
        assert_eq!(templates.deployment_of(Uid(2)), Some(&web));
        assert!(templates.set(&set(1, "three"), web), "somebody has edited it");
        assert!(!templates.is_current(Some(Uid(1))));
    }
}
