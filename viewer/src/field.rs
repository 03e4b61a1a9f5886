//! The field as plain arithmetic: cells, blocks, texels, layout, picking. No Bevy, no pixels read.

pub mod block;
pub mod board;
pub mod flights;
pub mod ground;
pub mod heaps;
pub mod lasso;
pub mod layout;
pub mod slots;
pub mod texel;
pub mod view;
