//! Objects of kinds that are not interpreted, in a cluster: stored, tied to their owners, deleted, collected.

use super::tests::{at, config, pod};
use super::{Config, Happening, Planned, World};
use crate::action::{Action, Delete};
use crate::apiserver::Propagation;
use crate::object::opaque::key_name;
use crate::object::target::Target;
use crate::object::{ClusterOpaque, Key, Kind, Meta, Name, Object, Opaque, OwnerRef, Pod, Uid};
use std::sync::Arc;

fn widget(kind: &str, name: &str, owner: Option<(Kind, Name)>) -> Object {
    Opaque { meta: owned(Meta::new(Key::new("default", key_name("example.com/v1", kind, name))), owner) }.into()
}

/// Named without its uid, as in the manifests of a cluster that is yet to be made.
fn owned(mut meta: Meta, owner: Option<(Kind, Name)>) -> Meta {
    meta.owners.extend(owner.map(|(kind, name)| OwnerRef {
        kind,
        name,
        uid: Uid::default(),
        controller: true,
        block_owner_deletion: false,
    }));
    meta
}

#[test]
fn they_go_with_their_owners_like_any_object() {
    let key = |kind: &str, name: &str| Key::new("default", key_name("example.com/v1", kind, name));
    let (parent, rack) = (key("Parent", "p").name, key_name("example.com/v1", "Rack", "r"));
    let mut stray = pod("stray");
    *stray.meta_mut() = owned(stray.meta().clone(), Some((Kind::Opaque, key("Parent", "not-there").name)));
    let mut servant = pod("servant");
    *servant.meta_mut() = owned(servant.meta().clone(), Some((Kind::Opaque, parent.clone())));
    let manifests = vec![
        ClusterOpaque { meta: Meta::new(Key::cluster(rack.clone())) }.into(),
        widget("Parent", "p", None),
        widget("Child", "p", Some((Kind::Opaque, parent.clone()))),
        widget("Shelf", "s", Some((Kind::ClusterOpaque, rack))),
        servant,
        stray,
    ];
    let delete: Arc<dyn Action> = Arc::new(Delete {
        kind: Kind::Opaque,
        key: key("Parent", "p"),
        propagation: Some(Propagation::Background),
        grace_seconds: None,
    });
    let events = vec![Planned {
        id: "delete".into(),
        at: at(60),
        what: Happening::Action { name: "delete", action: delete, target: Target::Cluster },
    }];
    let mut world = World::new(Config { manifests, events, until: at(200), ..config(1, &[]) });
    let opaque = |world: &World| -> Vec<String> {
        world.objects::<Opaque>().map(|object| object.meta.key.to_string()).collect()
    };
    let pods =
        |world: &World| -> Vec<String> { world.objects::<Pod>().map(|pod| pod.meta.name().to_string()).collect() };

    world.run_until(at(50));
    assert_eq!(world.refused(), []);
    let all = ["Child.v1.example.com/p", "Parent.v1.example.com/p", "Shelf.v1.example.com/s"];
    assert_eq!(opaque(&world), all.map(|name| format!("default/{name}")));
    let child = world.objects::<Opaque>().next().unwrap();
    let owner = world.objects::<Opaque>().nth(1).unwrap();
    assert_eq!(child.meta.owners[0].uid, owner.meta.uid);
    assert_eq!(pods(&world), ["servant", "stray"]);

    world.run();
    assert_eq!(opaque(&world), ["default/Shelf.v1.example.com/s"]);
    assert_eq!(pods(&world), ["stray"], "its owner never was, so it has none");
    assert_eq!(world.objects::<ClusterOpaque>().count(), 1);
    assert_eq!(world.audit(), Ok(()));
}
