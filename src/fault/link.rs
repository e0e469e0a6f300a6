//! Links between nodes and the control plane that no longer carry, or carry badly.
//!
//! What is lost on a lossy link is sent again, as TCP does (RFC 6298; Linux waits at least 200 ms and doubles that with
//! each loss), so that loss shows as delay. Each message counts as one segment that does not wait for others. A connection
//! on which nothing gets through for as long as client-go keeps one is given up, and with it the message.

use super::parameter::{self, DIRECTION};
use super::{Fault, FaultRow, Hit, Levers};
use crate::ground::Direction;
use crate::kernel::factor::Factor;
use crate::kernel::time::Span;
use crate::object::field::{Field, Shape, Wrong};
use std::sync::Arc;

/// `node.partition`.
pub const PARTITION: FaultRow = FaultRow {
    name: "node.partition",
    summary: "Nothing passes between the node and the control plane; its containers go on running.",
    end: Some("The link carries again; the kubelet tries again within one of its rounds."),
    has_target: true,
    parameters: &[DIRECTION],
    build: |parameters| Ok(Arc::new(Partition(parameter::directions(parameters)?))),
};

/// `link.slow`.
pub const SLOW: FaultRow = FaultRow {
    name: "link.slow",
    summary: "Messages between the node and the control plane take longer.",
    end: Some("What is sent from then on takes its usual time."),
    has_target: true,
    parameters: &[
        Field::optional("latency", Shape::Span, "What is added to each message's time one way, as `200ms`."),
        Field::optional("factor", Shape::Factor, "How many times longer each message takes one way, as `100`."),
        DIRECTION,
    ],
    build: |parameters| {
        let extra = parameter::span(parameters, "latency", Span::DAY)?;
        let factor = parameter::factor(parameters, "factor")?;
        if extra.is_none() && factor.is_none() {
            return Err(Wrong::new("", "how slow? give `latency = \"200ms\"`, or `factor = 100`"));
        }
        let directions = parameter::directions(parameters)?;
        Ok(Arc::new(Slow { directions, factor: factor.unwrap_or(Factor::ONE), extra: extra.unwrap_or(Span::ZERO) }))
    },
};

/// `link.lossy`.
pub const LOSSY: FaultRow = FaultRow {
    name: "link.lossy",
    summary: "A share of the messages between the node and the control plane is lost and sent again, after 200 ms, 400 ms, \
              800 ms and so on: loss shows as delay, and much of it as connections that are given up.",
    end: Some("What is sent from then on gets through."),
    has_target: true,
    parameters: &[
        Field::required(
            "loss",
            Shape::Share,
            "Share of the messages that is lost in each direction, as `5%` or `0.05`.",
        ),
        DIRECTION,
    ],
    build: |parameters| {
        let share = parameter::share(parameters, "loss")?;
        let share =
            share.ok_or_else(|| Wrong::new("loss", "how much is lost? `loss` is missing, as in `loss = \"5%\"`"))?;
        Ok(Arc::new(Lossy { directions: parameter::directions(parameters)?, share }))
    },
};

#[derive(Debug)]
struct Partition(&'static [Direction]);

impl Fault for Partition {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| self.0.iter().for_each(|&direction| levers.cut(node, direction, true)));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| self.0.iter().for_each(|&direction| levers.cut(node, direction, false)));
    }
}

#[derive(Debug)]
struct Slow {
    directions: &'static [Direction],
    factor: Factor,
    extra: Span,
}

impl Slow {
    fn set(&self, hit: &Hit<'_>, begins: bool, levers: &mut dyn Levers) {
        for node in hit.each() {
            for &direction in self.directions {
                levers.slow_link(node, direction, self.factor, self.extra, begins);
            }
        }
    }
}

impl Fault for Slow {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        self.set(hit, true, levers);
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        self.set(hit, false, levers);
    }
}

#[derive(Debug)]
struct Lossy {
    directions: &'static [Direction],
    share: u32,
}

impl Fault for Lossy {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| self.directions.iter().for_each(|&way| levers.lose(node, way, self.share, true)));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| self.directions.iter().for_each(|&way| levers.lose(node, way, self.share, false)));
    }
}
