//! Listens, and gives each connection a place, of which there are only so many.

use crate::config::Config;
use crate::log;
use crate::relay::{Refused, Relay};
use openssl::ssl::SslContext;
use std::collections::HashMap;
use std::future::pending;
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as BoundListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;

/// How long open connections may go on when the program is asked to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// Bits of an IPv6 address that a machine chooses by itself.
const NETWORK_BITS: u32 = 64;

/// How long nothing is accepted after the system refused to, for instance because it has no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds every address, while the rights for low ports are still there.
pub(crate) fn bind(config: &Config) -> Result<Vec<BoundListener>, String> {
    let bind = |address: &SocketAddr| {
        let failed = |error| format!("cannot listen at {address}: {error}");
        let listener = BoundListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        log::line(&format!("listens at {}", listener.local_addr().map_err(failed)?));
        Ok(listener)
    };
    config.listen.iter().map(bind).collect()
}

/// Serves until it is asked to end.
pub(crate) fn serve(
    config: Config,
    context: SslContext,
    listeners: Vec<BoundListener>,
    until_stdin_closes: bool,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot serve: {error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let places = Arc::new(Places::new(&config));
        let relay = Arc::new(Relay::new(config, context));
        let mut doors = JoinSet::new();
        for listener in listeners {
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            doors.spawn(accept(listener, Arc::clone(&relay), Arc::clone(&places)));
        }
        log::line("ready");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_closed(until_stdin_closes) => {}
        }
        doors.shutdown().await; // the listeners close; connections have tasks of their own
        if tokio::time::timeout(FAREWELL, places.all_free()).await.is_err() {
            log::line("ends with connections still open");
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, relay: Arc<Relay>, places: Arc<Places>) {
    loop {
        // Who finds no place waits in the system's queue, which has a length of its own.
        let permit = places.next().await;
        match listener.accept().await {
            Ok((stream, client)) => {
                if let Some(place) = places.take(permit, client.ip()) {
                    tokio::spawn(attend(Arc::clone(&relay), stream, client, place));
                } else {
                    log::connection(&format!("{client}: closed; this address has too many connections"));
                }
            }
            Err(error) => {
                log::connection(&format!("cannot accept: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn attend(relay: Arc<Relay>, stream: TcpStream, client: SocketAddr, place: Place) {
    match Box::pin(relay.attend(stream, client)).await {
        Ok(()) => {}
        Err(Refused::Gone) => {}
        Err(Refused::Why(what)) => log::connection(&format!("{client}: closed; {what}")),
    }
    drop(place);
}

async fn stdin_closed(wanted: bool) {
    if !wanted {
        return pending().await;
    }
    let (closed, wait) = oneshot::channel();
    // A thread, because reading standard input cannot be interrupted; it ends with the process.
    let watch = move || {
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while matches!(input.read(&mut byte), Ok(1)) {}
        let _ = closed.send(());
    };
    match std::thread::Builder::new().name("stdin".to_owned()).spawn(watch) {
        Ok(_) => {
            let _ = wait.await;
        }
        Err(error) => log::line(&format!("cannot watch standard input, so the program ends: {error}")),
    }
}

/// The places of all connections, and how many each address has.
struct Places {
    free: Arc<Semaphore>,
    all: u32,
    taken: Mutex<HashMap<IpAddr, usize>>,
    per_address_max: usize,
}

/// One connection's place, given back when dropped.
struct Place {
    places: Arc<Places>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    fn new(config: &Config) -> Self {
        let all = u32::try_from(config.connections_max).unwrap_or(u32::MAX).min(u32::MAX >> 3);
        let free = Arc::new(Semaphore::new(all as usize));
        Self { free, all, taken: Mutex::default(), per_address_max: config.connections_per_address_max }
    }

    async fn next(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.free).acquire_owned().await {
            Ok(permit) => permit,
            Err(_) => pending().await, // closed, which nobody does
        }
    }

    fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = taken.entry(address).or_insert(0);
        if *of_address >= self.per_address_max {
            return None;
        }
        *of_address += 1;
        Some(Place { places: Arc::clone(self), address, _permit: permit })
    }

    async fn all_free(&self) {
        let _ = self.free.acquire_many(self.all).await;
    }
}

/// What counts as one address: of IPv6 the network, as one machine has all addresses of it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(wide) => wide.to_ipv4_mapped().map_or_else(
            || IpAddr::V6(Ipv6Addr::from_bits(wide.to_bits() >> NETWORK_BITS << NETWORK_BITS)),
            IpAddr::V4,
        ),
        narrow => narrow,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_address() {
        let check = |address: &str, counted: &str| {
            assert_eq!(network(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "{address}");
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("2001:db8:1:2:ffff::1", "2001:db8:1:2::");
    }
}
