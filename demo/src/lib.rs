//! The story player.
