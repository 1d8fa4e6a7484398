//! zstd, with contexts that are kept: making one anew for each text costs more than what most of them take.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The text, shorter. None: it does not get shorter, or there is no memory for it; it may stand as it is.
pub(crate) fn compress(text: &[u8]) -> Option<Vec<u8>> {
    let small = COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Compressor::new(LEVEL).ok();
        }
        kept.as_mut()?.compress(text).ok()
    });
    small.filter(|small| small.len() < text.len())
}

/// The text again. None: it is not what was compressed, or longer than `length` bytes.
pub(crate) fn decompress(small: &[u8], length: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Decompressor::new().ok();
        }
        kept.as_mut()?.decompress(small, length).ok()
    })
}
