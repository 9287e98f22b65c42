//! What can happen in each state.

use stateright::{Model, Property};

use super::{
    FleetModel, NODES,
    fleet::{Fleet, Message},
};

/// One event.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Event {
    BeginWindow,
    /// The node reaches the store again.
    Connect(usize),
    Deliver(Message),
    Disconnect(usize),
    EndLease(usize),
    /// A request ends that is settled.
    Finish {
        node: usize,
        in_window: bool,
    },
    Flush(usize),
    GiveUp(usize),
    GiveUpBatch(usize),
    /// Time passes, for all.
    Pass,
    Request(usize),
    /// The clock of the store is set, by the time of a whole burst.
    StepClock {
        forward: bool,
    },
}

impl Model for FleetModel {
    type State = Fleet;
    type Action = Event;

    fn init_states(&self) -> Vec<Fleet> {
        vec![Fleet::new(self)]
    }

    fn actions(&self, fleet: &Fleet, events: &mut Vec<Event>) {
        if fleet.window.is_none() {
            events.push(Event::BeginWindow);
        }
        if fleet.now < self.scope.time {
            events.push(Event::Pass);
        }
        if fleet.left.clock_steps > 0 {
            events.extend([true, false].map(|forward| Event::StepClock { forward }));
        }
        for message in &fleet.messages {
            // One that is never delivered is lost.
            events.push(Event::Deliver(*message));
        }
        for node in 0..NODES {
            self.events_of_node(fleet, node, events);
        }
    }

    fn next_state(&self, fleet: &Fleet, event: Event) -> Option<Fleet> {
        let mut next = fleet.clone();
        self.apply(&mut next, event);
        (next != *fleet).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no more than the bound", Self::is_within_bound),
            Property::always("a node holds one lease", |model: &Self, fleet: &Fleet| {
                let is_one = |size| (0..NODES).all(|node| fleet.held(node) <= size);
                model.scope.lease.is_none_or(is_one)
            }),
            Property::sometimes("the bound is reached", |model: &Self, fleet: &Fleet| {
                let reached = |window| model.bound(fleet, window) == window.used;
                fleet.window.as_ref().is_some_and(reached)
            }),
            Property::sometimes("a node counts alone", |_, fleet: &Fleet| {
                let window = fleet.window.as_ref();
                window.is_some_and(|window| window.alone.contains(&true))
            }),
            Property::sometimes("units return", |_, fleet: &Fleet| {
                let returns =
                    |message: &Message| matches!(message, Message::Settle { refund: 1.., .. });
                fleet.messages.iter().any(returns)
            }),
        ]
    }
}

impl FleetModel {
    fn events_of_node(&self, fleet: &Fleet, index: usize, events: &mut Vec<Event>) {
        let Some(node) = fleet.nodes.get(index) else {
            return;
        };
        if fleet.left.requests > 0 && node.waiting.is_none() {
            events.push(Event::Request(index));
        }
        if node.waiting.is_some() && fleet.left.losses > 0 {
            events.push(Event::GiveUp(index));
        }
        match node.is_away {
            true => events.push(Event::Connect(index)),
            false if fleet.left.outages > 0 => events.push(Event::Disconnect(index)),
            false => {}
        }
        if !node.is_away && !node.queue.is_empty() && node.sent.is_none() {
            events.push(Event::Flush(index));
        }
        if node.sent.is_some() && fleet.left.losses > 0 {
            events.push(Event::GiveUpBatch(index));
        }
        if node.open > 0 {
            events.push(Event::Finish {
                node: index,
                in_window: true,
            });
        }
        if node.open_before > 0 {
            events.push(Event::Finish {
                node: index,
                in_window: false,
            });
        }
        if node.lease.has_ended(fleet.node_time()) {
            events.push(Event::EndLease(index));
        }
    }

    fn apply(&self, fleet: &mut Fleet, event: Event) {
        match event {
            Event::BeginWindow => fleet.begin_window(self),
            Event::Connect(node) => fleet.nodes[node].is_away = false,
            Event::Deliver(message) => {
                remove(fleet, message);
                self.deliver(fleet, message);
            }
            Event::Disconnect(node) => {
                fleet.left.outages -= 1;
                fleet.nodes[node].is_away = true;
            }
            Event::EndLease(node) => self.end_lease(fleet, node),
            Event::Finish { node, in_window } => self.finish(fleet, node, in_window),
            Event::Flush(node) => self.flush(fleet, node),
            Event::GiveUp(node) => {
                fleet.left.losses -= 1;
                self.give_up(fleet, node);
            }
            Event::GiveUpBatch(node) => {
                fleet.left.losses -= 1;
                self.delivered(fleet, node, None);
            }
            Event::Pass => {
                fleet.now += 1;
                self.move_clock(fleet, 1);
            }
            Event::Request(node) => {
                fleet.left.requests -= 1;
                self.request(fleet, node);
            }
            Event::StepClock { forward } => {
                fleet.left.clock_steps -= 1;
                let steps = i16::try_from(self.scope.burst).unwrap_or(i16::MAX);
                self.move_clock(fleet, if forward { steps } else { -steps });
            }
        }
    }

    /// Moves the clock of the store by steps. Units come back only while it goes forward.
    fn move_clock(&self, fleet: &mut Fleet, steps: i16) {
        fleet.store_now = fleet.store_now.saturating_add_signed(steps as i8);
        if let Some(window) = &mut fleet.window {
            window.refilled += u32::try_from(steps).unwrap_or(0);
        }
    }

    fn deliver(&self, fleet: &mut Fleet, message: Message) {
        match message {
            Message::Take { node, call, units } => fleet.take(&self.limit.gcra, node, call, units),
            Message::Taken {
                node, call, wait, ..
            } => self.taken(fleet, node, call, wait),
            Message::Settle {
                node,
                batch,
                charge,
                refund,
            } => {
                fleet.settle(&self.limit.gcra, charge, refund);
                fleet.send(Message::Settled { node, batch });
            }
            Message::Settled { node, batch } => self.delivered(fleet, node, Some(batch)),
        }
    }
}

fn remove(fleet: &mut Fleet, message: Message) {
    if let Some(index) = fleet.messages.iter().position(|other| *other == message) {
        fleet.messages.remove(index);
    }
}
