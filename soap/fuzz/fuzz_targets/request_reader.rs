//! Foreign bytes as a request, plain, with attachments and as JSON: no panic, and the same call however they are cut. The first
//! byte says how they come, the second how they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soap::content::Spool;
use soap::fault::Fault;
use soap::read::{Call, Head, Reader, json};
use soap::table::{OPERATIONS, Service};
use soap::write;
use std::sync::LazyLock;

static SPOOL: LazyLock<Spool> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("sealmill-fuzz-{}", std::process::id()));
    Spool::open(&folder, 1 << 20, 1 << 24, 1 << 24).expect("a spool")
});

fn read(media: &str, bytes: &[u8], step: usize) -> Result<Call, Fault> {
    let head = Head { content_type: Some(media), ..Head::default() };
    let mut reader = Reader::new(&head, &SPOOL)?;
    bytes.chunks(step).try_for_each(|chunk| reader.push(chunk))?;
    reader.finish()
}

fuzz_target!(|input: &[u8]| {
    let [kind, step, bytes @ ..] = input else { return };
    let media = match kind % 4 {
        0 => "text/xml; charset=utf-8",
        1 => "application/soap+xml",
        2 => "multipart/related; type=\"application/xop+xml\"; boundary=B; start=\"<r>\"; start-info=\"text/xml\"",
        _ => {
            let operation = &OPERATIONS[usize::from(*step) % OPERATIONS.len()];
            if let Err(fault) = json::read(operation, &[], bytes, &SPOOL) {
                assert!(write::fault_json(&fault).into_bytes().is_ok());
            }
            return;
        }
    };
    let cut = read(media, bytes, usize::from(*step).max(1));
    match (read(media, bytes, usize::MAX), cut) {
        (Ok(whole), Ok(cut)) => {
            assert!(std::ptr::eq(whole.operation, cut.operation) && whole.shape == cut.shape);
            assert_eq!(whole.contents.len(), cut.contents.len());
            assert_eq!(format!("{:?}", whole.token), format!("{:?}", cut.token));
        }
        (Err(fault), Err(_)) => {
            let answer = write::fault(soap::read::Version::Soap12, Service::SecPki, &fault);
            assert!(answer.into_bytes().is_ok());
        }
        (whole, cut) => panic!("{whole:?} and {cut:?}"),
    }
});
