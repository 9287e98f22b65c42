//! Counts connections, in total and per address, and closes idle ones when the server is full.
//!
//! The server is also full when connections of all servers of the process, and those to upstreams, leave only an eighth of
//! the file descriptors. So files of keys and certificates can still be read.
//!
//! The acceptor takes a slot for each connection. Without one the connection is closed at once.
//!
//! # Fairness
//!
//! When all slots are taken, the connection that has been idle for longest is closed for a new one.
//! A connection with an open request, or one that was upgraded, is never closed. So idle connections
//! of an attacker do not keep others out; requests that are open can, which the limit per address
//! bounds.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_internal::open_sockets::{self, OpenSocket};
use tokio::time::Instant;

use crate::server::{deadlines::Activity, events::ConnectionEventKind};

/// Idle connections that one search remembers, so that not every new connection causes a
/// search.
const REMEMBERED: usize = 64;

/// Time between two searches when the last one found no idle connection.
const SEARCH_INTERVAL: Duration = Duration::from_millis(100);

/// The slots for connections.
///
/// Has one entry for each connection and each address, so it cannot grow beyond the limit.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Connections in total.
    most: usize,
    /// Connections of one address.
    most_per_address: usize,
    /// Held for some counters only, and during a search for the list of all connections.
    taken: Mutex<Taken>,
}

/// The slots that are in use.
#[derive(Debug, Default)]
struct Taken {
    /// Connections of each address. Proxies are not counted.
    by_address: HashMap<IpAddr, usize>,
    /// Connections that count. One that has to close no longer does.
    connections: HashMap<u64, Arc<Activity>>,
    /// The id of the next connection.
    next: u64,
    /// Connections that were idle at the last search, with their last progress. The longest
    /// idle is last.
    idle: Vec<(Instant, u64)>,
    /// The last search that found nothing.
    last_search: Option<Instant>,
}

/// One slot. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Where it is returned.
    slots: Arc<Slots>,
    /// The key of the connection. Never used twice.
    id: u64,
    /// `None` for a proxy, whose connections carry the requests of many clients.
    address: Option<IpAddr>,
    /// Counts the socket among those of the process, of all servers and upstreams.
    _socket: OpenSocket,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoSlot {
    /// The address has as many connections as it may have.
    Address,
    /// The server is full, and no connection is idle.
    All,
}

impl Slots {
    /// Creates the slots, all of them free.
    pub(crate) fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_address,
            taken: Mutex::default(),
        })
    }

    /// Takes a slot. If the server is full, the longest idle connection is closed for it.
    ///
    /// # Errors
    ///
    /// The limit that refused the connection.
    pub(crate) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        is_proxy: bool,
        activity: &Arc<Activity>,
    ) -> Result<Slot, NoSlot> {
        let address = (!is_proxy).then(|| subscriber_of(address));
        let mut taken = self.lock();
        let of_address =
            address.map(|address| taken.by_address.get(&address).copied().unwrap_or(0));
        if of_address.is_some_and(|count| count >= self.most_per_address) {
            return Err(NoSlot::Address);
        }
        // Other servers of the process and its upstreams have sockets too.
        let is_full = taken.connections.len() >= self.most || open_sockets::are_scarce();
        let closed = is_full.then(|| taken.close_longest_idle().ok_or(NoSlot::All));
        let closed = closed.transpose()?;
        if let Some(address) = address {
            *taken.by_address.entry(address).or_default() += 1;
        }
        let id = taken.next;
        taken.next += 1;
        taken.connections.insert(id, Arc::clone(activity));
        // The observer is code of the application: no lock is held while it runs.
        drop(taken);
        report_closed(closed);
        Ok(Slot {
            slots: Arc::clone(self),
            id,
            address,
            _socket: OpenSocket::count(),
        })
    }

    /// Closes the connection that has been idle for longest. Returns whether there was one.
    ///
    /// Also called when `accept` fails, for example without a free file descriptor.
    pub(crate) fn close_longest_idle(&self) -> bool {
        let closed = self.lock().close_longest_idle();
        let found = closed.is_some();
        report_closed(closed);
        found
    }

    /// Returns the number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.lock().connections.len()
    }

    /// The counters are consistent after every step, so a panic elsewhere cannot leave them
    /// half changed.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Closes the longest idle connection. Searches at most every 100 ms if none is found.
    fn close_longest_idle(&mut self) -> Option<Arc<Activity>> {
        if let Some(closed) = self.close_remembered() {
            return Some(closed);
        }
        let now = Instant::now();
        let is_soon = |last| now.duration_since(last) < SEARCH_INTERVAL;
        if self.last_search.is_some_and(is_soon) {
            return None;
        }
        self.search_idle();
        let closed = self.close_remembered();
        self.last_search = closed.is_none().then_some(now);
        closed
    }

    /// Closes the longest idle of the remembered connections that is still idle.
    ///
    /// A connection that had a request since has another time of progress, and is skipped.
    fn close_remembered(&mut self) -> Option<Arc<Activity>> {
        while let Some((moved, id)) = self.idle.pop() {
            let activity = self.connections.get(&id);
            let is_unchanged = activity.is_some_and(|activity| {
                activity.is_idle() && !activity.is_upgraded() && activity.moved_at() == moved
            });
            if !is_unchanged {
                continue;
            }
            if let Some(activity) = self.connections.remove(&id) {
                activity.close();
                return Some(activity);
            }
        }
        None
    }

    /// Remembers the longest idle connections.
    ///
    /// Linear in the number of connections, without sorting all of them. Up to 64 new connections then
    /// need no search.
    fn search_idle(&mut self) {
        let idle = self
            .connections
            .iter()
            .filter(|(_, activity)| activity.is_idle() && !activity.is_upgraded())
            .map(|(id, activity)| (activity.moved_at(), *id));
        let mut idle: Vec<_> = idle.collect();
        if idle.len() > REMEMBERED {
            idle.select_nth_unstable(REMEMBERED);
            idle.truncate(REMEMBERED);
        }
        idle.sort_unstable_by(|a, b| b.cmp(a));
        self.idle = idle;
    }
}

impl Slot {
    /// Counts the connection for an address. Called once, when a PROXY header named the client.
    ///
    /// # Errors
    ///
    /// [`NoSlot::Address`] if the address has as many connections as it may have.
    pub(crate) fn count_for(&mut self, address: IpAddr) -> Result<(), NoSlot> {
        let address = subscriber_of(address);
        let mut taken = self.slots.lock();
        let count = taken.by_address.get(&address).copied().unwrap_or(0);
        if count >= self.slots.most_per_address {
            return Err(NoSlot::Address);
        }
        taken.by_address.insert(address, count + 1);
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.connections.remove(&self.id);
        let Some(address) = self.address else { return };
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// Reports a connection that was closed for a new one.
fn report_closed(closed: Option<Arc<Activity>>) {
    if let Some(activity) = closed {
        activity.report(ConnectionEventKind::IdleClosed);
    }
}

/// Returns what counts as one client: an IPv4 address, or a /64 of IPv6.
///
/// One subscriber usually has a whole /64.
fn subscriber_of(address: IpAddr) -> IpAddr {
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
    use crate::server::deadlines::OpenRequest;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A connection with a request in progress, which is never closed for another.
    fn busy() -> (Arc<Activity>, OpenRequest) {
        let activity = Activity::for_tests();
        let request = OpenRequest::begin(&activity);
        (activity, request)
    }

    #[tokio::test]
    async fn one_address_cannot_take_every_slot() {
        let slots = Slots::new(3, 2);
        let (activity, _request) = busy();
        let take = |address| slots.take(ip(address), false, &activity);
        let first = take("203.0.113.7").unwrap();
        let _second = take("::ffff:203.0.113.7").unwrap();
        assert_eq!(take("203.0.113.7").unwrap_err(), NoSlot::Address);
        let _other = take("203.0.113.8").unwrap();
        assert_eq!(take("203.0.113.9").unwrap_err(), NoSlot::All);
        drop(first);
        assert!(take("203.0.113.7").is_ok());
    }

    #[tokio::test]
    async fn a_subscriber_of_ipv6_is_one_address() {
        let slots = Slots::new(9, 1);
        let (activity, _request) = busy();
        let take = |address| slots.take(ip(address), false, &activity);
        let _one = take("2001:db8:1:2::1").unwrap();
        assert_eq!(take("2001:db8:1:2:ffff::9").unwrap_err(), NoSlot::Address);
        assert!(take("2001:db8:1:3::1").is_ok());
    }

    #[tokio::test]
    async fn a_proxy_speaks_for_many() {
        let slots = Slots::new(3, 1);
        let (activity, _request) = busy();
        let take = || slots.take(ip("10.0.0.1"), true, &activity);
        let _all: Vec<_> = (0..3).map(|_| take().unwrap()).collect();
        assert_eq!(take().unwrap_err(), NoSlot::All);
    }

    #[tokio::test]
    async fn a_client_that_is_named_later_has_the_limit_of_its_address() {
        let slots = Slots::new(9, 2);
        let (activity, _request) = busy();
        let take = || slots.take(ip("10.0.0.1"), true, &activity).unwrap();
        let mut connections: Vec<_> = (0..3).map(|_| take()).collect();
        let client = ip("203.0.113.7");
        let named: Vec<_> = connections
            .iter_mut()
            .map(|slot| slot.count_for(client))
            .collect();
        assert_eq!(named, [Ok(()), Ok(()), Err(NoSlot::Address)]);
        drop(connections);
        assert!(slots.lock().by_address.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_left_when_all_are_gone() {
        let slots = Slots::new(9, 9);
        let activity = Activity::for_tests();
        let all: Vec<_> = (0..9)
            .map(|last| {
                slots
                    .take([10, 0, 0, last].into(), false, &activity)
                    .unwrap()
            })
            .collect();
        drop(all);
        assert_eq!(slots.open(), 0);
        assert!(slots.lock().by_address.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_is_closed_first() {
        let slots = Slots::new(200, 1000);
        let mut held = Vec::new();
        for count in 0..200 {
            let (activity, request) = busy();
            activity.begin_http(true);
            let slot = slots.take(ip("10.0.0.1"), false, &activity).unwrap();
            // Each second one keeps its request open.
            let request = (count % 2 == 0).then_some(request);
            held.push((activity, slot, request));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let newcomers: Vec<_> = (0..100)
            .map(|_| {
                let (activity, request) = busy();
                let slot = slots.take(ip("10.0.0.2"), false, &activity).unwrap();
                (slot, request)
            })
            .collect();
        for (activity, _, request) in &held {
            let closed = tokio::time::timeout(Duration::ZERO, activity.closed()).await;
            assert_eq!(closed.is_ok(), request.is_none());
        }
        let (activity, _request) = busy();
        let refused = slots.take(ip("10.0.0.2"), false, &activity);
        assert_eq!(refused.unwrap_err(), NoSlot::All, "all others work");
        drop(held);
        assert_eq!(slots.open(), newcomers.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_began_to_work_again_is_not_closed() {
        let slots = Slots::new(2, 9);
        let (first, second) = (Activity::for_tests(), Activity::for_tests());
        let _slots = [&first, &second].map(|activity| slots.take(ip("10.0.0.1"), false, activity));
        let (newcomer, _request) = busy();
        let _third = slots.take(ip("10.0.0.1"), false, &newcomer).unwrap();
        let is_closed = tokio::time::timeout(Duration::ZERO, first.closed())
            .await
            .is_ok();
        let left = if is_closed { &second } else { &first };
        let _request = OpenRequest::begin(left);
        assert_eq!(
            slots.take(ip("10.0.0.1"), false, &newcomer).unwrap_err(),
            NoSlot::All
        );
    }
}
