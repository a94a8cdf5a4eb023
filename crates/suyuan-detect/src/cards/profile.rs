//! How a card was used in the last weeks: counts by day in two blocks, and the measures taken of them.
//!
//! A block is `half` days long; the profile is the block under way and the one before, so the last `half` to 2 × `half` days.
//! Counts are whole numbers, so what is shown ("41 of 45") is what was counted.

use super::usual::{NONE, rate_bin, share_bin};

/// What is counted.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    pub days: u32,
    pub out: u32,
    pub inn: u32,
    pub short: u32,
    pub peers: u32,
    pub new: u32,
    pub otp: u32,
    pub ticks: u32,
    pub same_cell: u32,
    pub far: u32,
}

impl Counts {
    fn plus(&self, o: &Counts) -> Counts {
        Counts {
            days: self.days + o.days,
            out: self.out.saturating_add(o.out),
            inn: self.inn.saturating_add(o.inn),
            short: self.short.saturating_add(o.short),
            peers: self.peers.saturating_add(o.peers),
            new: self.new.saturating_add(o.new),
            otp: self.otp.saturating_add(o.otp),
            ticks: self.ticks + o.ticks,
            same_cell: self.same_cell + o.same_cell,
            far: self.far + o.far,
        }
    }
}

/// A measure of a profile.
pub(crate) struct Measure {
    /// In words, both languages.
    pub what: (&'static str, &'static str),
    /// Whether little of it is what is odd.
    pub low: bool,
    /// Part, whole and the least whole that says something.
    pub of: fn(&Counts) -> (u32, u32, u32),
    /// Whether it is a share (or else a count a day).
    pub share: bool,
}

/// How many measures there are.
pub(crate) const MEASURES: usize = 9;

/// In the order in which they are shown when they weigh the same.
pub(crate) static ALL: [Measure; MEASURES] = [
    Measure {
        what: ("calls of 3 s or less, of outgoing calls", "3秒以内短呼占主叫"),
        low: false,
        of: |c| (c.short, c.out, 5),
        share: true,
    },
    Measure {
        what: ("peers that are new cards, of all peers", "新开卡对端占全部对端"),
        low: false,
        of: |c| (c.new, c.peers, 5),
        share: true,
    },
    Measure {
        what: ("incoming calls, of all calls", "被叫占全部通话"),
        low: true,
        of: |c| (c.inn, c.inn.saturating_add(c.out), 10),
        share: true,
    },
    Measure {
        what: ("different peers a day, by calls", "日对端数与通话次数之比"),
        low: false,
        of: |c| (c.peers, c.inn.saturating_add(c.out), 20),
        share: true,
    },
    Measure {
        what: ("outgoing calls a day", "日均主叫次数"),
        low: false,
        of: |c| (c.out, c.days, 3),
        share: false,
    },
    Measure {
        what: ("senders of one-time codes a day", "日均验证码来源数"),
        low: false,
        of: |c| (c.otp, c.days, 3),
        share: false,
    },
    Measure {
        what: ("days with the same small data volume as the day before", "流量与前一日相同且很小的天数"),
        low: false,
        of: |c| (c.ticks, c.days, 4),
        share: true,
    },
    Measure {
        what: ("days in the same cell as the day before", "与前一日同一基站的天数"),
        low: false,
        of: |c| (c.same_cell, c.days, 4),
        share: true,
    },
    Measure {
        what: ("days in another province than the opening", "在开卡地以外省份使用的天数"),
        low: false,
        of: |c| (c.far, c.days, 3),
        share: true,
    },
];

impl Measure {
    /// The bin of a profile; [`NONE`] where there is too little to say.
    pub fn bin(&self, c: &Counts) -> u8 {
        let (part, whole, least) = (self.of)(c);
        match (whole >= least, self.share) {
            (false, _) => NONE,
            (true, true) => share_bin(part, whole),
            (true, false) => rate_bin(part, whole),
        }
    }
    /// The value as people read it.
    pub fn value(&self, c: &Counts) -> String {
        let (part, whole, _) = (self.of)(c);
        if self.share {
            format!("{part} / {whole}")
        } else {
            format!("{:.1}", f64::from(part) / f64::from(whole.max(1)))
        }
    }
    /// The lower end of a bin as people read it.
    pub fn shown(&self, bin: u8) -> String {
        if self.share {
            return format!("{} %", u32::from(bin) * 4);
        }
        let (octave, half) = (u32::from(bin.saturating_sub(1)) / 2, bin > 0 && (bin - 1) % 2 == 1);
        let quarters =
            if bin == 0 { 0.0 } else { f64::from(1u32 << octave.min(30)) * if half { 1.5 } else { 1.0 } };
        format!("{:.1}", quarters / 4.0)
    }
}

/// The two blocks.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Profile {
    block: i32,
    now: Counts,
    before: Counts,
}

impl Profile {
    /// The counts of a day, to be added to.
    pub fn at(&mut self, day: i32, half: i32) -> &mut Counts {
        let block = day.div_euclid(half.max(1));
        match block - self.block {
            0 => {}
            1 => (self.before, self.now) = (self.now, Counts::default()),
            _ => (self.before, self.now) = (Counts::default(), Counts::default()),
        }
        self.block = block;
        &mut self.now
    }
    /// Both blocks.
    pub fn sum(&self) -> Counts {
        self.now.plus(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_follow_and_are_forgotten() {
        let mut p = Profile::default();
        p.at(100, 15).out += 3;
        p.at(106, 15).out += 4;
        assert_eq!(p.sum().out, 7);
        p.at(121, 15).out += 1;
        assert_eq!(p.sum().out, 5);
        p.at(300, 15);
        assert_eq!(p.sum().out, 0);
    }

    #[test]
    fn bins_are_shown_by_their_lower_end() {
        let m = &ALL[4];
        let c = Counts { days: 4, out: 24, ..Counts::default() };
        assert_eq!((m.value(&c), m.shown(m.bin(&c))), ("6.0".to_owned(), "6.0".to_owned()));
        let c = Counts { out: 45, short: 41, ..Counts::default() };
        assert_eq!(
            (ALL[0].value(&c), ALL[0].shown(ALL[0].bin(&c))),
            ("41 / 45".to_owned(), "88 %".to_owned())
        );
    }
}
