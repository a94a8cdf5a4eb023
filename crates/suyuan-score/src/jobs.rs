//! Work in equal parts on several threads; the answers come back in the order of the jobs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does jobs `0..n`. The result does not depend on the number of threads as long as `job` is a function.
pub(crate) fn in_order<T: Send>(threads: usize, n: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<T>>> = Mutex::new((0..n).map(|_| None).collect());
    let work = || loop {
        let i = next.fetch_add(1, Ordering::Relaxed);
        if i >= n {
            break;
        }
        let one = job(i);
        done.lock().expect("a working thread does not panic")[i] = Some(one);
    };
    std::thread::scope(|s| {
        for _ in 1..threads.max(1) {
            s.spawn(work);
        }
        work();
    });
    let done = done.into_inner().expect("a working thread does not panic");
    done.into_iter().map(|d| d.expect("every job was done")).collect()
}
