//! Foreign bytes as a compound file of Outlook: no panic.
#![no_main]

use formats::inspect::{Input, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes].concat();
    let _ = inspect(&Input::new(&file, "mail.msg"));
});
