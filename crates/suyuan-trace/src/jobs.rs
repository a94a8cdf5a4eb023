//! Work on a list that several threads share; what comes out does not depend on how many.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Items that a thread takes at once.
const SOME: usize = 32;

/// What `work` makes of each item, in the order of the list.
pub(crate) fn map<T: Sync, U: Send>(threads: usize, list: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    map_in(threads, list, || (), |(), x| work(x))
}

/// The same where each thread has room of its own, which must not show in the results.
pub(crate) fn map_in<T: Sync, R, U: Send>(
    threads: usize,
    list: &[T],
    room: impl Fn() -> R + Sync,
    work: impl Fn(&mut R, &T) -> U + Sync,
) -> Vec<U> {
    if threads < 2 || list.len() <= SOME {
        let mut room = room();
        return list.iter().map(|x| work(&mut room, x)).collect();
    }
    let mut out: Vec<Option<U>> = list.iter().map(|_| None).collect();
    let jobs = Mutex::new(list.chunks(SOME).zip(out.chunks_mut(SOME)));
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        let mut room = room();
        while let Some((items, places)) = next() {
            items.iter().zip(places).for_each(|(x, place)| *place = Some(work(&mut room, x)));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(take);
        }
        take();
    });
    out.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_list() {
        let list: Vec<u64> = (0..1000).collect();
        for threads in [0, 1, 2, 5] {
            let out = map_in(threads, &list, Vec::new, |room, x| {
                room.push(*x);
                x * x
            });
            assert_eq!(out, list.iter().map(|x| x * x).collect::<Vec<u64>>());
        }
    }
}
