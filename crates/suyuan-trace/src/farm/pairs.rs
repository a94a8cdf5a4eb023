//! Pairs of rows that share more users than chance explains, and what they join into.

use super::chance::rarer;
use super::rows::{SEVERAL, Stretch};
use super::{Params, Skipped};

/// Whether two touches are two occasions.
pub fn apart(a: u32, b: u32) -> bool {
    a == SEVERAL || b == SEVERAL || a != b
}

/// Groups of rows joined by surprising pairs, each ascending; `rows` is how many rows the scale has in all.
///
/// One look at every pair that shares a user: the work is the sum over users of their rows squared, with users of more than
/// [`Params::busy`] rows and rows of more than [`Params::hub`] users left out of the pairs (and counted).
pub fn groups(s: &Stretch, rows: usize, params: &Params, skipped: &mut Skipped) -> Vec<Vec<usize>> {
    let fits: Vec<bool> =
        (0..s.rows()).map(|r| (params.least_users..=params.hub).contains(&s.users(r).len())).collect();
    skipped.hubs += (0..s.rows()).filter(|r| s.users(*r).len() > params.hub).count();
    skipped.busy += (0..s.who.len()).filter(|p| s.rows_of(*p).len() > params.busy).count();
    let bound = (params.chance / rows.max(1) as f64).ln();
    let mut joined = Joined::new(s.rows());
    let mut counts = vec![0u32; s.rows()];
    let mut seen: Vec<usize> = Vec::new();
    let lists = Lists::new(s, &fits, params.busy);
    // How far each user's list has been passed: what remains lies behind the present row.
    let mut passed = vec![0u32; s.who.len()];
    for a in (0..s.rows()).filter(|a| fits[*a]) {
        for (p, event) in s.touched(a) {
            let list = lists.of(p as usize);
            if list.is_empty() {
                continue;
            }
            passed[p as usize] += 1;
            for (b, other) in &list[passed[p as usize] as usize..] {
                if apart(event, *other) {
                    if counts[*b as usize] == 0 {
                        seen.push(*b as usize);
                    }
                    counts[*b as usize] += 1;
                }
            }
        }
        for b in seen.drain(..) {
            let shared = std::mem::take(&mut counts[b]);
            if shared >= 2 && rarer(shared, s.expected_shared(a, b), bound) {
                joined.join(a, b);
            }
        }
    }
    joined.groups(params.least_rows)
}

/// Each user's rows among those that fit; none of a user with too many rows.
struct Lists {
    starts: Vec<u32>,
    rows: Vec<(u32, u32)>,
}

impl Lists {
    fn new(s: &Stretch, fits: &[bool], busy: usize) -> Self {
        let mut out = Lists { starts: vec![0], rows: Vec::new() };
        for p in 0..s.who.len() {
            if s.rows_of(p).len() <= busy {
                out.rows.extend(s.rows_of(p).iter().filter(|(r, _)| fits[*r as usize]));
            }
            out.starts.push(out.rows.len() as u32);
        }
        out
    }
    fn of(&self, place: usize) -> &[(u32, u32)] {
        &self.rows[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// Sets that grow together (union-find, the smaller index leads).
struct Joined(Vec<u32>);

impl Joined {
    fn new(n: usize) -> Self {
        Joined((0..n as u32).collect())
    }
    fn lead(&mut self, mut a: usize) -> usize {
        while self.0[a] as usize != a {
            self.0[a] = self.0[self.0[a] as usize];
            a = self.0[a] as usize;
        }
        a
    }
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.lead(a), self.lead(b));
        self.0[a.max(b)] = a.min(b) as u32;
    }
    fn groups(mut self, least: usize) -> Vec<Vec<usize>> {
        let mut out: Vec<Vec<usize>> = vec![Vec::new(); self.0.len()];
        for i in 0..self.0.len() {
            let lead = self.lead(i);
            out[lead].push(i);
        }
        out.retain(|g| g.len() >= least);
        out
    }
}
