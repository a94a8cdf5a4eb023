//! Farms: people on the same few items (devices, handsets, faces, addresses, payees) beyond what their activity explains.
//!
//! A typed graph of touches: a user (a person, or a card) touched an item of some family on a day, on some occasion. Within
//! stretches of several lengths, pairs of items that share more users than a configuration model expects (everyone picks
//! items by their popularity among people of the same stratum) join into groups; a user belongs to a group if they touch it
//! on more occasions than their activity explains; users and items then refine one another. Groups that mean the same people
//! are one farm, and each member has a probability of their own by a mixture of two kinds of users.
//!
//! Always holds: the order of touches does not matter; nobody is named for one occasion, whatever it touched; popular
//! items weigh little, because everyone's touches explain them.
//! Blind to: farms of fewer than [`Params::least_members`], items with more users than [`Params::hub`] in one stretch, and
//! why people share what they share: a dormitory, a family and a group contract look the same here.
//! Method: the surprise graph of the tracing design, with strata, occasions and the mixture added.

mod chance;
mod grow;
mod mixture;
mod pairs;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use grow::grow;
use rows::{Sorted, Stretch};

/// A user touched an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Index into [`Graph::users`].
    pub user: u32,
    /// Index into [`Graph::items`].
    pub item: u32,
    /// The occasion: touches of one event (an opening, a capture) share it and count once.
    pub event: u32,
    /// Days from any fixed day.
    pub day: i32,
}

/// Who touched what.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The stratum of each user, small numbers from zero: people of one stratum have the same choice of items.
    pub users: Vec<u32>,
    /// The family of each item, small numbers from zero.
    pub items: Vec<u8>,
    /// Whether place matters to a family: its items are chosen among those of the stratum. True where nothing is said.
    pub local: Vec<bool>,
    /// In any order.
    pub touches: Vec<Touch>,
}

/// One way to cut the time into stretches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scale {
    /// Length of a stretch, days.
    pub days: i32,
    /// How far before the first day the first stretch starts, days.
    pub shift: i32,
}

/// All the time at once.
pub const WHOLE: Scale = Scale { days: i32::MAX / 2, shift: 0 };

/// What can be set; the defaults are the ones measured.
#[derive(Clone, Debug)]
pub struct Params {
    /// Ways to cut the time.
    pub scales: Vec<Scale>,
    /// The chance, over all rows of a scale, that innocent pairs reach the bound.
    pub chance: f64,
    /// Rows with fewer users join nothing.
    pub least_users: usize,
    /// Rows of more users are left out of the pairs.
    pub hub: usize,
    /// Users of more rows in a stretch are left out of the pairs.
    pub busy: usize,
    /// Rows that a group needs.
    pub least_rows: usize,
    /// Members that a farm needs.
    pub least_members: usize,
    /// Rounds of refinement.
    pub rounds: usize,
    /// Members below this probability are left out.
    pub least_probability: f64,
}

impl Default for Params {
    fn default() -> Self {
        let scale = |days, shift| Scale { days, shift };
        Params {
            scales: vec![scale(28, 0), scale(90, 0), scale(90, 45)],
            chance: 1e-3,
            least_users: 5,
            hub: 3000,
            busy: 200,
            least_rows: 4,
            least_members: 15,
            rounds: 5,
            least_probability: 0.5,
        }
    }
}

/// What was left out because it passed a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Rows of more than [`Params::hub`] users, over all stretches.
    pub hubs: usize,
    /// Users of more than [`Params::busy`] rows, over all stretches.
    pub busy: usize,
}

/// One user of a farm.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Index into [`Graph::users`].
    pub user: u32,
    /// That the user belongs to the farm, given that it is one.
    pub probability: f64,
    /// Occasions on which they touched its items.
    pub occasions: u32,
    /// What their activity explains.
    pub expected: f64,
    /// Indices of these touches in the graph, by day.
    pub touches: Vec<usize>,
}

/// People on the same items.
#[derive(Clone, Debug, PartialEq)]
pub struct Farm {
    /// Most probable first, then by number.
    pub members: Vec<Member>,
    /// Ascending.
    pub items: Vec<u32>,
    /// First and last day on which its members touched its items.
    pub days: (i32, i32),
    /// Occasions that a member has beyond chance.
    pub rate: f64,
    /// Users with a touch of its items who do not belong to it.
    pub others: usize,
}

/// What was found; farms with most members first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Farms {
    /// Most members first.
    pub farms: Vec<Farm>,
    /// What passed a limit.
    pub skipped: Skipped,
}

/// Finds the farms of a graph.
pub fn find(graph: &Graph, params: &Params) -> Farms {
    let sorted = Sorted::new(graph);
    let mut out = Farms::default();
    let mut drafts: Vec<Draft> = Vec::new();
    for scale in &params.scales {
        let stretches = sorted.stretches(*scale, None);
        let rows = stretches.iter().map(Stretch::rows).sum();
        for s in &stretches {
            for g in pairs::groups(s, rows, params, &mut out.skipped) {
                drafts.extend(grow(s, g, rows, params).map(|g| Draft::new(s, &g)));
            }
        }
    }
    // A draft is looked at in the shortest stretch that holds all its people's touches; each is made once.
    let mut looked: BTreeMap<(Scale, i64), Vec<Draft>> = BTreeMap::new();
    for d in merged(drafts) {
        let (first, last) = d.days(graph);
        let fits = |s: &&Scale| sorted.stretch_of(**s, first) == sorted.stretch_of(**s, last);
        let scale = *params.scales.iter().filter(fits).min_by_key(|s| s.days).unwrap_or(&WHOLE);
        looked.entry((scale, sorted.stretch_of(scale, first))).or_default().push(d);
    }
    for ((scale, number), drafts) in looked {
        for s in sorted.stretches(scale, Some(number)) {
            let here = |t: &Touch| sorted.stretch_of(scale, t.day) == number;
            out.farms.extend(drafts.iter().filter_map(|d| farm(graph, &s, here, d, params)));
        }
    }
    out.farms.sort_by(|a, b| (b.members.len(), &a.items).cmp(&(a.members.len(), &b.items)));
    out
}

/// A group by the numbers of the graph, whatever stretch it was seen in.
struct Draft {
    users: BTreeSet<u32>,
    items: BTreeSet<u32>,
}

impl Draft {
    fn new(s: &Stretch, g: &grow::Group) -> Self {
        Draft {
            users: g.people.iter().map(|p| s.who[*p]).collect(),
            items: g.rows.iter().map(|r| s.items[*r]).collect(),
        }
    }
    /// First and last day on which its people touched its items.
    fn days(&self, graph: &Graph) -> (i32, i32) {
        let mine = |t: &&Touch| self.items.contains(&t.item) && self.users.contains(&t.user);
        graph.touches.iter().filter(mine).fold((i32::MAX, i32::MIN), |(a, b), t| (a.min(t.day), b.max(t.day)))
    }
    /// Whether two mean the same: two items in common, or one and half of the people of the smaller.
    fn same(&self, other: &Draft) -> bool {
        let least = self.users.len().min(other.users.len());
        match self.items.intersection(&other.items).count() {
            0 => false,
            1 => 2 * self.users.intersection(&other.users).count() > least,
            _ => true,
        }
    }
}

/// Joins drafts that mean the same until none do.
fn merged(mut drafts: Vec<Draft>) -> Vec<Draft> {
    drafts.sort_by(|a, b| (b.users.len(), &a.users, &a.items).cmp(&(a.users.len(), &b.users, &b.items)));
    loop {
        let before = drafts.len();
        let mut out: Vec<Draft> = Vec::new();
        for d in drafts {
            match out.iter_mut().find(|o| o.same(&d)) {
                Some(o) => {
                    o.users.extend(d.users);
                    o.items.extend(d.items);
                }
                None => out.push(d),
            }
        }
        if out.len() == before {
            return out;
        }
        drafts = out;
    }
}

/// Says who belongs to a draft, by all touches of its items in one stretch.
fn farm(
    graph: &Graph,
    s: &Stretch,
    here: impl Fn(&Touch) -> bool,
    draft: &Draft,
    params: &Params,
) -> Option<Farm> {
    let rows: Vec<usize> = (0..s.rows()).filter(|r| draft.items.contains(&s.items[*r])).collect();
    let (users, rate) = mixture::fit(s, &rows);
    let mut members: BTreeMap<u32, Member> = users
        .iter()
        .filter(|u| u.occasions >= 2 && u.probability >= params.least_probability)
        .map(|u| {
            let (user, occasions, expected) = (s.who[u.place], u.occasions, u.expected);
            (user, Member { user, probability: u.probability, occasions, expected, touches: Vec::new() })
        })
        .collect();
    if members.len() < params.least_members {
        return None;
    }
    let mut days = (i32::MAX, i32::MIN);
    for (i, t) in graph.touches.iter().enumerate().filter(|(_, t)| here(t) && draft.items.contains(&t.item)) {
        if let Some(m) = members.get_mut(&t.user) {
            m.touches.push(i);
            days = (days.0.min(t.day), days.1.max(t.day));
        }
    }
    let others = users.len() - members.len();
    let mut members: Vec<Member> = members.into_values().collect();
    members.iter_mut().for_each(|m| m.touches.sort_by_key(|i| (graph.touches[*i].day, *i)));
    members.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.user.cmp(&b.user)));
    Some(Farm { items: draft.items.iter().copied().collect(), days, rate, others, members })
}
