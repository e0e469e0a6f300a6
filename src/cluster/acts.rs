//! People act, when their time has come, and go on with what takes longer.

use super::config::Planned;
use super::event::Event;
use super::strikes::Strike;
use super::world::{Missed, World};
use crate::action::{Action, Deed, Look, News, View};
use crate::apiserver::Request;
use crate::fault::Levers;
use crate::object::fact::Why;
use crate::object::{Fact, FactId, Name, Target};
use crate::program::Context;
use crate::program::script::Script;
use std::any::Any;

impl World {
    /// Somebody acts: the requests go through the same client as the manifests, one after another, but wait for nobody
    /// else's.
    pub(super) fn act(
        &mut self,
        index: usize,
        planned: &Planned,
        action: &dyn Action,
        target: &Target,
    ) -> Result<(), Name> {
        let nodes = self.machines_of(target, &planned.id);
        if nodes.is_empty() && *target != Target::Cluster {
            return Err(format!("no node matched {target}").into());
        }
        let names: Vec<Name> = nodes.iter().map(|(_, name)| name.clone()).collect();
        let (requests, course, said) = self.with_view(&names, |view| {
            action.requests(view).map(|requests| (requests, action.course(view), action.said(view)))
        })?;
        let deed = action.deed();
        // What there is to end is known before anything is said to be done.
        let ended = if let Deed::EndFault(id) = &deed { Some(self.fault_to_end(id)?) } else { None };
        let losses = if deed == Deed::RestorePower { self.lost_power(&nodes)? } else { Vec::new() };
        if deed == Deed::SwitchOff {
            self.recorder.outage(self.now, planned.id.clone(), &names);
        }
        let cause = self.fact(Fact::Acted { event: planned.id.clone(), what: said.into() }, Why::NOTHING);
        self.striking = cause;
        self.hit[index] = Some(Strike::over(nodes.clone(), self.now));
        ended.into_iter().for_each(|fault| self.end_early(fault, cause));
        self.restore_power(&losses, cause);
        if deed == Deed::SwitchOff {
            nodes.iter().for_each(|&(node, _)| self.power(node, false));
        }
        match course {
            None if requests.is_empty() => {}
            None => self.ask(requests, cause),
            Some(course) => {
                let errand = index as u32;
                self.open_events += 1;
                self.courses.insert(errand, (course, cause));
                self.with_kubectl(cause, |kubectl, cx| kubectl.run_errand(errand, vec![requests], cx));
                self.go_on();
            }
        }
        Ok(())
    }

    /// A person sends requests.
    pub(super) fn ask(&mut self, requests: Vec<Request>, cause: FactId) {
        self.with_kubectl(cause, |kubectl, cx| kubectl.begin(requests, cx));
    }

    /// Actions under way go on that have the answers to all that they asked for.
    pub(super) fn go_on(&mut self) {
        let mut answered = None;
        let mut next = |world: &mut World| {
            world.with_kubectl(FactId::NONE, |kubectl, _| answered = kubectl.take_answered());
            answered
        };
        while let Some(errand) = next(self) {
            self.look(errand);
        }
    }

    /// An action under way looks again after a while.
    pub(super) fn look_again(&mut self, errand: u32) {
        self.look(errand);
        // It may have asked for nothing.
        self.go_on();
    }

    /// An action under way looks at what has become of it.
    fn look(&mut self, errand: u32) {
        let (mut course, cause) = self.courses.remove(&errand).expect("it is under way");
        let (id, mut news) = (self.config.events[errand as usize].id.clone(), News::default());
        let next = self.with_view(&[], |view| course.look(view, &mut news));
        for what in news.done {
            self.fact(Fact::Acted { event: id.clone(), what }, Why::because(cause));
        }
        self.missed.extend(news.failed.into_iter().map(|why| Missed { id: id.clone(), why }));
        match next {
            Look::Done => {
                self.open_events -= 1;
                self.last_event = self.now;
                return;
            }
            Look::Wait(setting) => self.queue.push(self.now + self.config.settings.span(setting), Event::Look(errand)),
            Look::Ask(lines) => self.with_kubectl(cause, |kubectl, cx| kubectl.run_errand(errand, lines, cx)),
        }
        self.courses.insert(errand, (course, cause));
    }

    /// What somebody sees who acts on these nodes now.
    fn with_view<T>(&self, nodes: &[Name], look: impl FnOnce(&View<'_>) -> T) -> T {
        let store = &self.server.store;
        look(&View { tables: &|kind| store.table(kind), nodes, now: self.now, date: self.clock.timestamp(self.now) })
    }

    fn with_kubectl(&mut self, cause: FactId, act: impl FnOnce(&mut Script, &mut Context<'_>)) {
        self.call_program(World::KUBECTL, cause, |program, cx| {
            let program: &mut dyn Any = program.as_mut();
            act(program.downcast_mut().expect("kubectl is a script"), cx);
        });
    }
}
