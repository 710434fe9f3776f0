//! Chooses the signer for a document: places at tokens, two lanes, the least expected wait.
//!
//! [`Balance`] is the whole decision and pure: no IO, no clock, no lock; the simulation and the bench drive it directly.
//! [`Router`] is the thin shell that lets documents wait for it. Backpressure is here, and only here: a document that
//! has no place has not been read yet.

use crate::token::queue::{KeyHandle, SignQueue};
use model::profile::PoolName;
use model::{Lane, Signer, SignerName, TokenSerial};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Why no place was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// The profile names a pool that is not configured.
    #[error("there is no pool \"{0}\"")]
    UnknownPool(PoolName),
    /// Nobody of the pool became free in time.
    #[error("no signer of pool \"{0}\" became free in time")]
    TimedOut(PoolName),
    /// The one token that can help did not become free in time.
    #[error("token {0} did not become free in time")]
    TokenBusy(TokenSerial),
    /// None of the signers that were named is configured.
    #[error("there is no signer of these names")]
    UnknownSigners,
    /// None of the signers that were named became free in time.
    #[error("none of the named signers became free in time")]
    SignersBusy,
}

/// Index of a token in the balance; given by [`Balance::add_token`] and valid for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenIndex(usize);

/// Who waits; chosen by the caller, unique among those waiting.
pub type WaiterId = u64;

/// The pure decision: who gets which place.
#[derive(Debug, Default)]
pub struct Balance {
    tokens: Vec<TokenLoad>,
    pools: Vec<PoolLines>,
    arrivals: u64,
}

#[derive(Debug)]
struct TokenLoad {
    up: bool,
    places: usize,
    assigned: usize,
    sessions: usize,
    /// How much more than by its speed alone it is preferred.
    weight: f64,
    /// Recent time of one signature, a moving average.
    sign_micros: f64,
}

#[derive(Debug, Default)]
struct PoolLines {
    tokens: Vec<TokenIndex>,
    interactive: VecDeque<Waiter>,
    batch: VecDeque<Waiter>,
}

#[derive(Clone, Debug)]
struct Waiter {
    id: WaiterId,
    arrival: u64,
    wish: Wish,
}

/// What a document accepts of its pool.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// A token that just failed it; chosen only if no other that it accepts is up.
    pub avoid: Option<TokenIndex>,
    /// These tokens only. `None`: all of the pool.
    pub only: Option<Arc<[TokenIndex]>>,
}

impl Wish {
    fn accepts(&self, token: TokenIndex) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&token))
    }
}

impl Balance {
    /// Adds a token that is down, without places.
    pub fn add_token(&mut self) -> TokenIndex {
        let load = TokenLoad { up: false, places: 0, assigned: 0, sessions: 1, weight: 1.0, sign_micros: 1_000.0 };
        self.tokens.push(load);
        TokenIndex(self.tokens.len() - 1)
    }

    /// Adds a pool over these tokens and gives its index.
    pub fn add_pool(&mut self, tokens: Vec<TokenIndex>) -> usize {
        self.pools.push(PoolLines { tokens, ..PoolLines::default() });
        self.pools.len() - 1
    }

    /// A document asks for a place. `Some`: it has one at this token. `None`: it waits in the pool's line.
    /// `avoid` names a token that just failed this document; it is chosen only if no other of the pool is up.
    pub fn arrive(&mut self, id: WaiterId, pool: usize, lane: Lane, avoid: Option<TokenIndex>) -> Option<TokenIndex> {
        self.arrive_with(id, pool, lane, Wish { avoid, only: None })
    }

    /// As [`Balance::arrive`], for a document that accepts only some tokens of the pool.
    pub fn arrive_with(&mut self, id: WaiterId, pool: usize, lane: Lane, wish: Wish) -> Option<TokenIndex> {
        let arrival = self.arrivals;
        self.arrivals += 1;
        // Nobody overtakes: whoever is in line can't be served now, or `serve_next` would have served him. A free place
        // is there only if those in line do not accept its token.
        let best = self.best(pool, &wish);
        let waiter = Waiter { id, arrival, wish };
        if let Some(token) = best {
            self.tokens[token.0].assigned += 1;
            return Some(token);
        }
        match lane {
            Lane::Interactive => self.pools[pool].interactive.push_back(waiter),
            Lane::Batch => self.pools[pool].batch.push_back(waiter),
        }
        None
    }

    /// A place at `token` is free again; `micros` is how long its signature took, if one was made. Gives the next
    /// waiter of whatever pool and the place it gets.
    pub fn freed(&mut self, token: TokenIndex, micros: Option<u64>) -> Option<(WaiterId, TokenIndex)> {
        let load = &mut self.tokens[token.0];
        debug_assert!(load.assigned > 0, "a place is freed once");
        load.assigned = load.assigned.saturating_sub(1);
        if let Some(micros) = micros {
            load.sign_micros += (micros as f64 - load.sign_micros) / 16.0;
        }
        self.serve_next()
    }

    /// The token can sign, with this many sessions and places.
    pub fn up(&mut self, token: TokenIndex, sessions: usize, places: usize) {
        let load = &mut self.tokens[token.0];
        (load.up, load.sessions, load.places) = (true, sessions.max(1), places);
    }

    /// It has another number of sessions and places now; places that are out beyond them come back by `freed`.
    pub fn resize(&mut self, token: TokenIndex, sessions: usize, places: usize) {
        let load = &mut self.tokens[token.0];
        (load.sessions, load.places) = (sessions.max(1), places);
    }

    /// Prefers the token by this factor, as if it signed so much faster. 1 is what a token begins with.
    pub fn weigh(&mut self, token: TokenIndex, weight: f64) {
        self.tokens[token.0].weight = weight;
    }

    /// The weight of a token.
    pub fn weight(&self, token: TokenIndex) -> f64 {
        self.tokens[token.0].weight
    }

    /// The token can't sign; places that are out come back by `freed`.
    pub fn down(&mut self, token: TokenIndex) {
        self.tokens[token.0].up = false;
    }

    /// The next waiter that can be served, if any: people before batches, then by arrival. Someone who avoids the only
    /// token with a free place does not keep those behind him from it. After a place is freed one call serves everybody
    /// who can be served; after `up` and `down` call it until there is nobody.
    pub fn serve_next(&mut self) -> Option<(WaiterId, TokenIndex)> {
        for lane in [Lane::Interactive, Lane::Batch] {
            let first = (0..self.pools.len())
                .filter_map(|pool| {
                    self.best(pool, &Wish::default())?; // usually nothing is free, and nobody in line needs to be asked
                    let mut line = self.pools[pool].line(lane).iter().enumerate();
                    line.find_map(|(i, waiter)| Some((waiter.arrival, pool, i, self.best(pool, &waiter.wish)?)))
                })
                .min_by_key(|(arrival, ..)| *arrival);
            if let Some((_, pool, i, token)) = first
                && let Some(waiter) = self.pools[pool].line_mut(lane).remove(i)
            {
                self.tokens[token.0].assigned += 1;
                return Some((waiter.id, token));
            }
        }
        None
    }

    /// A waiter gave up.
    pub fn leave(&mut self, id: WaiterId, pool: usize) {
        self.pools[pool].interactive.retain(|waiter| waiter.id != id);
        self.pools[pool].batch.retain(|waiter| waiter.id != id);
    }

    /// Places that are out at a token.
    pub fn assigned(&self, token: TokenIndex) -> usize {
        self.tokens[token.0].assigned
    }

    /// Documents that wait in all lines.
    pub fn waiting(&self) -> usize {
        self.pools.iter().map(|pool| pool.interactive.len() + pool.batch.len()).sum()
    }

    /// Documents that wait in all lines of one lane.
    pub fn waiting_in(&self, lane: Lane) -> usize {
        self.pools.iter().map(|pool| pool.line(lane).len()).sum()
    }

    /// Whether the token can sign.
    pub fn is_up(&self, token: TokenIndex) -> bool {
        self.tokens[token.0].up
    }

    /// Whether any token of the pool can sign.
    pub fn any_up(&self, pool: usize) -> bool {
        self.pools[pool].tokens.iter().any(|token| self.tokens[token.0].up)
    }

    /// The token of the pool with a free place and the least expected wait.
    fn best(&self, pool: usize, wish: &Wish) -> Option<TokenIndex> {
        let tokens = || self.pools[pool].tokens.iter().copied();
        let up = || tokens().filter(|token| self.tokens[token.0].up && wish.accepts(*token));
        let others_up = up().any(|token| Some(token) != wish.avoid);
        up().filter(|token| Some(*token) != wish.avoid || !others_up)
            .filter(|token| self.tokens[token.0].assigned < self.tokens[token.0].places)
            .min_by(|a, b| self.tokens[a.0].expected_wait().total_cmp(&self.tokens[b.0].expected_wait()))
    }
}

impl TokenLoad {
    fn expected_wait(&self) -> f64 {
        (self.assigned + 1) as f64 * self.sign_micros / (self.sessions as f64 * self.weight)
    }
}

impl PoolLines {
    fn line(&self, lane: Lane) -> &VecDeque<Waiter> {
        match lane {
            Lane::Interactive => &self.interactive,
            Lane::Batch => &self.batch,
        }
    }

    fn line_mut(&mut self, lane: Lane) -> &mut VecDeque<Waiter> {
        match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Batch => &mut self.batch,
        }
    }
}

/// A signer that can be chosen now: its public half and the key handle for its token.
#[derive(Clone, Debug)]
pub struct ReadySigner {
    /// Certificate and name.
    pub signer: Arc<Signer>,
    /// What the worker hands to its session.
    pub key: KeyHandle,
}

/// A key that opens what was encrypted for its certificate, on one token.
#[derive(Clone, Debug)]
pub struct DecryptionKey {
    /// The certificate, DER.
    pub certificate: Arc<[u8]>,
    /// What the worker hands to its session.
    pub key: KeyHandle,
}

/// The async shell around [`Balance`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Router {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Rings when a token comes up.
    ups: Notify,
}

#[derive(Debug, Default)]
struct State {
    balance: Balance,
    seats: Vec<Seat>,
    pools: BTreeMap<PoolName, Pool>,
    /// The line of those who name their signers.
    everybody: usize,
    waiters: BTreeMap<WaiterId, oneshot::Sender<TokenIndex>>,
    next_waiter: WaiterId,
}

#[derive(Debug)]
struct Seat {
    serial: TokenSerial,
    queue: Arc<SignQueue>,
    /// Who is expected on it.
    expected: Vec<SignerName>,
    signers: Vec<ReadySigner>,
    decryption: Vec<DecryptionKey>,
    /// The line of those who need this very token, because a key is on it.
    line: usize,
}

#[derive(Debug)]
struct Pool {
    index: usize,
    signers: Vec<SignerName>,
}

/// A token and the names of the signers on it, as configuration tells them before anybody has logged in.
#[derive(Clone, Debug)]
pub struct Seating {
    /// The token.
    pub serial: TokenSerial,
    /// The signers it is expected to hold.
    pub signers: Vec<SignerName>,
    /// Where its requests go.
    pub queue: Arc<SignQueue>,
}

impl Router {
    /// Builds the router for a fixed set of tokens (all down) and pools.
    pub fn new(seating: &[Seating], pools: &[(PoolName, Vec<SignerName>)]) -> Self {
        let mut state = State::default();
        for seat in seating {
            let token = state.balance.add_token();
            let line = state.balance.add_pool(vec![token]);
            let (serial, queue, expected) = (seat.serial.clone(), seat.queue.clone(), seat.signers.clone());
            state.seats.push(Seat { serial, queue, expected, signers: Vec::new(), decryption: Vec::new(), line });
        }
        state.everybody = state.balance.add_pool((0..seating.len()).map(TokenIndex).collect());
        for (name, signers) in pools {
            let holds = |seat: &Seating| seat.signers.iter().any(|signer| signers.contains(signer));
            let tokens = (0..seating.len()).filter(|i| holds(&seating[*i])).map(TokenIndex).collect();
            let index = state.balance.add_pool(tokens);
            state.pools.insert(name.clone(), Pool { index, signers: signers.clone() });
        }
        Self { shared: Arc::new(Shared { state: Mutex::new(state), ups: Notify::new() }) }
    }

    /// Waits, at most `patience`, for a place at the best signer of the pool.
    pub async fn choose(
        &self,
        pool: &PoolName,
        lane: Lane,
        avoid: Option<TokenIndex>,
        patience: Duration,
    ) -> Result<Assignment, NoPlace> {
        let index = {
            let state = self.shared.lock();
            state.pools.get(pool).ok_or_else(|| NoPlace::UnknownPool(pool.clone()))?.index
        };
        let token = self.place(index, lane, Wish { avoid, only: None }, patience).await;
        let token = token.ok_or_else(|| NoPlace::TimedOut(pool.clone()))?;
        let state = self.shared.lock();
        let wanted = &state.pools[pool].signers;
        let ready = state.seats[token.0].ready(wanted);
        Ok(self.assignment(&state, token, ready, lane))
    }

    /// Waits, at most `patience`, for a place at the best of these signers, whatever pool they are in.
    pub async fn choose_among(
        &self,
        signers: &[SignerName],
        lane: Lane,
        avoid: Option<TokenIndex>,
        patience: Duration,
    ) -> Result<Assignment, NoPlace> {
        let (line, only) = {
            let state = self.shared.lock();
            (state.everybody, state.tokens_of(signers))
        };
        if only.is_empty() {
            return Err(NoPlace::UnknownSigners);
        }
        let wish = Wish { avoid, only: Some(only) };
        let token = self.place(line, lane, wish, patience).await.ok_or(NoPlace::SignersBusy)?;
        let state = self.shared.lock();
        let ready = state.seats[token.0].ready(signers);
        Ok(self.assignment(&state, token, ready, lane))
    }

    /// Waits, at most `patience`, for a place at this token: decryption needs the one that holds the key.
    pub async fn choose_token(&self, token: TokenIndex, lane: Lane, patience: Duration) -> Result<Assignment, NoPlace> {
        let (line, serial) = {
            let state = self.shared.lock();
            (state.seats[token.0].line, state.seats[token.0].serial.clone())
        };
        let token = self.place(line, lane, Wish::default(), patience).await.ok_or(NoPlace::TokenBusy(serial))?;
        Ok(self.assignment(&self.shared.lock(), token, None, lane))
    }

    /// A place in this line; `None` if there was none in time.
    async fn place(&self, index: usize, lane: Lane, wish: Wish, patience: Duration) -> Option<TokenIndex> {
        let (waiter, receiver) = {
            let mut state = self.shared.lock();
            let waiter = state.next_waiter;
            state.next_waiter += 1;
            if let Some(token) = state.balance.arrive_with(waiter, index, lane, wish) {
                return Some(token);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiters.insert(waiter, sender);
            (waiter, receiver)
        };
        // Dropped when the caller gives up at any await point: leaves the line, or passes an unused place on.
        let mut leave = LeaveLine { shared: self.shared.clone(), waiter, pool: index, receiver: Some(receiver) };
        let receiver = leave.receiver.as_mut()?;
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(token)) => {
                leave.receiver = None;
                Some(token)
            }
            _ => None,
        }
    }

    /// A token can sign with these signers.
    pub fn up(&self, serial: &TokenSerial, signers: Vec<ReadySigner>, sessions: usize) {
        let mut state = self.shared.lock();
        if let Some(token) = state.index_of(serial) {
            let places = state.seats[token.0].queue.capacity();
            state.seats[token.0].signers = signers;
            state.balance.up(token, sessions, places);
            state.serve_waiters();
        }
        drop(state);
        self.shared.ups.notify_waiters();
    }

    /// What a token can open, to be told before it is up.
    pub fn opens(&self, serial: &TokenSerial, keys: Vec<DecryptionKey>) {
        let mut state = self.shared.lock();
        if let Some(token) = state.index_of(serial) {
            state.seats[token.0].decryption = keys;
        }
    }

    /// The keys for decryption of all tokens that have been up, and where they are.
    pub fn decryption_keys(&self) -> Vec<(TokenIndex, DecryptionKey)> {
        let state = self.shared.lock();
        let seats = state.seats.iter().enumerate();
        seats.flat_map(|(i, seat)| seat.decryption.iter().map(move |key| (TokenIndex(i), key.clone()))).collect()
    }

    /// The serial number of a token.
    pub fn serial(&self, token: TokenIndex) -> TokenSerial {
        self.shared.lock().seats[token.0].serial.clone()
    }

    /// Whether there is no token that might still bring its keys.
    pub fn all_up(&self) -> bool {
        let state = self.shared.lock();
        (0..state.seats.len()).all(|i| state.balance.is_up(TokenIndex(i)))
    }

    /// Returns when a token comes up.
    pub async fn more_signers(&self) {
        self.shared.ups.notified().await;
    }

    /// A token can't sign any more; the pools' other tokens take over.
    pub fn down(&self, serial: &TokenSerial) {
        let mut state = self.shared.lock();
        if let Some(token) = state.index_of(serial) {
            state.balance.down(token);
        }
        // Those that avoided another token may now have to take it.
        state.serve_waiters();
    }

    /// Whether any signer of the pool can sign now.
    pub fn any_up(&self, pool: &PoolName) -> bool {
        let state = self.shared.lock();
        state.pools.get(pool).is_some_and(|pool| state.balance.any_up(pool.index))
    }

    /// Whether any of these signers can sign now.
    pub fn any_of_up(&self, signers: &[SignerName]) -> bool {
        let state = self.shared.lock();
        state.tokens_of(signers).iter().any(|token| state.balance.is_up(*token))
    }

    /// The signers of a pool. `None`: there is no such pool.
    pub fn signers_of(&self, pool: &PoolName) -> Option<Vec<SignerName>> {
        self.shared.lock().pools.get(pool).map(|pool| pool.signers.clone())
    }

    /// A token that is up has another number of sessions, and its queue another capacity.
    pub fn resized(&self, serial: &TokenSerial, sessions: usize) {
        let mut state = self.shared.lock();
        if let Some(token) = state.index_of(serial) {
            let places = state.seats[token.0].queue.capacity();
            state.balance.resize(token, sessions, places);
            state.serve_waiters();
        }
    }

    /// Prefers a token by this factor. `false`: there is no such token.
    pub fn weigh(&self, serial: &TokenSerial, weight: f64) -> bool {
        let mut state = self.shared.lock();
        let token = state.index_of(serial);
        if let Some(token) = token {
            state.balance.weigh(token, weight);
        }
        token.is_some()
    }

    /// The weight of a token.
    pub fn weight(&self, serial: &TokenSerial) -> Option<f64> {
        let state = self.shared.lock();
        state.index_of(serial).map(|token| state.balance.weight(token))
    }

    /// Documents that wait for a place.
    pub fn waiting(&self) -> usize {
        self.shared.lock().balance.waiting()
    }

    /// Documents that wait for a place in one lane.
    pub fn waiting_in(&self, lane: Lane) -> usize {
        self.shared.lock().balance.waiting_in(lane)
    }

    /// The public half of a signer whose token has been up.
    pub fn signer(&self, name: &SignerName) -> Option<Arc<Signer>> {
        let state = self.shared.lock();
        let mut ready = state.seats.iter().flat_map(|seat| &seat.signers);
        ready.find(|ready| ready.signer.name == *name).map(|ready| ready.signer.clone())
    }

    /// The token that a signer is expected on.
    pub fn token_of(&self, name: &SignerName) -> Option<TokenSerial> {
        let state = self.shared.lock();
        state.seats.iter().find(|seat| seat.expected.contains(name)).map(|seat| seat.serial.clone())
    }

    /// Places that are out, per token.
    pub fn assigned(&self) -> Vec<(TokenSerial, usize)> {
        let state = self.shared.lock();
        let seats = state.seats.iter().enumerate();
        seats.map(|(i, seat)| (seat.serial.clone(), state.balance.assigned(TokenIndex(i)))).collect()
    }

    fn assignment(&self, state: &State, token: TokenIndex, ready: Option<ReadySigner>, lane: Lane) -> Assignment {
        let seat = &state.seats[token.0];
        let place = Place { shared: Arc::downgrade(&self.shared), token, started: None };
        Assignment { place, ready, serial: seat.serial.clone(), queue: seat.queue.clone(), lane }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement that can panic, so a poisoned lock is usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The first of its signers that is among these.
    fn ready(&self, wanted: &[SignerName]) -> Option<ReadySigner> {
        self.signers.iter().find(|ready| wanted.contains(&ready.signer.name)).cloned()
    }
}

impl State {
    /// The tokens that are expected to hold any of these signers.
    fn tokens_of(&self, signers: &[SignerName]) -> Arc<[TokenIndex]> {
        let seats = self.seats.iter().enumerate();
        let holds = |seat: &Seat| seat.expected.iter().any(|signer| signers.contains(signer));
        seats.filter(|(_, seat)| holds(seat)).map(|(i, _)| TokenIndex(i)).collect()
    }

    fn index_of(&self, serial: &TokenSerial) -> Option<TokenIndex> {
        self.seats.iter().position(|seat| seat.serial == *serial).map(TokenIndex)
    }

    fn hand_over(&mut self, mut next: Option<(WaiterId, TokenIndex)>) {
        while let Some((waiter, token)) = next {
            let taken = self.waiters.remove(&waiter).is_some_and(|sender| sender.send(token).is_ok());
            // A waiter that left in this moment gives its place to the one behind it.
            next = if taken { None } else { self.balance.freed(token, None) };
        }
    }

    fn serve_waiters(&mut self) {
        while let Some(next) = self.balance.serve_next() {
            self.hand_over(Some(next));
        }
    }
}

struct LeaveLine {
    shared: Arc<Shared>,
    waiter: WaiterId,
    pool: usize,
    receiver: Option<oneshot::Receiver<TokenIndex>>,
}

impl Drop for LeaveLine {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        let mut state = self.shared.lock();
        state.waiters.remove(&self.waiter);
        state.balance.leave(self.waiter, self.pool);
        if let Ok(token) = receiver.try_recv() {
            let next = state.balance.freed(token, None);
            state.hand_over(next);
        }
    }
}

/// A place at one signer, held from `choose` until its `sign` returns.
#[derive(Debug)]
pub struct Assignment {
    pub(crate) place: Place,
    ready: Option<ReadySigner>,
    pub(crate) serial: TokenSerial,
    pub(crate) queue: Arc<SignQueue>,
    pub(crate) lane: Lane,
}

impl Assignment {
    /// The signer. `None` if the token came back with other keys in this very moment.
    pub fn ready(&self) -> Option<&ReadySigner> {
        self.ready.as_ref()
    }

    /// The token, to be avoided if it fails.
    pub fn token(&self) -> TokenIndex {
        self.place.token
    }
}

/// One place in a token's queue. Dropping it gives it to the next waiter.
#[derive(Debug)]
pub struct Place {
    shared: Weak<Shared>,
    token: TokenIndex,
    started: Option<Instant>,
}

impl Place {
    /// The worker begins to sign: from here to the drop counts as the token's sign time.
    pub(crate) fn started(&mut self) {
        self.started = Some(Instant::now());
    }

    /// A fault, be it at once or after half a minute, tells nothing about how long signatures take.
    pub(crate) fn did_not_sign(&mut self) {
        self.started = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let micros = self.started.map(|at| u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
            let mut state = shared.lock();
            let next = state.balance.freed(self.token, micros);
            state.hand_over(next);
        }
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
