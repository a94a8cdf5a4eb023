//! Work that several threads take from one list.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does every job, on so many threads; whoever is free takes the next one. Jobs must not depend on each other.
pub(crate) fn each<T: Send>(threads: usize, jobs: Vec<T>, work: impl Fn(T) + Sync) {
    if threads < 2 || jobs.len() < 2 {
        return jobs.into_iter().for_each(work);
    }
    let helpers = threads.min(jobs.len()) - 1;
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        while let Some(job) = next() {
            work(job);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(take);
        }
        take();
    });
}
