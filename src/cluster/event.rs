//! What the queue holds: ids only, so that an event is small and can be copied.

use crate::ground::NodeId;
use crate::kernel::arena::Slot;

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request leaves its client, which had to wait for a token.
    Depart(Slot),
    /// A request reaches the API server.
    Arrive(Slot),
    /// The API server has served a request.
    Serve(Slot),
    /// A reply reaches its client, or the client gives up.
    Respond(Slot),
    /// A watch hands over everything that is due.
    Deliver(Slot),
    /// A list answers an informer that had lost its place.
    Relist(Slot),
    /// A program's timer goes off.
    Wake(Slot),
    /// A planned event happens or begins.
    Begin(u32),
    /// A planned event ends.
    End(u32),
    /// A fault hits one of its nodes: event and place of the node in it.
    Strike(u32, u32),
    /// A node of a fault gets well: event and place of the node in it.
    Mend(u32, u32),
    /// An action that waits looks again.
    Look(u32),
    /// Containers end on a machine whose kubelet does not run.
    ContainersEnd(NodeId),
    /// A machine that got power, or got it back, has booted.
    Boot(NodeId),
    /// The programs of a node that has booted have their first lists.
    Synced(NodeId),
    /// A node whose link is back tries again.
    Reconnect(NodeId),
    /// The API server sends bookmarks.
    Bookmark,
    /// The API server compacts history.
    Compact,
    /// The run is over.
    Stop,
}

const _: () = assert!(size_of::<Event>() <= 16);
