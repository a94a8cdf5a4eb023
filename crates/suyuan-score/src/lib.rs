//! Scores learnt from outcomes, and a score where there are none.
//!
//! **Without labels.** [`unsupervised`] adds up how surprising a card's use is against a baseline.
//!
//! **With labels.** [`train`] fits gradient-boosted trees and a sum of curves to any table of features and a
//! yes-or-no label (re-verification failed, complaint closed as fraud), with the neighbours' aggregates where a
//! graph is given, takes the mean of both, calibrates it by cross-fitting, and gives a [`Model`]: one dated artefact whose SHA-256 every score
//! carries. [`Model::score`] gives probabilities with additive contributions, [`Model::check`] figures on
//! other rows, calibration and drift, [`Model::explain`] the reasons for one row.
//!
//! What always holds: the same rows, options and seed give the same bytes on any number of threads;
//! contributions and base sum to the log-odds; no row later than the model's date is used; a row's own label
//! never reaches its features.
//!
//! What it cannot see: why a label was given. A score repeats the habits of those who labelled. It puts
//! cards up for review; it never names a person.

pub mod artefact;
mod bag;
pub mod bins;
mod blend;
pub mod boost;
pub mod calibrate;
pub mod check;
pub mod cholesky;
pub mod curves;
pub mod drift;
mod error;
pub mod explain;
mod features;
mod graph;
mod jobs;
pub mod metrics;
mod model;
pub mod places;
mod rng;
mod table;
pub mod tree;
pub mod unsupervised;

pub use check::Check;
pub use error::{ScoreError, Want};
pub use explain::Explanation;
pub use graph::Graph;
pub use model::{Figures, Head, Model, Options, Rows, Score, train};
pub use table::{Features, Roles, Table};
