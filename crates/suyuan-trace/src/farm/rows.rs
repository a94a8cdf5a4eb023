//! A graph cut into stretches of time: rows of one item's users in one stretch, and what the users' activity explains.

use std::collections::BTreeMap;

use super::{Graph, Scale, Touch};

/// Marks a user who touched an item on several occasions.
pub const SEVERAL: u32 = u32::MAX;

/// The touches in order of item and day, once for all scales.
pub struct Sorted<'a> {
    pub graph: &'a Graph,
    touches: Vec<Touch>,
    first: i32,
}

impl<'a> Sorted<'a> {
    pub fn new(graph: &'a Graph) -> Self {
        let mut touches = graph.touches.clone();
        touches.sort_unstable_by_key(|t| (t.item, t.day, t.user, t.event));
        let first = touches.iter().map(|t| t.day).min().unwrap_or(0);
        Sorted { graph, touches, first }
    }
}

/// One stretch of time: its rows (an item's users), and the same by user. A user is known here by their place in `who`.
pub struct Stretch {
    pub items: Vec<u32>,
    /// `places[starts[r]..starts[r + 1]]` are the row's users, ascending.
    starts: Vec<u32>,
    places: Vec<u32>,
    /// The occasion on which each of `places` touched the row, or [`SEVERAL`].
    events: Vec<u32>,
    /// Per row: how many of its users are of each stratum, ascending.
    share_starts: Vec<u32>,
    shares: Vec<(u32, u32)>,
    /// Users who are here, ascending.
    pub who: Vec<u32>,
    who_starts: Vec<u32>,
    who_rows: Vec<(u32, u32)>,
    /// Touches by stratum and family.
    totals: Vec<f64>,
    /// Sums over users of the product of their numbers of rows in two families, by stratum, family, family.
    products: Vec<f64>,
    families: usize,
    strata: usize,
    /// Whether place matters, by family.
    local: Vec<bool>,
    family_of: Vec<u8>,
    stratum_of: Vec<u32>,
    /// Rows per user and family.
    active: Vec<u32>,
}

impl Stretch {
    pub fn rows(&self) -> usize {
        self.items.len()
    }
    /// The row's users.
    pub fn users(&self, row: usize) -> &[u32] {
        &self.places[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
    /// The row's users with the occasion of their touch.
    pub fn touched(&self, row: usize) -> impl Iterator<Item = (u32, u32)> + '_ {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        self.places[range.clone()].iter().copied().zip(self.events[range].iter().copied())
    }
    /// A user's rows, ascending, each with its occasion.
    pub fn rows_of(&self, place: usize) -> &[(u32, u32)] {
        &self.who_rows[self.who_starts[place] as usize..self.who_starts[place + 1] as usize]
    }
    fn shares(&self, row: usize) -> &[(u32, u32)] {
        &self.shares[self.share_starts[row] as usize..self.share_starts[row + 1] as usize]
    }
    fn total(&self, stratum: u32, family: u8) -> f64 {
        self.totals[stratum as usize * self.families + family as usize]
    }

    /// How many users two rows would share if everyone chose items by their popularity: among people of the same stratum
    /// where the family is local, among all where it is not.
    pub fn expected_shared(&self, a: usize, b: usize) -> f64 {
        let (fa, fb) = (self.family_of[a], self.family_of[b]);
        let (mut x, mut y) = (self.shares(a), self.shares(b));
        let all = self.strata as u32 - 1;
        let both = |stratum: u32, (ra, na): (u32, u32), (rb, nb): (u32, u32)| {
            let at = (stratum as usize * self.families + fa as usize) * self.families + fb as usize;
            f64::from(na) / self.total(ra, fa) * (f64::from(nb) / self.total(rb, fb)) * self.products[at]
        };
        match (x, y) {
            ([one], [other]) if one.0 == all && other.0 == all => return both(all, *one, *other),
            ([one], _) if one.0 == all => return y.iter().map(|o| both(o.0, *one, *o)).sum(),
            (_, [other]) if other.0 == all => return x.iter().map(|o| both(o.0, *o, *other)).sum(),
            _ => (),
        }
        let mut sum = 0.0;
        while let ([one, rest_a @ ..], [other, rest_b @ ..]) = (x, y) {
            if one.0 == other.0 {
                sum += both(one.0, *one, *other);
            }
            if one.0 <= other.0 {
                x = rest_a;
            }
            if other.0 <= one.0 {
                y = rest_b;
            }
        }
        sum
    }

    /// Strata, and one more for all people.
    pub fn strata(&self) -> usize {
        self.strata
    }
    /// The people among whom a user's touch of a row is judged.
    pub fn stratum(&self, place: usize, row: usize) -> usize {
        if self.local[self.family_of[row] as usize] {
            self.stratum_of[place] as usize
        } else {
            self.strata - 1
        }
    }
    /// Rows of a row's family that a user touched.
    pub fn activity(&self, place: usize, row: usize) -> f64 {
        f64::from(self.active[place * self.families + self.family_of[row] as usize])
    }

    /// Popularity of rows among people outside a group: the chance that one of their touches of the row's family is of this
    /// row, by row and stratum; `members` with their weights and touches (positions in `rows`). It leans by `lean` touches
    /// on the popularity with the group's own, which is what is left where the group is all there is.
    pub fn outside<'t>(
        &self,
        rows: &[usize],
        members: impl Iterator<Item = (usize, f64, &'t [(usize, u32)])>,
        lean: f64,
        out: &mut Vec<f64>,
    ) {
        let mut mine = vec![0.0; rows.len() * self.strata];
        let mut active = vec![0.0; self.strata * self.families];
        for (place, weight, touches) in members {
            for t in touches {
                mine[t.0 * self.strata + self.stratum(place, rows[t.0])] += weight;
            }
            for f in 0..self.families {
                let here = weight * f64::from(self.active[place * self.families + f]);
                active[self.stratum_of[place] as usize * self.families + f] += here;
                active[(self.strata - 1) * self.families + f] += here;
            }
        }
        out.clear();
        out.resize(rows.len() * self.strata, 0.0);
        for (j, r) in rows.iter().enumerate() {
            let family = self.family_of[*r];
            for (stratum, n) in self.shares(*r) {
                let at = j * self.strata + *stratum as usize;
                let total = self.total(*stratum, family);
                let others = (f64::from(*n) - mine[at]).max(0.0);
                let theirs = (total - active[*stratum as usize * self.families + family as usize]).max(0.0);
                out[at] = (others + lean * f64::from(*n) / total) / (theirs + lean);
            }
        }
    }
}

impl Sorted<'_> {
    /// The number of the stretch in which a day lies.
    pub fn stretch_of(&self, scale: Scale, day: i32) -> i64 {
        (i64::from(day) - i64::from(self.first) + i64::from(scale.shift)) / i64::from(scale.days.max(1))
    }

    /// Cuts the graph into stretches of the scale's length, or makes the one asked for; those that hold at least two rows.
    pub fn stretches(&self, scale: Scale, only: Option<i64>) -> Vec<Stretch> {
        let g = self.graph;
        let mut parts: BTreeMap<i64, Part> = BTreeMap::new();
        let mut some: Vec<(u32, u32)> = Vec::new();
        let same = |a: &Touch, b: &Touch| {
            a.item == b.item && self.stretch_of(scale, a.day) == self.stretch_of(scale, b.day)
        };
        for row in self.touches.chunk_by(same) {
            let (item, stretch) = (row[0].item, self.stretch_of(scale, row[0].day));
            some.clear();
            some.extend(row.iter().map(|t| (t.user, t.event)));
            if only.is_none_or(|o| o == stretch) {
                some.sort_unstable();
                parts.entry(stretch).or_default().row(item, &some);
            }
        }
        let mut place = vec![u32::MAX; g.users.len()];
        parts.into_values().filter(|p| p.items.len() >= 2).map(|p| p.finish(g, &mut place)).collect()
    }
}

#[derive(Default)]
struct Part {
    items: Vec<u32>,
    starts: Vec<u32>,
    users: Vec<u32>,
    events: Vec<u32>,
}

impl Part {
    fn row(&mut self, item: u32, touched: &[(u32, u32)]) {
        self.items.push(item);
        self.starts.push(self.users.len() as u32);
        let start = self.users.len();
        for (user, event) in touched {
            if self.users.len() > start && self.users.last() == Some(user) {
                let at = self.events.len() - 1;
                if self.events[at] != *event {
                    self.events[at] = SEVERAL;
                }
            } else {
                self.users.push(*user);
                self.events.push(*event);
            }
        }
    }

    /// `place` is scratch of the graph's users.
    fn finish(mut self, g: &Graph, place: &mut [u32]) -> Stretch {
        self.starts.push(self.users.len() as u32);
        let families = g.items.iter().max().map_or(1, |f| *f as usize + 1);
        let all = g.users.iter().max().map_or(1, |s| *s as usize + 1);
        let strata = all + 1;
        let local: Vec<bool> = (0..families).map(|f| g.local.get(f).copied().unwrap_or(true)).collect();
        let family_of: Vec<u8> = self.items.iter().map(|i| g.items[*i as usize]).collect();
        place.fill(u32::MAX);
        self.users.iter().for_each(|u| place[*u as usize] = 0);
        let mut who = Vec::new();
        for (user, p) in place.iter_mut().enumerate().filter(|(_, p)| **p == 0) {
            *p = who.len() as u32;
            who.push(user as u32);
        }
        // From here on users are known by their place.
        self.users.iter_mut().for_each(|u| *u = place[*u as usize]);
        let places = self.users;
        let stratum_of: Vec<u32> = who.iter().map(|u| g.users[*u as usize]).collect();
        let mut who_starts = vec![0u32; who.len() + 1];
        places.iter().for_each(|p| who_starts[*p as usize + 1] += 1);
        for p in 0..who.len() {
            who_starts[p + 1] += who_starts[p];
        }
        let mut next = who_starts.clone();
        let mut who_rows = vec![(0u32, 0u32); places.len()];
        let mut active = vec![0u32; who.len() * families];
        let mut totals = vec![0.0; strata * families];
        let (mut share_starts, mut shares) = (vec![0u32], Vec::new());
        let mut here: Vec<u32> = Vec::new();
        for (r, family) in family_of.iter().enumerate() {
            let family = *family as usize;
            here.clear();
            let row = self.starts[r] as usize..self.starts[r + 1] as usize;
            for (p, event) in places[row.clone()].iter().zip(&self.events[row]) {
                let p = *p as usize;
                who_rows[next[p] as usize] = (r as u32, *event);
                next[p] += 1;
                active[p * families + family] += 1;
                here.push(stratum_of[p]);
            }
            if all > 1 {
                here.sort_unstable();
            }
            totals[all * families + family] += here.len() as f64;
            for same in here.chunk_by(|a, b| a == b) {
                totals[same[0] as usize * families + family] += same.len() as f64;
                if local[family] {
                    shares.push((same[0], same.len() as u32));
                }
            }
            if !local[family] {
                shares.push((all as u32, here.len() as u32));
            }
            share_starts.push(shares.len() as u32);
        }
        let mut products = vec![0.0; strata * families * families];
        for (p, s) in stratum_of.iter().enumerate() {
            let mine = &active[p * families..(p + 1) * families];
            for (a, x) in mine.iter().enumerate().filter(|(_, x)| **x > 0) {
                for (b, y) in mine.iter().enumerate() {
                    // A row is not shared with itself.
                    let other = if a == b { y - 1 } else { *y };
                    let product = f64::from(*x) * f64::from(other);
                    products[(*s as usize * families + a) * families + b] += product;
                    products[(all * families + a) * families + b] += product;
                }
            }
        }
        Stretch {
            items: self.items,
            starts: self.starts,
            places,
            events: self.events,
            share_starts,
            shares,
            who,
            who_starts,
            who_rows,
            totals,
            products,
            families,
            strata,
            local,
            family_of,
            stratum_of,
            active,
        }
    }
}
