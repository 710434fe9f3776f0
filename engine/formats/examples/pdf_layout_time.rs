//! Prints how long the PDF half of a signature takes without the hash: `cargo run --release -p formats --example
//! pdf_layout_time -- FILE...`. Microseconds per document, best of several rounds.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use model::profile::{Corner, Format, PageChoice, PdfOptions, Place, VisibleSignature};
use model::{Curve, DigestAlgorithm, KeyKind, Profile, Signer, SignerName, Time, TokenSerial};
use std::time::Instant;

fn main() {
    let signer = Signer {
        name: SignerName("example".into()),
        token: TokenSerial("soft:example".into()),
        certificate: vec![0; 1200].into(),
        chain: Vec::new(),
        key: KeyKind::Ec(Curve::P256),
        subject: "Rechnungssiegel".into(),
    };
    let invisible = Profile::plain("example", "example", Format::Pades);
    let shown = VisibleSignature {
        page: PageChoice::First,
        place: Place::Corner { corner: Corner::BottomLeft, width: 100.0, height: 40.0, margin: 10.0 },
        text: Some("Elektronisch gesiegelt".into()),
        show_name: true,
        show_date: true,
        show_reason: false,
        show_location: false,
        image: None,
        font_size: 8.0,
    };
    let visible = Profile { pdf: PdfOptions { visible: Some(shown), ..PdfOptions::default() }, ..invisible.clone() };
    println!("{:>9} {:>10} {:>10} {:>10}  file", "bytes", "invisible", "visible", "hash");
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let time = |work: &dyn Fn()| {
            let rounds = (0..7).map(|_| {
                let start = Instant::now();
                (0..50).for_each(|_| work());
                start.elapsed().as_secs_f64() * 1e6 / 50.0
            });
            rounds.fold(f64::INFINITY, f64::min)
        };
        let lay_out = |profile: &Profile| {
            let layout =
                formats::pdf::lay_out(&bytes, profile, &signer, DigestAlgorithm::Sha256, 4000, Time::from_seconds(1));
            std::hint::black_box(layout.map(|layout| layout.len()).unwrap_or_default());
        };
        let hash = || {
            std::hint::black_box(formats::crypto::digest(DigestAlgorithm::Sha256, &bytes));
        };
        println!(
            "{:>9} {:>10.1} {:>10.1} {:>10.1}  {path}",
            bytes.len(),
            time(&|| lay_out(&invisible)),
            time(&|| lay_out(&visible)),
            time(&hash)
        );
    }
}
