//! The releases of CPython that the table is about, as settings of a heap.

use crate::config::{HeapConfig, Trigger, WeakOrder};
use crate::control::Thresholds;

/// A release with a collector of three generations. (3.14.0 to 3.14.4 had another, incremental one.)
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Release {
    /// 3.11: collections run inside the allocation that makes them due.
    Python311,
    /// 3.12: they run after it.
    Python312,
    /// 3.13: the first threshold is 2,000.
    Python313,
    /// 3.14.5 and later: the same for a heap whose dicts are tracked from birth.
    Python314,
    /// 3.15: weak references without a callback are cleared after finalizers.
    Python315,
}

impl Release {
    /// All of them, oldest first.
    pub const ALL: [Release; 5] = [Self::Python311, Self::Python312, Self::Python313, Self::Python314, Self::Python315];

    /// As in `3.11`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python311 => "3.11",
            Self::Python312 => "3.12",
            Self::Python313 => "3.13",
            Self::Python314 => "3.14",
            Self::Python315 => "3.15",
        }
    }

    /// Whether the row was confirmed on a running interpreter. Otherwise it is by reading.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Python311 | Self::Python312 | Self::Python313)
    }

    /// The switches of this release; all other settings stay.
    pub fn configured(self, config: HeapConfig) -> HeapConfig {
        HeapConfig {
            trigger: if self == Self::Python311 { Trigger::Inside } else { Trigger::After },
            thresholds: match self {
                Self::Python311 | Self::Python312 => Thresholds::CPYTHON_3_12,
                _ => Thresholds::CPYTHON_3_13,
            },
            weak_order: match self {
                Self::Python315 => WeakOrder::PlainAfterFinalizers,
                _ => WeakOrder::BeforeFinalizers,
            },
            ..config
        }
    }
}
