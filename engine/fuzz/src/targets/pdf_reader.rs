//! Foreign bytes as a PDF to be signed, visibly and with a password given: an update or an error, never a panic.

use formats::pdf;
use model::profile::{Corner, Format, PageChoice, PdfOptions, Place, VisibleSignature};
use model::{Curve, DigestAlgorithm, KeyKind, Profile, Signer, SignerName, Time, TokenSerial};
use std::sync::LazyLock;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer {
    name: SignerName("fuzz".into()),
    token: TokenSerial("soft:fuzz".into()),
    certificate: [0x30, 0].as_slice().into(),
    chain: Vec::new(),
    key: KeyKind::Ec(Curve::P256),
    subject: "Müller".to_owned(),
});

static PROFILE: LazyLock<Profile> = LazyLock::new(|| Profile {
    pdf: PdfOptions {
        password: Some(model::profile::Password::new("user")),
        allow_hybrid: true,
        visible: Some(VisibleSignature {
            page: PageChoice::Last,
            place: Place::Corner { corner: Corner::BottomRight, width: 150.0, height: 50.0, margin: 20.0 },
            text: None,
            show_name: true,
            show_date: true,
            show_reason: false,
            show_location: false,
            image: None,
            font_size: 8.0,
        }),
        ..PdfOptions::default()
    },
    ..Profile::plain("fuzz", "fuzz", Format::Pades)
});

pub(crate) fn run(document: &[u8]) {
    let now = Time::from_seconds(1_800_000_000);
    let _ = pdf::lay_out(&document, &PROFILE, &SIGNER, DigestAlgorithm::Sha256, 4_096, now);
}
