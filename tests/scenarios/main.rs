//! Scenarios: little webs, stepped on a virtual clock, with every invariant checked at every tick.

mod lifecycle;
