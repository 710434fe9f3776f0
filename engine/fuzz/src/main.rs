//! All fuzz targets of the engine in one program, so that they are linked once: `SEALMILL_FUZZ_TARGET` says which one runs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

macro_rules! targets {
    ($($name:ident,)*) => {
        mod targets {
            $(pub(crate) mod $name;)*
        }

        /// Each target with its name.
        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), targets::$name::run),)*];
    };
}

targets! {
    asic_inspect,
    canonical_xml,
    certificate_reader,
    cms_lift,
    cms_reader,
    crl_reader,
    envelope_reader,
    evidence_record_reader,
    extension_reader,
    inspect,
    mail_inspect,
    msg_inspect,
    ocsp_reader,
    pdf_inspect,
    pdf_lift,
    pdf_reader,
    trust_batch_reader,
    trusted_list_reader,
    tsp_reader,
    xml_reader,
    xml_record_reader,
    xml_signature,
    xpath,
}

fuzz_target!(|bytes: &[u8]| chosen()(bytes));

fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let wanted = std::env::var("SEALMILL_FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(name, _)| *name == wanted);
        let Some((_, run)) = found else {
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            eprintln!("SEALMILL_FUZZ_TARGET must be one of {}", names.join(", "));
            std::process::exit(2);
        };
        *run
    })
}
