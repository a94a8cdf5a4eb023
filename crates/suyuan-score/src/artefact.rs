//! The model as one file.
//!
//! ```text
//! suyuan-score 2\n       format and version
//! {...}\n                the head: one line of JSON that people can read with `head -2`
//! ...                    little-endian: calibration, cuts, shapes, boosters, digests of labelled ids and rows,
//!                        calibration of the trees, curves
//! 32 bytes               SHA-256 of everything before
//! ```
//!
//! Version 1 has no curves. It is read, and written back as version 1, so that an old score can be had again.
//!
//! [`Model::hash`] is the SHA-256 of the whole file, so `sha256sum MODEL` gives the hash that scores carry.
//! Ids of training rows are kept as eight bytes of their SHA-256: enough to know a neighbour again. Where
//! ids are guessable they can be tried; keep the file as you keep the table.

use sha2::{Digest, Sha256};

use crate::bins::Bins;
use crate::blend::Blend;
use crate::boost::Booster;
use crate::calibrate::Platt;
use crate::curves::{Curve, Curves};
use crate::drift::Shape;
use crate::error::{DAMAGED, MALFORMED, NEWER, NOT_A_MODEL, ScoreError};
use crate::model::{Head, Model, hex};
use crate::places::Places;
use crate::tree::{LEAF, Node, Tree};
use crate::unsupervised::Baseline;

const MAGIC: &[u8] = b"suyuan-score ";
const VERSION: &[u8] = b"2\n";
const WITHOUT_CURVES: &[u8] = b"1\n";

impl Model {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [MAGIC, if self.blend.is_some() { VERSION } else { WITHOUT_CURVES }].concat();
        out.extend(serde_json::to_vec(&self.head).expect("a head has only text keys and finite numbers"));
        out.push(b'\n');
        let mut w = Writer(out);
        w.platt(self.platt);
        w.list(&self.baseline.values, |w, c| w.list(c, |w, v| w.f64(*v)));
        w.list(&self.baseline.scores, |w, v| w.f64(*v));
        w.list(&self.bins.cuts, |w, c| w.list(c, |w, v| w.f64(*v)));
        w.list(&self.shapes, |w, s| {
            w.list(&s.edges, |w, v| w.f64(*v));
            w.list(&s.counts, |w, n| w.u64(*n));
        });
        w.list(&self.boosters, |w, b| {
            w.f64(b.base);
            w.list(&b.trees, |w, t| w.list(&t.nodes, Writer::node));
        });
        w.list(&self.known, |w, (d, l)| {
            w.u64(*d);
            w.0.push(u8::from(*l));
        });
        w.list(&self.fitted, |w, d| w.u64(*d));
        if let Some(blend) = &self.blend {
            w.platt(blend.trees);
            w.f64(blend.curves.base);
            w.list(&blend.curves.curves, Writer::curve);
        }
        let digest = Sha256::digest(&w.0);
        w.0.extend(digest);
        w.0
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.to_bytes()))
    }

    /// Reads a file back. Anything that is not exactly what [`Model::to_bytes`] writes is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ScoreError> {
        let wrong = |why| ScoreError::Artefact { why };
        let rest = bytes.strip_prefix(MAGIC).ok_or(wrong(NOT_A_MODEL))?;
        let (rest, curves) = match (rest.strip_prefix(VERSION), rest.strip_prefix(WITHOUT_CURVES)) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            _ => return Err(wrong(NEWER)),
        };
        let (_, digest) = bytes.split_last_chunk::<32>().ok_or(wrong(DAMAGED))?;
        let body = rest.len().checked_sub(32).map(|n| &rest[..n]).ok_or(wrong(DAMAGED))?;
        if Sha256::digest(&bytes[..bytes.len() - 32])[..] != digest[..] {
            return Err(wrong(DAMAGED));
        }
        let end = body.iter().position(|b| *b == b'\n').ok_or(wrong(MALFORMED))?;
        let head: Head = serde_json::from_slice(&body[..end]).map_err(|_| wrong(MALFORMED))?;
        read(head, &body[end + 1..], curves).ok_or(wrong(MALFORMED))
    }
}

fn read(head: Head, bytes: &[u8], curves: bool) -> Option<Model> {
    let mut r = Reader(bytes);
    let own = head.own().len();
    let width = if head.graph { crate::features::Seen::width(own) } else { own };
    let platt = r.platt()?;
    let (values, scores) = (r.list(|r| r.list(Reader::finite))?, r.list(Reader::finite)?);
    let baseline = Baseline { signals: head.signals.clone(), values, scores };
    let bins = Bins { cuts: r.list(|r| r.list(Reader::finite))? };
    let shapes = r.list(|r| Some(Shape { edges: r.list(Reader::finite)?, counts: r.list(Reader::u64)? }))?;
    let boosters = r.list(|r| {
        let base = r.finite()?;
        let trees = r.list(|r| {
            let nodes = r.list(Reader::node)?;
            sound(&nodes, width).then_some(Tree { nodes })
        })?;
        Some(Booster { base, trees })
    })?;
    let known = r.list(|r| Some((r.u64()?, r.byte()? == 1)))?;
    let fitted = r.list(Reader::u64)?;
    let blend = if curves { Some(r.blend()?) } else { None };
    let fits = baseline.values.len() == baseline.signals.len()
        && bins.cuts.len() == own
        && shapes.len() == own + 1
        && shapes.iter().all(|s| s.counts.len() == s.edges.len() + 2)
        && !boosters.is_empty()
        && blend.as_ref().is_none_or(|b| b.curves.curves.len() == own)
        && head.rows.fitted > 0
        && r.0.is_empty();
    fits.then_some(Model { head, baseline, bins, shapes, platt, boosters, blend, known, fitted })
}

/// Children stand after their parent and inside the list; features exist; nothing divides by zero.
fn sound(nodes: &[Node], width: usize) -> bool {
    let child = |i: usize, n: &Node| (n.left as usize) > i && (n.left as usize) + 1 < nodes.len();
    !nodes.is_empty()
        && nodes
            .iter()
            .enumerate()
            .all(|(i, n)| n.feature == LEAF || ((n.feature as usize) < width && child(i, n) && n.cover > 0.0))
}

struct Writer(Vec<u8>);

impl Writer {
    fn f64(&mut self, v: f64) {
        self.0.extend(v.to_le_bytes());
    }

    fn u64(&mut self, v: u64) {
        self.0.extend(v.to_le_bytes());
    }

    fn u32(&mut self, v: u32) {
        self.0.extend(v.to_le_bytes());
    }

    fn list<T>(&mut self, items: &[T], one: impl Fn(&mut Writer, &T)) {
        self.u32(items.len() as u32);
        items.iter().for_each(|i| one(self, i));
    }

    fn platt(&mut self, p: Platt) {
        self.f64(p.slope);
        self.f64(p.offset);
    }

    fn curve(&mut self, c: &Curve) {
        self.list(&c.places.points, |w, (value, place)| {
            w.f64(*value);
            w.f64(*place);
        });
        c.heights.iter().for_each(|h| self.f64(*h));
        self.f64(c.missing);
    }

    fn node(&mut self, n: &Node) {
        self.u32(n.feature);
        self.f64(n.value);
        self.u32(n.cover as u32);
        if n.feature != LEAF {
            self.f64(n.threshold);
            self.u32(n.left);
            self.0.push(u8::from(n.missing_left));
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|b| b[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn finite(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes).filter(|v| v.is_finite())
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let n = self.u32()? as usize;
        // Every item takes at least one byte: a length beyond the rest is a lie.
        if n > self.0.len() {
            return None;
        }
        (0..n).map(|_| one(self)).collect()
    }

    fn platt(&mut self) -> Option<Platt> {
        Some(Platt { slope: self.finite()?, offset: self.finite()? })
    }

    fn blend(&mut self) -> Option<Blend> {
        let (trees, base) = (self.platt()?, self.finite()?);
        Some(Blend { trees, curves: Curves { base, curves: self.list(Reader::curve)? } })
    }

    /// Values ascend, and places lie between 0 and 1: else a place could fall outside the knots.
    fn curve(&mut self) -> Option<Curve> {
        let points = self.list(|r| Some((r.finite()?, r.finite()?)))?;
        let ascend = points.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
        if !ascend || !points.iter().all(|p| (0.0..=1.0).contains(&p.1)) {
            return None;
        }
        let mut curve = Curve { places: Places { points }, ..Curve::default() };
        for h in &mut curve.heights {
            *h = self.finite()?;
        }
        curve.missing = self.finite()?;
        Some(curve)
    }

    fn node(&mut self) -> Option<Node> {
        let (feature, value, cover) = (self.u32()?, self.finite()?, f64::from(self.u32()?));
        let leaf = Node { feature, threshold: 0.0, missing_left: false, left: 0, value, cover };
        if feature == LEAF {
            return Some(leaf);
        }
        Some(Node { threshold: self.finite()?, left: self.u32()?, missing_left: self.byte()? == 1, ..leaf })
    }
}
