//! What the card was sold as: a data or machine card, a family plan, a firm's card, a card delivered to the door.
//!
//! Read off the tariff and the channel of the opening by words; a firm's card is one opened under a group contract. The words are
//! those that Chinese carriers put into the names of tariffs.
//! Blind to: tariffs whose name says nothing.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const DATA: &[&str] = &["物联", "流量", "数据", "手表", "设备", "IoT", "M2M", "iot"];
const FAMILY: &[&str] = &["家庭", "亲情", "副卡", "融合", "family"];
const DELIVERY: &[&str] =
    &["配送", "快递", "上门", "线上", "网上", "online", "delivery", "courier", "express"];

pub(crate) static SPEC: Spec = Spec {
    name: "card_sold_as",
    what: (
        "what the card was sold as: data card, family plan, firm's card, delivered card",
        "该卡的销售性质：流量卡、家庭套餐、集团卡或配送卡",
    ),
    reads: &[Kind::Opening, Kind::WorkOrder],
    params: &[ParamDef {
        name: "of",
        ty: ParamTy::Word(&["data", "family", "firm", "delivery"]),
        default: "data",
    }],
    build: |p, b| {
        Box::new(Sold {
            card: b.slot(Kind::Opening, "card"),
            plan: b.slot(Kind::Opening, "plan"),
            channel: b.slot(Kind::Opening, "channel"),
            order: b.slot(Kind::Opening, "order"),
            u_card: b.slot(Kind::Usage, "card"),
            c_card: b.slot(Kind::CardChange, "card"),
            w_order: b.slot(Kind::WorkOrder, "order"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            of: p.get("of").to_owned(),
            contracts: KeySet::default(),
            sold: KeyMap::default(),
            tally: Tally::default(),
            explained: BTreeMap::new(),
        })
    },
};

struct Sold {
    card: Slot,
    plan: Slot,
    channel: Slot,
    order: Slot,
    u_card: Slot,
    c_card: Slot,
    w_order: Slot,
    w_kind: Slot,
    of: String,
    contracts: KeySet,
    /// Per card: whether it was sold as that.
    sold: KeyMap<bool>,
    tally: Tally,
    /// Per finding: rows of cards sold as that.
    explained: BTreeMap<usize, Vec<Key>>,
}

impl Sold {
    fn is(&self, row: &Row<'_>) -> bool {
        let says = |slot, words: &[&str]| row.text(slot).is_some_and(|t| words.iter().any(|w| t.contains(w)));
        match self.of.as_str() {
            "family" => says(self.plan, FAMILY),
            "delivery" => says(self.channel, DELIVERY),
            "firm" => row.key(self.order).is_some_and(|o| self.contracts.contains(&o)),
            _ => says(self.plan, DATA),
        }
    }
    fn told(&mut self, finding: usize, row: &Row<'_>, sold: bool) {
        self.tally.row(finding, sold);
        if sold {
            self.explained.entry(finding).or_default().push(row.identity());
        }
    }
    fn words(&self) -> (&'static str, &'static str) {
        match self.of.as_str() {
            "family" => ("were sold in a family plan", "张为家庭类套餐"),
            "delivery" => ("were sold to be delivered", "张为配送办理"),
            "firm" => ("were opened under a group contract", "张在集团合同下开通"),
            _ => ("were sold as data or machine cards", "张为流量或物联类卡"),
        }
    }
}

impl Check for Sold {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        let card: Option<Key> = match row.kind() {
            Kind::Opening => return self.told(n, row, self.is(row)),
            Kind::Usage => row.key(self.u_card),
            Kind::CardChange => row.key(self.c_card),
            _ => None,
        };
        if let Some(sold) = card.and_then(|c| self.sold.get(&c)).copied() {
            self.told(n, row, sold);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::WorkOrder if row.text(self.w_kind) == Some("group_contract") => {
                if let Some(o) = row.key(self.w_order) {
                    self.contracts.insert(o);
                }
            }
            Kind::Opening => {
                let is = self.is(row);
                if let Some(c) = row.key(self.card) {
                    self.sold.insert(c, is);
                }
            }
            _ => {}
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn rows_explained(&self, n: usize) -> Vec<Key> {
        self.explained.get(&n).cloned().unwrap_or_default()
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(n, ("rows of cards whose opening is known", "条开卡可查的记录"), self.words())
    }
}
