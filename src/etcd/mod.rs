//! Layer 2: the source of truth, a revisioned store with one change log per kind.
//!
//! What is promised: every commit gets the next revision of one counter for all kinds; a write that names a
//! version succeeds only on that version; the changes of one kind are readable in order from any revision that has
//! not been compacted. It does not know who reads or writes, nor what an object means. One member that never fails,
//! for now: members, terms and quorum will decide here when a commit happens.

pub mod change;
pub mod store;

pub use change::Change;
pub use store::{Compacted, Store};
