//! Where the frames of a benchmark's engine go: into bytes, or to a hub.

use crate::feed::{feeder::Feeder, frame::Frame, mirror::Mirror};

/// Takes frames as the live loop's surroundings would.
pub(in crate::bench) enum Frames {
    /// In bytes, as a recording or a socket takes them.
    Encoded(Vec<u8>),
    /// To a mirror, as subscribers keep one.
    Mirrored(Box<Mirror>),
    /// To a hub, and how many changes that were.
    Sent(Feeder, u64),
}

impl Default for Frames {
    fn default() -> Self {
        Self::Mirrored(Box::default())
    }
}

impl Frames {
    pub(super) fn take(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            match self {
                Self::Encoded(encoded) => {
                    encoded.clear();
                    let bytes = std::mem::take(encoded);
                    // Frames hold nothing that has no bytes; a failure would show as an empty buffer.
                    *encoded = postcard::to_extend(&frame, bytes).unwrap_or_default();
                }
                Self::Mirrored(mirror) => {
                    if let Frame::Changes(changes) = &frame {
                        mirror.apply(changes);
                    }
                }
                Self::Sent(feeder, changes) => {
                    if let Frame::Changes(tick) = &frame {
                        *changes += tick.changes.len() as u64;
                    }
                    feeder.send(frame);
                }
            }
        }
        if let Self::Sent(feeder, _) = self {
            feeder.flush();
        }
    }
}
