//! One suite for every store: what the verbs mean, whoever carries them out.
