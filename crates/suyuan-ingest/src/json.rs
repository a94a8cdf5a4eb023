//! Lifting the wanted texts out of a JSON record without building it.
//!
//! A path is `a.b[0].c`; `[*]` takes the first element that has it. A key that holds the whole path
//! with its dots (flattened exports) is taken as well. An array of plain values reads as its values
//! joined by `;`; an object reads as absent.

use std::fmt::Write as _;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::cells::Lifted;

/// The wanted paths.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    nodes: Vec<Node>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    slot: Option<usize>,
    keys: Vec<(String, usize)>,
    index: Vec<(usize, usize)>,
    any: Option<usize>,
}

impl Paths {
    /// Paths to slots by their place in the list.
    pub fn new<S: AsRef<str>>(paths: &[S]) -> Self {
        let mut out = Self { nodes: vec![Node::default()], slots: paths.len() };
        for (slot, path) in paths.iter().enumerate() {
            let path = path.as_ref();
            out.insert(slot, path);
            if path.contains(['.', '[']) {
                let at = out.child(0, path);
                out.nodes[at].slot.get_or_insert(slot);
            }
        }
        for at in 0..out.nodes.len() {
            if let Some(any) = out.nodes[at].any {
                for (_, one) in out.nodes[at].index.clone() {
                    out.merge(any, one);
                }
            }
        }
        out
    }

    /// What is wanted of any element is wanted of a numbered one as well.
    fn merge(&mut self, any: usize, one: usize) {
        self.nodes[one].slot = self.nodes[one].slot.or(self.nodes[any].slot);
        for (key, from) in self.nodes[any].keys.clone() {
            let to = self.child(one, &key);
            self.merge(from, to);
        }
    }

    fn child(&mut self, at: usize, key: &str) -> usize {
        if let Some((_, n)) = self.nodes[at].keys.iter().find(|(k, _)| k == key) {
            return *n;
        }
        let n = self.add();
        self.nodes[at].keys.push((key.to_owned(), n));
        n
    }

    fn add(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn insert(&mut self, slot: usize, path: &str) {
        let mut at = 0;
        for step in path.split('.') {
            let (key, mut rest) = step.split_at(step.find('[').unwrap_or(step.len()));
            if !key.is_empty() {
                at = self.child(at, key);
            }
            while let Some((inside, left)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
                rest = left;
                at = match inside.parse::<usize>() {
                    Ok(n) => match self.nodes[at].index.iter().find(|(i, _)| *i == n) {
                        Some((_, next)) => *next,
                        None => {
                            let next = self.add();
                            self.nodes[at].index.push((n, next));
                            next
                        }
                    },
                    Err(_) => match self.nodes[at].any {
                        Some(next) => next,
                        None => {
                            let next = self.add();
                            self.nodes[at].any = Some(next);
                            next
                        }
                    },
                };
            }
        }
        self.nodes[at].slot.get_or_insert(slot);
    }

    /// Lifts the texts of one record; `unknown` gets the top-level keys that no path begins with.
    pub fn lift(
        &self,
        record: &[u8],
        lifted: &mut Lifted,
        unknown: &mut dyn FnMut(&str),
    ) -> Result<(), serde_json::Error> {
        lifted.clear(self.slots);
        let mut json = serde_json::Deserializer::from_slice(record);
        At { paths: self, node: 0, top: true, lifted, unknown }.deserialize(&mut json)?;
        json.end()
    }
}

struct At<'p, 'l> {
    paths: &'p Paths,
    node: usize,
    top: bool,
    lifted: &'l mut Lifted,
    unknown: &'l mut dyn FnMut(&str),
}

impl At<'_, '_> {
    fn node(&self) -> &Node {
        &self.paths.nodes[self.node]
    }
    fn put(self, write: impl FnOnce(&mut String)) {
        if let Some(slot) = self.node().slot {
            self.lifted.set(slot, write);
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        match self.top {
            true => d.deserialize_map(self),
            false => d.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of fields")
    }
    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.put(|t| t.push_str(v));
        Ok(())
    }
    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.put(|t| t.push_str(if v { "true" } else { "false" }));
        Ok(())
    }
    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.put(|t| write!(t, "{v}").unwrap_or(()));
        Ok(())
    }
    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.put(|t| write!(t, "{v}").unwrap_or(()));
        Ok(())
    }
    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.put(|t| write!(t, "{v}").unwrap_or(()));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { paths, node, top, lifted, unknown } = self;
        loop {
            let seed = Key { node: &paths.nodes[node], top, unknown: &mut *unknown };
            match map.next_key_seed(seed)? {
                None => return Ok(()),
                Some(Some(next)) => map.next_value_seed(At {
                    paths,
                    node: next,
                    top: false,
                    lifted: &mut *lifted,
                    unknown: &mut *unknown,
                })?,
                Some(None) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { paths, node, lifted, unknown, .. } = self;
        let here = &paths.nodes[node];
        if here.index.is_empty() && here.any.is_none() {
            let Some(slot) = here.slot else {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            };
            let mut joined = String::new();
            while seq.next_element_seed(Plain(&mut joined))?.is_some() {}
            if !joined.is_empty() {
                lifted.set(slot, |t| t.push_str(&joined));
            }
            return Ok(());
        }
        for n in 0.. {
            let next = here.index.iter().find(|(i, _)| *i == n).map(|(_, next)| *next).or(here.any);
            let more = match next {
                Some(node) => seq
                    .next_element_seed(At {
                        paths,
                        node,
                        top: false,
                        lifted: &mut *lifted,
                        unknown: &mut *unknown,
                    })?
                    .is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

struct Key<'p, 'l> {
    node: &'p Node,
    top: bool,
    unknown: &'l mut dyn FnMut(&str),
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Option<usize>, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        let found = self.node.keys.iter().find(|(k, _)| k == key).map(|(_, n)| *n);
        if found.is_none() && self.top {
            (self.unknown)(key);
        }
        Ok(found)
    }
}

/// Appends a plain value to a list joined by `;`; anything else is passed over.
struct Plain<'l>(&'l mut String);

impl Plain<'_> {
    fn put(self, value: std::fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.write_fmt(value).unwrap_or(());
    }
}

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a plain value")
    }
    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.put(format_args!("{v}"));
        Ok(())
    }
    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.put(format_args!("{v}"));
        Ok(())
    }
    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.put(format_args!("{v}"));
        Ok(())
    }
    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.put(format_args!("{v}"));
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Cells;

    #[test]
    fn paths_lift_their_texts() {
        let paths = Paths::new(&["a.b", "list[1].x", "list[*].y", "n", "tags", "flat.key", "gone"]);
        let record = br#"{"a":{"b":"arn","c":1},"list":[{"x":1},{"x":2.5,"y":"why"},{"y":"late"}],
            "n":null,"tags":["p","q",3],"flat.key":true,"odd":{}}"#;
        let mut lifted = Lifted::default();
        let mut odd = Vec::new();
        paths.lift(record, &mut lifted, &mut |k| odd.push(k.to_owned())).unwrap();
        let got: Vec<_> = (0..7).map(|n| Cells::Lifted(&lifted).get(n).map(str::to_owned)).collect();
        let want = [Some("arn"), Some("2.5"), Some("why"), None, Some("p;q;3"), Some("true"), None];
        assert_eq!(got, want.map(|w| w.map(str::to_owned)));
        assert_eq!(odd, ["odd"]);
        assert!(paths.lift(b"[1]", &mut lifted, &mut |_| ()).is_err());
        assert!(paths.lift(b"{\"a\":", &mut lifted, &mut |_| ()).is_err());
        assert!(paths.lift(b"{} x", &mut lifted, &mut |_| ()).is_err());
    }
}
