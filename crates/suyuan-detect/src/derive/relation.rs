//! How the person looked at is related to whoever looks: oneself, a colleague, the same household, the same surname.
//!
//! Colleagues are the holders of accounts by the staff list. A household is one address: the latest that openings name for the holder
//! and for the person. Surnames are compared as tokens, where both were written as names.
//! Invariant: only addresses of earlier openings are known.
//! Blind to: relatives who live elsewhere; watch lists of prominent persons, which are not in the records.

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "relation",
    what: (
        "how the person looked at is related to whoever looks",
        "被查询人与查询人的关系（本人、同事、同址、同姓）",
    ),
    on: &[Kind::Access],
    observes: &[Kind::Opening],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Relation {
            account: b.slot(Kind::Access, "account"),
            subject: b.slot(Kind::Access, "subject"),
            surname: b.slot(Kind::Access, "subject_surname"),
            o_subject: b.slot(Kind::Opening, "subject"),
            o_address: b.slot(Kind::Opening, "address"),
            address: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("is_self", Ty::Bool, "the account's own holder", "即工号持有人本人"),
        def("is_colleague", Ty::Bool, "another account's holder", "系同事"),
        def("same_outlet", Ty::Bool, "a colleague of the same outlet", "系同一网点同事"),
        def("same_address", Ty::Bool, "lives at the holder's address", "与持有人同一住址"),
        def("same_surname", Ty::Bool, "bears the holder's surname", "与持有人同姓"),
    ]
}

struct Relation {
    account: Slot,
    subject: Slot,
    surname: Slot,
    o_subject: Slot,
    o_address: Slot,
    /// Per person: the latest address.
    address: Table<Key>,
}

saved!(Relation, tables: [address]);

impl Operator for Relation {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Access {
            return;
        }
        let Some((account, subject)) = row.key(self.account).zip(row.key(self.subject)) else { return };
        let Some(staff) = refs.staff.at(account, row.ts) else { return };
        let own = staff.holder == Some(subject);
        out[0] = Val::Bool(own);
        let colleague = refs.holders.get(&subject).filter(|_| !own);
        out[1] = Val::Bool(colleague.is_some());
        out[2] = Val::Bool(colleague.is_some_and(|o| o.contains(&Key::of(&staff.outlet))));
        let home = |person: Option<Key>| person.and_then(|p| self.address.get(&p));
        out[3] = home(staff.holder).zip(home(Some(subject))).map(|(a, b)| a == b && !own).into();
        out[4] = staff.surname.zip(row.key(self.surname)).map(|(a, b)| a == b && !own).into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if let Some((s, a)) = row.key(self.o_subject).zip(row.key(self.o_address)) {
            self.address.insert(s, a);
        }
    }
    // People keep their address until they name another one.
    fn expire(&mut self, _: i64) {}
}
