//! The manifest that an object came from.

/// A manifest as JSON text, kept whole so that nothing a user wrote is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Document {
    /// Compact JSON with the keys in the order of the manifest.
    pub json: Box<str>,
}
