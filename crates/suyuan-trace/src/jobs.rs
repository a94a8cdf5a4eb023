//! Work on a list that several threads share; what comes out does not depend on how many.

use std::panic::resume_unwind;
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

/// Cuts a list into as many parts as there are threads; what `work` makes of each, in their order.
pub(crate) fn parts<T: Send, U: Send>(
    threads: usize,
    list: &mut [T],
    work: impl Fn(&mut [T]) -> U + Sync,
) -> Vec<U> {
    let size = list.len().div_ceil(threads.max(1)).max(1);
    let (first, rest) = list.split_at_mut(size.min(list.len()));
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = rest.chunks_mut(size).map(|part| scope.spawn(move || work(part))).collect();
        let here = work(first);
        let join = |t: thread::ScopedJoinHandle<'_, U>| t.join().unwrap_or_else(|p| resume_unwind(p));
        [here].into_iter().chain(others.into_iter().map(join)).collect()
    })
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

    #[test]
    fn parts_make_up_the_list() {
        for threads in [0, 1, 2, 3, 7] {
            for n in [0, 1, 5, 64] {
                let mut list: Vec<u64> = (0..n).collect();
                let parts = parts(threads, &mut list, |part| {
                    part.iter_mut().for_each(|x| *x += 1);
                    part.to_vec()
                });
                assert_eq!(parts.concat(), (1..=n).collect::<Vec<u64>>());
                assert_eq!(list, (1..=n).collect::<Vec<u64>>());
            }
        }
    }
}
