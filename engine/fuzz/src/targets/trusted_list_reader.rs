//! Foreign bytes as a trusted list: no panic; nobody's signature is nobody's list, and what has the form of one is counted.

use trust::list::{TrustedList, check_form};

pub(crate) fn run(bytes: &[u8]) {
    assert!(TrustedList::read(bytes, &[], None).is_err());
    if let Ok((services, pointers)) = check_form(bytes) {
        assert!(services + pointers <= bytes.len());
    }
}
