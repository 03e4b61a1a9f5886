//! The feed as a terminal view.
