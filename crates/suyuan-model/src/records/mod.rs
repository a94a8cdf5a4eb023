//! The record kinds: one file each, one line each in the list below.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares one record kind: its spec, its column view and its row type.
///
/// `Columns` borrows a batch and reads single values; `row(i)` reads a whole row. A field's view
/// type is a column of [`crate::columns`]; its field type is a variant of [`crate::FieldType`].
macro_rules! record {
    (
        $(#[$doc:meta])*
        $row:ident / $cols:ident = $name:literal $zh:literal, $stage:ident;
        en $en_doc:literal; zh $zh_doc:literal;
        $([any_of $any:expr])?
        $([ts_from $ts:literal])?
        $( $field:ident : $view:ident, $ty:expr, $need:ident, $en:literal, $fzh:literal; )+
    ) => {
        /// The declaration of the kind.
        pub static SPEC: $crate::KindSpec = $crate::KindSpec {
            name: $name,
            zh: $zh,
            en_doc: $en_doc,
            zh_doc: $zh_doc,
            stage: $crate::Stage::$stage,
            fields: &[ $( $crate::FieldSpec {
                name: record!(@name $field),
                ty: $ty,
                required: record!(@required $need),
                en: $en,
                zh: $fzh,
            } ),+ ],
            any_of: record!(@or &[] $(, $any)?),
            ts_from: record!(@some $($ts)?),
        };

        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs)] // the fields' lines stand in SPEC, where the manual reads them
        pub struct $row<'a> {
            pub ts: i64,
            $( pub $field: record!(@value $need $view) ),+
        }

        /// The kind's columns in one batch of the lake.
        #[derive(Clone, Copy)]
        #[allow(missing_docs)]
        pub struct $cols<'a> {
            pub key: $crate::columns::Key<'a>,
            $( pub $field: $crate::columns::$view<'a> ),+
        }

        impl<'a> $cols<'a> {
            /// Binds the columns of a batch of this kind.
            pub fn bind(batch: &'a arrow_array::RecordBatch) -> Self {
                use $crate::columns::Column;
                Self {
                    key: $crate::columns::Key::bind(batch),
                    $( $field: $crate::columns::$view::bind(batch, record!(@name $field)) ),+
                }
            }

            /// Row `i`; `None` where the projection lacks a required column.
            pub fn row(&self, i: usize) -> Option<$row<'a>> {
                use $crate::columns::Column;
                Some($row {
                    ts: self.key.ts(i),
                    $( $field: record!(@get $need self.$field.get(i)) ),+
                })
            }
        }
    };
    (@name r#where) => { "where" };
    (@name $field:ident) => { stringify!($field) };
    (@required required) => { true };
    (@required optional) => { false };
    (@value required $view:ident) => { <$crate::columns::$view<'a> as $crate::columns::Column<'a>>::Value };
    (@value optional $view:ident) => { Option<<$crate::columns::$view<'a> as $crate::columns::Column<'a>>::Value> };
    (@get required $e:expr) => { $e? };
    (@get optional $e:expr) => { $e };
    (@or $a:expr) => { $a };
    (@or $a:expr, $b:expr) => { $b };
    (@some) => { None };
    (@some $a:expr) => { Some($a) };
}

macro_rules! kinds {
    ($( $kind:ident $module:ident; )+) => {
        $( pub use $module::{$kind}; )+
        /// The record kinds, in the order of the chain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Kind { $(
            #[doc = concat!("See [`", stringify!($module), "`].")]
            $kind
        ),+ }
        impl Kind {
            /// All kinds, in order.
            pub const ALL: &[Kind] = &[ $( Kind::$kind ),+ ];
            /// The kind's declaration.
            pub fn spec(self) -> &'static crate::KindSpec {
                match self { $( Kind::$kind => &$module::SPEC ),+ }
            }
        }
    };
}

pub mod access;
pub mod account_change;
pub mod capture;
pub mod card_change;
pub mod commission;
pub mod complaint;
pub mod dealing;
pub mod fraud_report;
pub mod login;
pub mod opening;
pub mod outlet;
pub mod party;
pub mod reverification;
pub mod sighting;
pub mod staff;
pub mod stock_move;
pub mod terminal;
pub mod usage;
pub mod work_order;

kinds! {
    Staff staff;
    Outlet outlet;
    Terminal terminal;
    WorkOrder work_order;
    Party party;
    Login login;
    AccountChange account_change;
    Access access;
    Capture capture;
    Sighting sighting;
    StockMove stock_move;
    Dealing dealing;
    Opening opening;
    CardChange card_change;
    Commission commission;
    Usage usage;
    FraudReport fraud_report;
    Reverification reverification;
    Complaint complaint;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_registered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/records");
        let files = std::fs::read_dir(dir).unwrap().count();
        assert_eq!(files, Kind::ALL.len() + 1, "a record kind's file is not in the list");
    }

    #[test]
    fn declarations_are_whole() {
        for kind in Kind::ALL {
            let spec = kind.spec();
            assert_eq!(serde_json::to_value(kind).unwrap(), spec.name);
            let mut names: Vec<_> = spec.fields.iter().map(|f| f.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), spec.fields.len(), "{}: a field twice", spec.name);
            for group in spec.any_of {
                assert!(group.iter().all(|f| spec.field(f).is_some()), "{}: any_of", spec.name);
            }
            assert!(spec.ts_from.is_none_or(|f| spec.field(f).is_some()));
            for f in spec.fields {
                assert!(!f.en.is_empty() && !f.zh.is_empty(), "{}.{}", spec.name, f.name);
            }
            assert_eq!(kind.schema().field(0).name(), "ts");
        }
    }
}
