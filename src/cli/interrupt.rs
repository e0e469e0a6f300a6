//! Ctrl-C and its like: what has begun is broken off, what is finished stays.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The signal that came; 0 if none has.
static CAUGHT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on the first signal is remembered, and a second of its kind ends the program at once.
pub fn listen() {
    CAUGHT.get_or_init(|| {
        let caught = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            let is_second = Arc::new(AtomicBool::new(false));
            // In this order: the first signal arms what the second then finds. Where signals cannot be caught they
            // end the program as ever.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone());
            let _ = signal_hook::flag::register(signal, is_second);
            let _ = signal_hook::flag::register_usize(signal, caught.clone(), signal as usize);
        }
        caught
    });
}

/// A file that would grow beyond what the user may write is an error of that file, which is cleaned up after and told, and
/// not the end of the program.
pub fn survive_full_disks() {
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// With what to exit because of a signal, if one has come.
pub fn exit_code() -> Option<u8> {
    let signal = CAUGHT.get()?.load(Ordering::Relaxed);
    (signal != 0).then_some(128 + signal as u8)
}
