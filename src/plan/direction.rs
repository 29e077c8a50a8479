//! [`Direction`]: which way a run goes.

/// Which way changes may flow, and who wins where both sides changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; nobody wins, both changed is a conflict.
    Sync,
    /// Only towards the bucket.
    Push,
    /// Only towards the working copy.
    Pull,
    /// Towards the bucket, and local wins.
    ForcedPush,
    /// Towards the working copy, and the bucket wins.
    ForcedPull,
    /// The working copy becomes exactly the bucket.
    MirrorPull,
    /// The bucket becomes exactly the working copy.
    MirrorPush,
}

impl Direction {
    /// Tells whether the bucket may be changed.
    pub fn writes_remote(self) -> bool {
        match self {
            Self::Sync | Self::Push | Self::ForcedPush | Self::MirrorPush => true,
            Self::Pull | Self::ForcedPull | Self::MirrorPull => false,
        }
    }

    /// Tells whether the working copy may be changed.
    pub fn writes_local(self) -> bool {
        self == Self::Sync || !self.writes_remote()
    }

    /// Tells whether one side is to become exactly what the other one is.
    pub fn is_mirror(self) -> bool {
        matches!(self, Self::MirrorPull | Self::MirrorPush)
    }
}
