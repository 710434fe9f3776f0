//! The frames between the server and the child process of a module: their encoding, and nothing else.
//!
//! Both ends are this same program, started from the same file, so there are no versions. A frame is a length (four
//! bytes, little endian) and a body; the body is made of numbers, texts and byte strings with their length in front.
//! Lengths are checked before anything is read or allocated: the child runs vendor code and is not trusted to be sane.

use crate::fault::Fault;
use crate::found::{FoundKey, KeyIdentity, KeyRef, KeyUses, PinState, TokenInfo};
use crate::pin::{Attempt, LoginRefused, PinSource};
use crate::slot::{CertificateListing, SlotListing, TokenListing};
use model::{
    Curve, Digest, DigestAlgorithm, KeyKind, OaepPadding, Scheme, Secret, Sha, SignatureAlgorithm, SignatureValue,
    ToBeSigned, TokenSerial, WrappedKey,
};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest body that is accepted: a thousand certificates with their chains fit; nothing else comes near.
pub(crate) const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Room that a frame starts with; enough for nearly all.
const FRAME_BYTES_USUAL: usize = 2 * 1024;
const HEADER: usize = 4;

/// A frame that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What goes over the wire.
pub(crate) trait Wire: Sized {
    fn put(&self, to: &mut Frame);
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// A frame being written. Erased when dropped, because it may hold a PIN.
pub(crate) struct Frame(Zeroizing<Vec<u8>>);

impl Frame {
    pub(crate) fn new() -> Self {
        let mut bytes = Vec::with_capacity(FRAME_BYTES_USUAL);
        bytes.extend_from_slice(&[0; HEADER]);
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn with(mut self, value: &impl Wire) -> Self {
        value.put(&mut self);
        self
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.reserve(size_of::<u32>() + bytes.len());
        // No single string comes near 4 GiB; a frame that is too long is refused when it is sent.
        self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// Sends the frame in one write.
    pub(crate) fn send(mut self, stream: &mut impl Write) -> io::Result<()> {
        let length = self.0.len() - HEADER;
        if length > FRAME_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "frame too long"));
        }
        self.0[..HEADER].copy_from_slice(&(length as u32).to_le_bytes());
        stream.write_all(&self.0)
    }
}

/// Reads one frame; usually with one read, because neither end sends a second one before it has its answer.
/// `UnexpectedEof` when the other end has gone.
pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; FRAME_BYTES_USUAL]);
    let mut filled = 0;
    let mut wanted = HEADER;
    while filled < wanted {
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if wanted == HEADER && filled >= HEADER {
            let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
            if length > FRAME_BYTES_MAX {
                return Err(io::Error::new(ErrorKind::InvalidData, "frame too long"));
            }
            wanted = HEADER + length;
            if wanted > bytes.len() {
                // Not by `resize`, which would leave a copy of the beginning behind unerased.
                let mut larger = Zeroizing::new(vec![0; wanted]);
                larger[..filled].copy_from_slice(&bytes[..filled]);
                bytes = larger;
            }
        }
    }
    if filled > wanted {
        return Err(io::Error::new(ErrorKind::InvalidData, "two frames at once"));
    }
    bytes.truncate(wanted);
    bytes.drain(..HEADER);
    Ok(bytes)
}

/// Reads one short frame and not a byte more: what follows on the control socket has sockets attached, which a plain
/// read would lose.
pub(crate) fn receive_exactly(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let length = u32::from_le_bytes(header) as usize;
    if length > FRAME_BYTES_USUAL * 4 {
        return Err(io::Error::new(ErrorKind::InvalidData, "frame too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// A body being read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Boxes that may still be opened within each other: a fault may hold a refusal that holds a fault, and no more.
    nesting: u8,
}

impl<'a> Reader<'a> {
    /// Reads one value that must be the whole body.
    pub(crate) fn whole<T: Wire>(body: &'a [u8]) -> Result<T, Malformed> {
        let mut reader = Self { rest: body, nesting: 4 };
        let value = T::get(&mut reader)?;
        if reader.rest.is_empty() { Ok(value) } else { Err(Malformed) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = u32::get(self)?;
        self.take(length as usize)
    }
}

/// Fields one after the other.
macro_rules! wire_struct {
    ($type:ty { $($field:ident),+ }) => {
        impl Wire for $type {
            fn put(&self, to: &mut Frame) {
                $(self.$field.put(to);)+
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Wire::get(from)?),+ })
            }
        }
    };
}

/// A byte that tells the variant, then its fields. Every variant must be listed, or the match does not compile.
macro_rules! wire_enum {
    ($type:ty { $($tag:literal => $variant:ident $( ( $($field:ident),+ ) )? $( { $($name:ident),+ } )? ),+ $(,)? }) => {
        impl Wire for $type {
            fn put(&self, to: &mut Frame) {
                match self {
                    $(Self::$variant $( ( $($field),+ ) )? $( { $($name),+ } )? => {
                        to.byte($tag);
                        $($($field.put(to);)+)?
                        $($($name.put(to);)+)?
                    })+
                }
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                match from.byte()? {
                    $($tag => Ok(Self::$variant
                        $( ( $({ let $field = Wire::get(from)?; $field }),+ ) )?
                        $( { $($name: Wire::get(from)?),+ } )?
                    ),)+
                    _ => Err(Malformed),
                }
            }
        }
    };
}

macro_rules! wire_number {
    ($($type:ty),+) => {$(
        impl Wire for $type {
            fn put(&self, to: &mut Frame) {
                to.0.extend_from_slice(&self.to_le_bytes());
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                let bytes = from.take(size_of::<Self>())?;
                Ok(Self::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?))
            }
        }
    )+};
}

wire_number!(u32, u64);

impl Wire for bool {
    fn put(&self, to: &mut Frame) {
        to.byte(u8::from(*self));
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl Wire for String {
    fn put(&self, to: &mut Frame) {
        to.bytes(self.as_bytes());
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        std::str::from_utf8(from.bytes()?).map(str::to_owned).map_err(|_| Malformed)
    }
}

impl Wire for Vec<u8> {
    fn put(&self, to: &mut Frame) {
        to.bytes(self);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(from.bytes()?.to_vec())
    }
}

impl Wire for Arc<[u8]> {
    fn put(&self, to: &mut Frame) {
        to.bytes(self);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(from.bytes()?.into())
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, to: &mut Frame) {
        (**self).put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.nesting = from.nesting.checked_sub(1).ok_or(Malformed)?;
        let value = T::get(from).map(Box::new);
        from.nesting += 1;
        value
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, to: &mut Frame) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bool::get(from)? { T::get(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    fn put(&self, to: &mut Frame) {
        self.is_ok().put(to);
        match self {
            Ok(value) => value.put(to),
            Err(error) => error.put(to),
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bool::get(from)? { T::get(from).map(Ok) } else { E::get(from).map(Err) }
    }
}

/// A list; elements other than bytes, which have a form of their own.
macro_rules! wire_list {
    ($($type:ty),+) => {$(
        impl Wire for Vec<$type> {
            fn put(&self, to: &mut Frame) {
                (self.len() as u32).put(to);
                self.iter().for_each(|element| element.put(to));
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                // Grows as elements are really there; the count alone allocates nothing.
                (0..u32::get(from)?).map(|_| Wire::get(from)).collect()
            }
        }
    )+};
}

wire_list!(String, Arc<[u8]>, FoundKey, CertificateListing, SlotListing);

impl Wire for TokenSerial {
    fn put(&self, to: &mut Frame) {
        to.bytes(self.0.as_bytes());
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(std::str::from_utf8(from.bytes()?).map_err(|_| Malformed)?.into()))
    }
}

impl Wire for SecretString {
    fn put(&self, to: &mut Frame) {
        to.bytes(self.expose_secret().as_bytes());
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        // Straight into a box of the right size: no copy is left behind.
        let text: Box<str> = std::str::from_utf8(from.bytes()?).map_err(|_| Malformed)?.into();
        Ok(text.into())
    }
}

impl Wire for SignatureValue {
    fn put(&self, to: &mut Frame) {
        to.bytes(&self.0);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(from.bytes()?.to_vec()))
    }
}

impl Wire for Secret {
    fn put(&self, to: &mut Frame) {
        to.bytes(self.expose());
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        // Into a vector of the right size: no copy is left behind.
        Ok(Self::new(from.bytes()?.to_vec()))
    }
}

impl Wire for usize {
    fn put(&self, to: &mut Frame) {
        (*self as u64).put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        usize::try_from(u64::get(from)?).map_err(|_| Malformed)
    }
}

impl Wire for KeyRef {
    fn put(&self, to: &mut Frame) {
        self.0.put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        KeyIdentity::get(from).map(Self::new)
    }
}

impl Wire for Digest {
    fn put(&self, to: &mut Frame) {
        self.algorithm().put(to);
        to.bytes(self.as_bytes());
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let algorithm = DigestAlgorithm::get(from)?;
        Digest::new(algorithm, from.bytes()?).ok_or(Malformed)
    }
}

wire_enum!(DigestAlgorithm { 0 => Sha256, 1 => Sha384, 2 => Sha512 });
wire_enum!(Scheme { 0 => RsaPkcs1, 1 => RsaPss, 2 => Ecdsa, 3 => Ed25519, 4 => MlDsa65 });
wire_enum!(Curve { 0 => P256, 1 => P384, 2 => P521, 3 => BrainpoolP256r1, 4 => BrainpoolP384r1 });
wire_enum!(KeyKind { 0 => Rsa { bits }, 1 => Ec(curve), 2 => Ed25519, 3 => MlDsa65 });
wire_struct!(SignatureAlgorithm { scheme, digest });
wire_enum!(ToBeSigned { 0 => Digest { algorithm, digest }, 1 => Message { algorithm, message } });
wire_enum!(Sha { 0 => Sha1, 1 => Sha224, 2 => Sha256, 3 => Sha384, 4 => Sha512 });
wire_struct!(OaepPadding { hash, mask, label });
wire_enum!(WrappedKey { 0 => RsaPkcs1 { encrypted, length }, 1 => RsaOaep { encrypted, padding }, 2 => Ecdh { point } });
wire_struct!(KeyIdentity { kind, always_authenticate, id, public });
wire_struct!(KeyUses { sign, decrypt });
wire_struct!(FoundKey { key, kind, uses, always_authenticate, certificate, chain, label, subject });
wire_struct!(PinState { login_required, initialised, pad, count_low, final_try, locked, must_change });
wire_struct!(TokenInfo { serial, label, manufacturer, model, pin, sessions_max });
wire_struct!(CertificateListing { label, id, subject, kind });
wire_struct!(TokenListing { info, mechanisms, certificates });
wire_struct!(SlotListing { slot, description, token });
wire_enum!(Fault {
    0 => SessionLost(text), 1 => Absent, 2 => Device(text), 3 => Request(text), 4 => LoginRefused(refused),
    5 => HostGone(text),
});
wire_enum!(LoginRefused {
    0 => Wrong, 1 => Locked, 2 => MustChange, 3 => NotInitialised, 4 => CountLow, 5 => FinalTry, 6 => Ledger(text),
    7 => Cancelled, 8 => NoPin, 9 => NoPad, 10 => Unclear(text), 11 => Fault(fault),
});
wire_enum!(Attempt { 0 => Accepted, 1 => AlreadyIn, 2 => Refused(refused), 3 => NotTried(refused) });
wire_enum!(PinSource { 0 => Typed(pin), 1 => Pad });

/// A request on a channel. Each has one answer, a frame of the type named here. A PIN comes last: a frame that grows
/// for what stands before it leaves no copy of the PIN behind.
pub(crate) enum Request {
    /// `Result<TokenInfo, Fault>`
    Present { serial: TokenSerial },
    /// `Attempt`
    Login { serial: TokenSerial, confirmed: bool, verified: bool, pin: PinSource },
    /// `Result<Vec<FoundKey>, Fault>`
    Keys { serial: TokenSerial },
    /// `Result<Vec<SlotListing>, Fault>`
    List,
    /// `Result<bool, Fault>`: from now on the channel is a session of this token.
    Open { serial: TokenSerial },
    /// `Result<SignatureValue, Fault>`, on a session
    Sign { key: KeyRef, to_be_signed: ToBeSigned },
    /// `LoggedIn<SignatureValue>`, on a session: with a login for this signature
    SignIn { key: KeyRef, to_be_signed: ToBeSigned, pin: PinSource },
    /// `Result<Secret, Fault>`, on a session
    Decrypt { key: KeyRef, wrapped: WrappedKey },
    /// `LoggedIn<Secret>`, on a session: with a login for this decryption
    DecryptIn { key: KeyRef, wrapped: WrappedKey, pin: PinSource },
}

wire_enum!(Request {
    0 => Present { serial }, 1 => Login { serial, confirmed, verified, pin }, 2 => Keys { serial }, 3 => List,
    4 => Open { serial }, 5 => Sign { key, to_be_signed }, 6 => SignIn { key, to_be_signed, pin },
    7 => Decrypt { key, wrapped }, 8 => DecryptIn { key, wrapped, pin },
});

/// Puts a [`Request::Sign`] together without taking its parts.
pub(crate) fn sign_request(key: &KeyRef, to_be_signed: &ToBeSigned) -> Frame {
    let mut frame = Frame::new();
    frame.byte(5);
    frame.with(key).with(to_be_signed)
}

/// Puts a [`Request::SignIn`] together without taking its parts.
pub(crate) fn sign_in_request(pin: &PinSource, key: &KeyRef, to_be_signed: &ToBeSigned) -> Frame {
    let mut frame = Frame::new();
    frame.byte(6);
    frame.with(key).with(to_be_signed).with(pin)
}

/// Puts a [`Request::Decrypt`] together without taking its parts.
pub(crate) fn decrypt_request(key: &KeyRef, wrapped: &WrappedKey) -> Frame {
    let mut frame = Frame::new();
    frame.byte(7);
    frame.with(key).with(wrapped)
}

/// Puts a [`Request::DecryptIn`] together without taking its parts.
pub(crate) fn decrypt_in_request(pin: &PinSource, key: &KeyRef, wrapped: &WrappedKey) -> Frame {
    let mut frame = Frame::new();
    frame.byte(8);
    frame.with(key).with(wrapped).with(pin)
}

/// Puts a [`Request::Login`] together without taking its parts.
pub(crate) fn login_request(serial: &TokenSerial, confirmed: bool, verified: bool, pin: &PinSource) -> Frame {
    let mut frame = Frame::new();
    frame.byte(1);
    frame.with(serial).with(&confirmed).with(&verified).with(pin)
}

/// Answer to a request with a login of its own: what became of the login, and of what was asked.
pub(crate) struct LoggedIn<T> {
    pub(crate) attempt: Attempt,
    pub(crate) done: Result<T, Fault>,
}

impl<T: Wire> Wire for LoggedIn<T> {
    fn put(&self, to: &mut Frame) {
        self.attempt.put(to);
        self.done.put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { attempt: Wire::get(from)?, done: Wire::get(from)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn body(frame: Frame) -> Vec<u8> {
        let mut sent = Vec::new();
        frame.send(&mut sent).unwrap();
        receive(&mut sent.as_slice()).unwrap().to_vec()
    }

    fn key() -> KeyRef {
        KeyRef::new(KeyIdentity {
            kind: KeyKind::Rsa { bits: 4096 },
            always_authenticate: true,
            id: vec![1, 2],
            public: vec![9; 512],
        })
    }

    #[test]
    fn values_come_out_as_they_went_in() {
        let algorithm = SignatureAlgorithm { scheme: Scheme::RsaPss, digest: DigestAlgorithm::Sha384 };
        let digest = Digest::new(DigestAlgorithm::Sha384, &[7; 48]).unwrap();
        let to_be_signed = ToBeSigned::Digest { algorithm, digest };
        let sent = body(sign_in_request(&PinSource::Typed("geheim".to_owned().into()), &key(), &to_be_signed));
        match Reader::whole(&sent).unwrap() {
            Request::SignIn { pin: PinSource::Typed(pin), key: k, to_be_signed: t } => {
                assert_eq!((pin.expose_secret(), k, t), ("geheim", key(), to_be_signed));
            }
            _ => panic!("another request"),
        }
        let refused: Result<Vec<FoundKey>, Fault> =
            Err(Fault::LoginRefused(Box::new(LoginRefused::Ledger("x".into()))));
        assert_eq!(Reader::whole::<Result<Vec<FoundKey>, Fault>>(&body(Frame::new().with(&refused))), Ok(refused));
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_an_error_or_another_value_but_no_panic() {
        let algorithm = SignatureAlgorithm { scheme: Scheme::Ed25519, digest: DigestAlgorithm::Sha512 };
        let to_be_signed = ToBeSigned::Message { algorithm, message: vec![3; 40] };
        let good = body(sign_request(&key(), &to_be_signed));
        for cut in 0..good.len() {
            assert!(Reader::whole::<Request>(&good[..cut]).is_err(), "cut at {cut}");
        }
        for place in 0..good.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut bad = good.clone();
                bad[place] ^= flip;
                let _ = Reader::whole::<Request>(&bad);
            }
        }
        assert!(Reader::whole::<Request>(&[good.as_slice(), &[0]].concat()).is_err());
        assert!(Reader::whole::<Fault>(&[4, 11].repeat(1_000_000)).is_err(), "nesting is bounded");
        assert!(Reader::whole::<Vec<SlotListing>>(&[0xFF; 4]).is_err(), "a count alone allocates nothing");
    }

    #[test]
    fn a_length_that_is_too_great_is_refused_before_it_is_allocated() {
        let error = receive(&mut [0xFF, 0xFF, 0xFF, 0xFF, 1].as_slice()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(receive(&mut [9, 0, 0, 0, 1].as_slice()).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
