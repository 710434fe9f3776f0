//! Foreign bytes as a compound file of Outlook: no panic.

use formats::inspect::{Input, inspect};

pub(crate) fn run(bytes: &[u8]) {
    let file = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes].concat();
    let _ = inspect(&Input::new(&file, "mail.msg"));
}
