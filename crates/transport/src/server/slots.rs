//! Counts connections, in all and by address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Limits;

/// The places for connections. Holds one entry for each address that is connected, so it cannot
/// outgrow the number of connections.
#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place, free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    /// `None` for a proxy, which speaks for many clients.
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoSlot {
    Address,
    All,
}

impl Slots {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_per_address: limits.connections_per_address,
            taken: Mutex::default(),
        })
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr, is_proxy: bool) -> Result<Slot, NoSlot> {
        let address = (!is_proxy).then(|| subscriber(address));
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(NoSlot::All);
        }
        if let Some(address) = address {
            let count = taken.by_address.get(&address).copied().unwrap_or(0);
            if count >= self.most_per_address {
                return Err(NoSlot::Address);
            }
            taken.by_address.insert(address, count + 1);
        }
        taken.all += 1;
        drop(taken);
        Ok(Slot {
            slots: Arc::clone(self),
            address,
        })
    }

    pub(super) fn open(&self) -> usize {
        self.lock().all
    }

    /// Counters are whole after every step, so a panic elsewhere cannot leave them half changed.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// One subscriber has one IPv4 address, or a /64 of IPv6 with more addresses than can be counted.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => four.into(),
        IpAddr::V6(six) => {
            let network = u128::from(six) & (u128::MAX << 64);
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn slots(all: usize, per_address: usize) -> Arc<Slots> {
        Slots::new(
            &Limits::default()
                .connections(all)
                .connections_per_address(per_address),
        )
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let slots = slots(3, 2);
        let first = slots.take(ip("203.0.113.7"), false).unwrap();
        let _second = slots.take(ip("::ffff:203.0.113.7"), false).unwrap();
        assert_eq!(
            slots.take(ip("203.0.113.7"), false).unwrap_err(),
            NoSlot::Address
        );
        let _other = slots.take(ip("203.0.113.8"), false).unwrap();
        assert_eq!(
            slots.take(ip("203.0.113.9"), false).unwrap_err(),
            NoSlot::All
        );
        drop(first);
        assert!(slots.take(ip("203.0.113.7"), false).is_ok());
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address() {
        let slots = slots(9, 1);
        let _one = slots.take(ip("2001:db8:1:2::1"), false).unwrap();
        assert_eq!(
            slots.take(ip("2001:db8:1:2:ffff::9"), false).unwrap_err(),
            NoSlot::Address
        );
        assert!(slots.take(ip("2001:db8:1:3::1"), false).is_ok());
    }

    #[test]
    fn a_proxy_speaks_for_many() {
        let slots = slots(3, 1);
        let _all: Vec<_> = (0..3)
            .map(|_| slots.take(ip("10.0.0.1"), true).unwrap())
            .collect();
        assert_eq!(slots.take(ip("10.0.0.1"), true).unwrap_err(), NoSlot::All);
    }

    #[test]
    fn nothing_is_left_when_all_are_gone() {
        let slots = slots(9, 9);
        let all: Vec<_> = (0..9)
            .map(|last| slots.take(IpAddr::from([10, 0, 0, last]), false).unwrap())
            .collect();
        drop(all);
        assert_eq!(slots.open(), 0);
        assert!(slots.lock().by_address.is_empty());
    }
}
