//! One record of a source, its texts addressed by slot.

use csv::StringRecord;

/// The texts of one record; slot `n` is the plan's `n`-th column or path.
#[derive(Clone, Copy)]
pub(crate) enum Cells<'a> {
    /// A CSV record: slot to cell.
    Csv(&'a StringRecord, &'a [Option<usize>]),
    /// Texts lifted out of JSON or a table: slot to range.
    Lifted(&'a Lifted),
}

/// Texts lifted into one buffer.
#[derive(Default)]
pub(crate) struct Lifted {
    pub text: String,
    pub slots: Vec<Option<(u32, u32)>>,
}

impl Lifted {
    /// Empties it for the next record.
    pub fn clear(&mut self, slots: usize) {
        self.text.clear();
        self.slots.clear();
        self.slots.resize(slots, None);
    }

    /// Sets a slot to what `write` appends; the first writer wins.
    pub fn set(&mut self, slot: usize, write: impl FnOnce(&mut String)) {
        if self.slots[slot].is_some() {
            return;
        }
        let start = self.text.len() as u32;
        write(&mut self.text);
        self.slots[slot] = Some((start, self.text.len() as u32));
    }
}

impl<'a> Cells<'a> {
    /// The text in that slot, trimmed; `None` where the source says nothing.
    pub fn get(&self, slot: usize) -> Option<&'a str> {
        let raw = match self {
            Self::Csv(record, columns) => record.get((*columns.get(slot)?)?)?,
            Self::Lifted(lifted) => {
                let (start, end) = (*lifted.slots.get(slot)?)?;
                &lifted.text[start as usize..end as usize]
            }
        };
        present(raw)
    }
}

/// The trimmed text; `None` for what sources write where they know nothing.
pub(crate) fn present(raw: &str) -> Option<&str> {
    let text = raw.trim();
    match text.as_bytes() {
        // What spreadsheets write to keep a number a text: ="0123" and '0123.
        [b'=', b'"', .., b'"'] if text.len() > 3 => return present(&text[2..text.len() - 1]),
        [b'\'', b'0'..=b'9', ..] => return present(&text[1..]),
        _ => {}
    }
    match text {
        "" | "-" | "\\N" | "NULL" | "null" => None,
        text => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::present;
    #[test]
    fn nothing_is_absent() {
        for nothing in ["", " ", "NULL", "\\N", "-", "\t-\u{3000}"] {
            assert_eq!(present(nothing), None, "{nothing:?}");
        }
        assert_eq!(present("\t330681 "), Some("330681"));
        assert_eq!(present("--"), Some("--"));
        assert_eq!(present("=\"0330681\""), Some("0330681"));
        assert_eq!(present("'0330681"), Some("0330681"));
    }
}
