//! Things in shards: what is counted of them, so that threads can count side by side.
//!
//! A shard holds the keys, the counts and the pairs of its things, and shares nothing with another: what comes of it depends
//! on the order of its touches alone, not on how many threads there are. Touches wait in the shards and are counted many at
//! a time, so that the waits for memory of many overlap. Things of a shard lie in blocks.

use std::io;

use crate::codec::{In, Out};
use crate::pairs::{BLOCK, First, Pairs, Room};
use crate::prints::{Print, Prints};

/// So many shards there are, whatever there is to count: enough for any number of threads, and few enough that the ends of
/// their lists stay in the nearest cache while touches are dealt out.
pub const SHARDS: usize = 32;
/// What is brought near together.
pub const NEAR: usize = 256;

/// What is counted of a thing.
#[derive(Clone, Copy)]
pub struct Thing {
    pub stratum: u32,
    /// In how many bins and whole columns it was touched.
    pub touched: u32,
    votes: u8,
}

impl Thing {
    pub fn new(stratum: u32) -> Thing {
        Thing { stratum, touched: 0, votes: 0 }
    }

    /// One more sign that the thing belongs to a stratum; the stratum with more than half of the signs wins,
    /// and of several with fewer one of them (Boyer and Moore's vote).
    fn belongs(&mut self, stratum: u32) {
        match self.votes {
            _ if self.stratum == stratum => self.votes = self.votes.saturating_add(1),
            0 => (self.stratum, self.votes) = (stratum, 1),
            _ => self.votes -= 1,
        }
    }
}

/// A touch of a thing that is known by its key, until it is counted.
#[derive(Clone, Copy)]
pub struct Waiting {
    pub key: Print,
    pub column: u32,
    /// Where the thing belongs if it is new.
    pub stratum: u32,
    /// Whether the touch is a sign that the thing belongs there, new or not.
    pub sign: bool,
    pub mark: u8,
    /// What tells days of a bin apart.
    pub day: u8,
}

/// Things with their pairs.
#[derive(Default)]
pub struct Block {
    pub things: Vec<Thing>,
    pub pairs: Pairs,
}

/// Some of the things.
#[derive(Default)]
pub struct Shard {
    number: u32,
    keys: Prints,
    blocks: Vec<Block>,
    pub waiting: Vec<Waiting>,
}

/// The shards, in order.
pub fn shards() -> Vec<Shard> {
    (0..SHARDS as u32).map(|number| Shard { number, ..Shard::default() }).collect()
}

/// The shard of a key.
pub fn shard_of(key: Print) -> usize {
    key.low() as usize % SHARDS
}

/// Where a thing lies: its shard, the block within that, the place within that.
pub fn place_of(thing: u32) -> (usize, usize, usize) {
    let block = (thing >> BLOCK) as usize;
    (block % SHARDS, block / SHARDS, thing as u16 as usize)
}

impl Shard {
    /// The thing with that number in the shard.
    fn thing(&self, number: u32) -> u32 {
        ((number >> BLOCK) * SHARDS as u32 + self.number) << BLOCK | u32::from(number as u16)
    }

    /// The thing of a key, if the key was counted.
    pub fn find(&self, key: Print) -> Option<u32> {
        self.keys.find(key).map(|n| self.thing(n))
    }

    /// The keys with their things.
    pub fn keys(&self) -> impl Iterator<Item = (Print, u32)> {
        self.keys.all().map(|(key, n)| (key, self.thing(n)))
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|b| b.things.len()).sum()
    }

    /// A block, made if it is not there yet.
    pub fn block(&mut self, at: usize) -> &mut Block {
        if at >= self.blocks.len() {
            self.blocks.resize_with(at + 1, Block::default);
        }
        &mut self.blocks[at]
    }

    /// The blocks with the things they begin with.
    pub fn blocks(&mut self) -> impl Iterator<Item = (u32, &mut Block)> {
        let block = |at: usize| (at * SHARDS) as u32 + self.number;
        let first: Vec<u32> = (0..self.blocks.len()).map(|at| block(at) << BLOCK).collect();
        first.into_iter().zip(&mut self.blocks)
    }

    /// What is known of its things.
    pub fn things(&self) -> impl Iterator<Item = &Thing> {
        self.blocks.iter().flat_map(|b| &b.things)
    }

    pub fn get(&self, block: usize, place: usize) -> Thing {
        self.blocks[block].things[place]
    }

    /// Counts what waits.
    pub fn take_in(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for some in waiting.chunks(NEAR) {
            self.keys.near(some.iter().map(|w| w.key));
            for w in some {
                let known = self.keys.number(w.key);
                let place = known.number as u16;
                let block = self.block((known.number >> BLOCK) as usize);
                if known.new {
                    block.things.push(Thing::new(w.stratum));
                }
                if w.sign {
                    block.things[place as usize].belongs(w.stratum);
                }
                block.pairs.push(w.column, place, w.mark, w.day);
            }
        }
        // Its room is used again.
        waiting.clear();
        self.waiting = waiting;
    }

    /// Ends a bin; `each` hears the first touch of every pair, and says whether it counts for the thing.
    pub fn end_bin(&mut self, bin: u8, room: &mut Room, mut each: impl FnMut(First) -> bool) {
        for Block { things, pairs } in &mut self.blocks {
            pairs.end_bin(bin, room, |first| things[first.thing as usize].touched += u32::from(each(first)));
        }
    }

    pub fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        self.keys.write(out)?;
        out.number(self.blocks.len() as u64)?;
        for block in &self.blocks {
            out.number(block.things.len() as u64)?;
            for t in &block.things {
                out.number(u64::from(t.stratum))?;
                out.number(u64::from(t.touched))?;
                out.number(u64::from(t.votes))?;
            }
            block.pairs.write(out)?;
        }
        Ok(())
    }

    /// Reads what was written.
    pub fn read(number: u32, from: &mut In) -> Option<Shard> {
        let mut shard = Shard { number, keys: Prints::read(from)?, ..Shard::default() };
        for _ in 0..from.number()? {
            let mut block = Block::default();
            let things: usize = from.small().filter(|n| *n <= 1 << BLOCK)?;
            block.things.reserve_exact(things);
            for _ in 0..things {
                let (stratum, touched, votes) = (from.small()?, from.small()?, from.small()?);
                block.things.push(Thing { stratum, touched, votes });
            }
            block.pairs = Pairs::read(from)?;
            shard.blocks.push(block);
        }
        (shard.len() == shard.keys.len() as usize).then_some(shard)
    }
}
