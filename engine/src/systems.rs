//! Verbs of a tick, in one visible chain.
