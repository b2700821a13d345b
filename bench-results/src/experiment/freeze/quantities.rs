//! What the tables show of a cell: each quantity's name, unit and source, ours and CPython's.

use super::anchors::Anchor;
use super::figures::Figures;
use crate::report::quantity::Unit;

/// One quantity.
pub(super) struct Quantity {
    /// Its name in CSV files.
    pub(super) key: &'static str,
    /// The head of its column.
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    of: fn(&Figures) -> Option<f64>,
    /// The same on CPython, where it was measured.
    anchor: fn(&Anchor) -> Option<f64>,
}

impl Quantity {
    pub(super) fn of(&self, figures: &Figures) -> Option<f64> {
        (self.of)(figures)
    }

    pub(super) fn of_anchor(&self, anchor: &Anchor) -> Option<f64> {
        (self.anchor)(anchor)
    }

    /// A figure as people read it.
    pub(super) fn show(&self, value: Option<f64>) -> String {
        match value {
            None => "n/a".to_owned(),
            // Memory that was given back.
            Some(value) if value < 0.0 => format!("-{}", self.unit.show(-value)),
            Some(value) => self.unit.show(value),
        }
    }
}

const MIB: f64 = 1_048_576.0;
const MS: f64 = 1e6;
const NONE: fn(&Anchor) -> Option<f64> = |_| None;

/// All of them, in the order of tables.
pub(super) const ALL: &[Quantity] = &[
    Quantity {
        key: "objects",
        title: "pages of objects",
        unit: Unit::Size,
        of: |figures| Some(figures.heap),
        anchor: NONE,
    },
    Quantity {
        key: "heap-tables",
        title: "lasting tables",
        unit: Unit::Size,
        of: |figures| Some(figures.heap_tables),
        anchor: NONE,
    },
    Quantity {
        key: "rss",
        title: "RSS of a worker",
        unit: Unit::Size,
        of: |figures| Some(figures.rss),
        anchor: |row| Some(row.rss_mib * MIB),
    },
    Quantity {
        key: "freeze-time",
        title: "collection and freeze",
        unit: Unit::Time,
        of: |figures| figures.freeze_ns,
        anchor: |row| Some(row.freeze_ms * MS),
    },
    Quantity {
        key: "served",
        title: "dirtied by requests",
        unit: Unit::Size,
        of: |figures| Some(figures.served),
        anchor: |row| Some(row.served_mib * MIB),
    },
    Quantity {
        key: "served-faults",
        title: "faults",
        unit: Unit::Count("faults"),
        of: |figures| figures.served_faults,
        anchor: |row| Some(row.served_faults),
    },
    Quantity {
        key: "served-share",
        title: "of the objects' pages (CPython: of RSS)",
        unit: Unit::Share,
        of: |figures| Some(figures.served_share()),
        anchor: |row| Some(row.served_share()),
    },
    Quantity {
        key: "first-collected",
        title: "dirtied by the first collection",
        unit: Unit::Size,
        of: |figures| Some(figures.first_collected),
        anchor: |row| Some(row.first_mib * MIB),
    },
    Quantity {
        key: "first-collected-faults",
        title: "faults  ",
        unit: Unit::Count("faults"),
        of: |figures| figures.first_faults,
        anchor: |row| Some(row.first_faults),
    },
    Quantity {
        key: "first-collected-share",
        title: "of the objects' pages (CPython: of RSS)  ",
        unit: Unit::Share,
        of: |figures| Some(figures.first_share()),
        anchor: |row| Some(row.first_share()),
    },
    Quantity {
        key: "collected",
        title: "dirtied by two collections",
        unit: Unit::Size,
        of: |figures| Some(figures.collected),
        anchor: |row| row.both_mib.map(|mib| mib * MIB),
    },
    Quantity {
        key: "collected-faults",
        title: "faults ",
        unit: Unit::Count("faults"),
        of: |figures| figures.collected_faults,
        anchor: |row| row.both_faults,
    },
    Quantity {
        key: "collected-share",
        title: "of the objects' pages (CPython: of RSS) ",
        unit: Unit::Share,
        of: |figures| Some(figures.collected_share()),
        anchor: |row| Some(row.both_mib? / row.rss_mib),
    },
    Quantity {
        key: "collected-tables",
        title: "of it beside objects",
        unit: Unit::Size,
        of: |figures| Some(figures.collected_tables),
        anchor: NONE,
    },
    Quantity {
        key: "beside-peak",
        title: "private beside objects, at most",
        unit: Unit::Size,
        of: |figures| figures.tables_peak,
        anchor: NONE,
    },
    Quantity {
        key: "beside-end",
        title: "the same in the end",
        unit: Unit::Size,
        of: |figures| Some(figures.tables_end),
        anchor: NONE,
    },
    Quantity {
        key: "beside-released",
        title: "the same after all was released",
        unit: Unit::Size,
        of: |figures| figures.tables_released,
        anchor: NONE,
    },
    Quantity {
        key: "private",
        title: "private in the end",
        unit: Unit::Size,
        of: |figures| Some(figures.private),
        anchor: |row| Some(row.private_percent / 100.0 * row.rss_mib * MIB),
    },
    Quantity {
        key: "control",
        title: "private of the control",
        unit: Unit::Size,
        of: |figures| Some(figures.control),
        anchor: |row| row.control_mib.map(|mib| mib * MIB),
    },
    Quantity {
        key: "less-control",
        title: "private less the control's",
        unit: Unit::Size,
        of: |figures| Some(figures.less_control()),
        anchor: |row| Some((row.private_percent / 100.0 * row.rss_mib - row.control_mib?) * MIB),
    },
    Quantity {
        key: "pss",
        title: "Pss of a worker",
        unit: Unit::Size,
        of: |figures| figures.pss,
        anchor: |row| row.pss_together().map(|mib| mib * MIB),
    },
    Quantity {
        key: "shared-clean",
        title: "Shared_Clean of a worker",
        unit: Unit::Size,
        of: |figures| figures.shared_clean,
        anchor: |row| row.together.map(|together| together.shared_clean_mib * MIB),
    },
    Quantity {
        key: "shared-dirty",
        title: "Shared_Dirty of a worker",
        unit: Unit::Size,
        of: |figures| figures.shared_dirty,
        anchor: |row| row.together.map(|together| together.shared_dirty_mib * MIB),
    },
    Quantity {
        key: "parent-pss",
        title: "Pss of the parent",
        unit: Unit::Size,
        of: |figures| Some(figures.parent_pss),
        anchor: |row| row.together.map(|together| together.parent_pss_mib * MIB),
    },
    Quantity {
        key: "parent-private",
        title: "Private_Dirty of the parent",
        unit: Unit::Size,
        of: |figures| Some(figures.parent_private),
        anchor: |row| row.together.map(|together| together.parent_private_mib * MIB),
    },
    Quantity {
        key: "parent-shared-clean",
        title: "Shared_Clean of the parent",
        unit: Unit::Size,
        of: |figures| Some(figures.parent_shared_clean),
        anchor: |row| row.together.map(|together| together.parent_shared_clean_mib * MIB),
    },
    Quantity {
        key: "parent-shared-dirty",
        title: "Shared_Dirty of the parent",
        unit: Unit::Size,
        of: |figures| Some(figures.parent_shared_dirty),
        anchor: |row| row.together.map(|together| together.parent_shared_dirty_mib * MIB),
    },
    Quantity {
        key: "first-collection",
        title: "1st collection",
        unit: Unit::Time,
        of: |figures| Some(figures.first_ns),
        anchor: |row| Some(row.first_ms * MS),
    },
    Quantity {
        key: "second-collection",
        title: "2nd collection",
        unit: Unit::Time,
        of: |figures| Some(figures.second_ns),
        anchor: |row| Some(row.second_ms * MS),
    },
    Quantity {
        key: "found",
        title: "objects both found",
        unit: Unit::Count("objects"),
        of: |figures| Some(figures.found),
        anchor: NONE,
    },
    Quantity {
        key: "unfrozen-found",
        title: "found after unfreezing",
        unit: Unit::Count("objects"),
        of: |figures| figures.unfrozen.map(|unfrozen| unfrozen.found),
        anchor: NONE,
    },
    Quantity {
        key: "unfrozen-dirtied",
        title: "dirtied by that",
        unit: Unit::Size,
        of: |figures| figures.unfrozen.map(|unfrozen| unfrozen.dirtied),
        anchor: NONE,
    },
    Quantity {
        key: "parent-rss",
        title: "RSS of the parent",
        unit: Unit::Size,
        of: |figures| Some(figures.parent_rss),
        anchor: NONE,
    },
];

/// Some of them, by key.
pub(super) fn some(keys: &[&str]) -> Vec<&'static Quantity> {
    ALL.iter().filter(|quantity| keys.contains(&quantity.key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_key_and_a_head_of_its_own() {
        for (n, quantity) in ALL.iter().enumerate() {
            assert!(ALL[..n].iter().all(|other| other.key != quantity.key && other.title != quantity.title));
        }
    }
}
