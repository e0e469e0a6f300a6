//! Faults strike and are put right: all their nodes at once, or each at its own moment.

use super::config::{Happening, Planned};
use super::event::Event;
use super::world::World;
use crate::fault::{self, Hit};
use crate::ground::NodeId;
use crate::kernel::rng::Purpose;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Fact, FactId, Name, Target};

/// What a planned event has hit.
#[derive(Clone, Debug, Default)]
pub struct Strike {
    /// The nodes that it meant when it began, in that order.
    nodes: Vec<Struck>,
    /// Its beginning, and then its end, as a fact.
    fact: Option<FactId>,
    /// Whether the recorder knows of it, which hears of the first node that is hit.
    is_recorded: bool,
    /// Whether it is over, or will be once its nodes have got well.
    is_over: bool,
}

/// A node that a fault hits.
#[derive(Clone, Debug)]
struct Struck {
    node: NodeId,
    name: Name,
    /// When it is hit.
    at: Time,
    /// Whether it is to get well, or is.
    is_mended: bool,
}

impl Strike {
    /// Something that happened to these nodes and has nothing to end.
    pub fn over(nodes: impl IntoIterator<Item = (NodeId, Name)>, at: Time) -> Strike {
        let struck = |(node, name)| Struck { node, name, at, is_mended: true };
        Strike { nodes: nodes.into_iter().map(struck).collect(), fact: None, is_recorded: true, is_over: true }
    }

    /// The names of its nodes.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.nodes.iter().map(|struck| &struck.name)
    }
}

impl World {
    /// A fault looks for its target and strikes.
    pub(super) fn strike(&mut self, index: usize, planned: &Planned) -> Result<(), Name> {
        let Happening::Fault { name, target, jitter, .. } = &planned.what else { return Ok(()) };
        let nodes = self.machines_of(target, &planned.id);
        if nodes.is_empty() && *target != Target::Cluster {
            return Err(format!("no node matched {target}").into());
        }
        let what: Vec<&str> = std::iter::once(*name).chain(nodes.iter().map(|(_, name)| name.as_str())).collect();
        let what = what.join(" ").into();
        let struck = |(node, name): (NodeId, Name)| {
            let at = self.now + self.moment("jitter", &planned.id, &name, *jitter);
            Struck { node, name, at, is_mended: false }
        };
        let nodes = nodes.into_iter().map(struck).collect();
        self.hit[index] = Some(Strike { nodes, ..Strike::default() });
        let is_at_once = *jitter == Span::ZERO || *target == Target::Cluster;
        if is_at_once {
            self.record_outage(index, planned);
        }
        let fact = self.fact(Fact::FaultBegan { fault: planned.id.clone(), what }, Why::NOTHING);
        let strike = self.hit[index].as_mut().expect("it has just begun");
        strike.fact = Some(fact);
        let places = 0..strike.nodes.len();
        if is_at_once {
            self.begin_on(index, planned, &places.collect::<Vec<_>>());
        } else {
            for (place, struck) in strike.nodes.iter().enumerate() {
                self.open_events += 1;
                self.queue.push(struck.at, Event::Strike(index as u32, place as u32));
            }
        }
        Ok(())
    }

    /// One node of a fault is hit at its own moment.
    pub(super) fn strike_node(&mut self, index: usize, place: usize) {
        let config = self.config.clone();
        let planned = &config.events[index];
        self.open_events -= 1;
        self.last_event = self.now;
        self.record_outage(index, planned);
        self.begin_on(index, planned, &[place]);
    }

    /// The time of a fault is over.
    pub(super) fn end_event(&mut self, index: usize) {
        // Nothing to end if it hit nothing, or was ended before its time.
        if self.hit[index].as_ref().is_some_and(|strike| !strike.is_over) {
            self.open_events -= 1;
            let began = self.hit[index].as_ref().and_then(|strike| strike.fact);
            self.put_right(index, began.unwrap_or(FactId::NONE));
        }
    }

    /// One node of a fault gets well at its own moment.
    pub(super) fn mend_node(&mut self, index: usize, place: usize) {
        self.open_events -= 1;
        self.last_event = self.now;
        self.end_on(index, &[place]);
    }

    /// The event whose fault is to end before its time.
    ///
    /// # Errors
    /// If there is nothing to end, and why.
    pub(super) fn fault_to_end(&self, id: &Name) -> Result<usize, Name> {
        let Some(index) = self.config.events.iter().position(|planned| planned.id == *id) else {
            return Err(format!("there is no event {id}").into());
        };
        let planned = &self.config.events[index];
        match &planned.what {
            Happening::Fault { name, .. } if fault::find(name).is_none_or(|row| row.end.is_some()) => {}
            Happening::Fault { name, .. } => return Err(format!("{id} is over at once, as every {name} is").into()),
            _ => return Err(format!("{id} is no fault: it does not last").into()),
        }
        match &self.hit[index] {
            None if self.missed.iter().any(|missed| missed.id == *id) => Err(format!("{id} hit nothing").into()),
            None => Err(format!("{id} has not begun").into()),
            Some(strike) if strike.is_over => Err(format!("{id} is over already").into()),
            Some(_) => Ok(index),
        }
    }

    /// Ends a fault that was found to last still, because of `cause`.
    pub(super) fn end_early(&mut self, index: usize, cause: FactId) {
        self.open_events -= usize::from(self.config.events[index].end().is_some());
        self.put_right(index, cause);
    }

    /// Losses of power without an end that hold any of these nodes: events, and the places of the nodes in them.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn lost_power(&self, nodes: &[(NodeId, Name)]) -> Result<Vec<(usize, Vec<usize>)>, Name> {
        let places = |(index, planned): (usize, &Planned)| {
            let Happening::Fault { name, lasts: None, .. } = &planned.what else { return None };
            let strike =
                self.hit[index].as_ref().filter(|strike| !strike.is_over && *name == fault::power::LOSS.name)?;
            let is_meant = |struck: &Struck| !struck.is_mended && nodes.iter().any(|(node, _)| *node == struck.node);
            let places: Vec<usize> = (0..strike.nodes.len()).filter(|&place| is_meant(&strike.nodes[place])).collect();
            (!places.is_empty()).then_some((index, places))
        };
        let losses: Vec<_> = self.config.events.iter().enumerate().filter_map(places).collect();
        if losses.is_empty() { Err("no power.loss without `for` keeps their power away".into()) } else { Ok(losses) }
    }

    /// Gives back power that was found to be lost.
    pub(super) fn restore_power(&mut self, losses: &[(usize, Vec<usize>)], cause: FactId) {
        for (index, places) in losses {
            let strike = self.hit[*index].as_mut().expect("it has begun");
            let held = strike.nodes.iter().filter(|struck| !struck.is_mended).count();
            if held == places.len() {
                self.put_right(*index, cause);
            } else {
                strike.fact = Some(cause);
                self.mend(*index, places);
            }
        }
    }

    /// A fault ends on all its nodes that it still holds.
    fn put_right(&mut self, index: usize, cause: FactId) {
        let id = self.config.events[index].id.clone();
        self.last_event = self.now;
        let ended = self.fact(Fact::FaultEnded { fault: id }, Why::because(cause));
        let strike = self.hit[index].as_mut().expect("a fault that ends has begun");
        (strike.fact, strike.is_over) = (Some(ended), true);
        let places = (0..strike.nodes.len()).filter(|&place| !strike.nodes[place].is_mended).collect::<Vec<_>>();
        self.mend(index, &places);
    }

    /// These nodes of a fault get well: at once, or each at its own moment, but none before it was hit.
    fn mend(&mut self, index: usize, places: &[usize]) {
        let config = self.config.clone();
        let planned = &config.events[index];
        let Happening::Fault { jitter, stagger, .. } = &planned.what else { return };
        let strike = self.hit[index].as_mut().expect("a fault that ends has begun");
        places.iter().for_each(|&place| strike.nodes[place].is_mended = true);
        if strike.nodes.is_empty() || *jitter == Span::ZERO && *stagger == Span::ZERO {
            return self.end_on(index, places);
        }
        let struck: Vec<(usize, Time, Name)> =
            places.iter().map(|&place| (place, strike.nodes[place].at, strike.nodes[place].name.clone())).collect();
        for (place, hit_at, name) in struck {
            let well = self.now + self.moment("stagger", &planned.id, &name, *stagger);
            self.open_events += 1;
            self.queue.push(well.max(hit_at), Event::Mend(index as u32, place as u32));
        }
    }

    fn begin_on(&mut self, index: usize, planned: &Planned, places: &[usize]) {
        let Happening::Fault { fault, .. } = &planned.what else { return };
        let nodes = self.hold(index, places);
        fault.begin(&Hit { fault: &planned.id, nodes: &nodes }, self);
    }

    fn end_on(&mut self, index: usize, places: &[usize]) {
        let config = self.config.clone();
        let planned = &config.events[index];
        let Happening::Fault { fault, .. } = &planned.what else { return };
        let nodes = self.hold(index, places);
        fault.end(&Hit { fault: &planned.id, nodes: &nodes }, self);
    }

    /// Some of the nodes of an event, which is what happens now.
    fn hold(&mut self, index: usize, places: &[usize]) -> Vec<(NodeId, Name)> {
        let strike = self.hit[index].as_ref().expect("it has begun");
        self.striking = strike.fact.unwrap_or(FactId::NONE);
        places.iter().map(|&place| (strike.nodes[place].node, strike.nodes[place].name.clone())).collect()
    }

    /// Tells the recorder of the outage, once.
    fn record_outage(&mut self, index: usize, planned: &Planned) {
        let strike = self.hit[index].as_mut().expect("it has begun");
        if !std::mem::replace(&mut strike.is_recorded, true) {
            let names: Vec<Name> = strike.names().cloned().collect();
            self.recorder.outage(self.now, planned.id.clone(), &names);
        }
    }

    /// A span in [0, `bound`) that is always the same for this event, this node and this purpose.
    fn moment(&self, what: &str, event: &Name, node: &Name, bound: Span) -> Span {
        self.draws.span_below(Purpose::Fault, &format!("{what} {event} {node}"), 0, bound)
    }
}
