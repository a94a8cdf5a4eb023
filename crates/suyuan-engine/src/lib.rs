//! Moves data along the path: records -> lake -> findings -> sources -> case -> report.
//!
//! The only crate that knows the clock, the store and the lake together. It computes nothing: every
//! step is a call into the crate that does. What a step gives is kept in the store under its name, so
//! that the next step can run later, in another process.

mod ask;
pub mod error;
mod feature_words;
mod frames;
pub mod home;
pub mod intake;
pub mod live;
pub mod manual;
pub mod mappings;
pub mod models;
mod outputs;
mod path;
pub mod progress;
pub mod rules;
pub mod schema;
mod shelf;
mod spool;
pub mod telling;
mod told;
pub mod traced;

pub use ask::Ask;
pub use error::EngineError;
pub use path::{Engine, Options};
