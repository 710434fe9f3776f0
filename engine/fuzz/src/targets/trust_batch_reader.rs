//! Foreign bytes as a certificate batch and as the content of one: no panic, and there is one form only.

use trust::batch::{Batch, Pins, difference};

pub(crate) fn run(bytes: &[u8]) {
    assert!(Batch::read(bytes, &Pins { current: [0; 32], next: None }, None).is_err());
    if let Ok(batch) = Batch::read_content(bytes) {
        assert_eq!(batch.to_json().map(String::into_bytes), Ok(bytes.to_vec()));
        assert!(difference(Some(&batch), &batch).is_empty());
        let _ = batch.anchors();
    }
}
