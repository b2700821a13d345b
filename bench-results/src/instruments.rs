//! Which instruments a cell carries. Each can be switched off, to see what it costs.

use std::fmt;

use anyhow::{Result, bail};

/// Something that is measured beside running.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Instrument {
    /// Pauses, cascades and collections: the [ledger](crate::ledger).
    Ledger,
    /// The [control thread](crate::hiccups).
    Hiccups,
    /// How much garbage floats.
    Floating,
    /// The time of each operation.
    Timings,
    /// How long garbage units stay.
    Drag,
}

impl Instrument {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Ledger, Self::Hiccups, Self::Floating, Self::Timings, Self::Drag];

    /// Its name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Hiccups => "hiccups",
            Self::Floating => "floating",
            Self::Timings => "timings",
            Self::Drag => "drag",
        }
    }

    /// What it measures, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ledger => "pauses, cascades, collections",
            Self::Hiccups => "the control thread",
            Self::Floating => "floating garbage at the end of each operation",
            Self::Timings => "the time of each operation",
            Self::Drag => "how long garbage units stay",
        }
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The instruments that are switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruments([bool; Instrument::ALL.len()]);

impl Instruments {
    /// Every one: what is usual.
    pub const ALL: Self = Self([true; Instrument::ALL.len()]);
    /// None.
    pub const BARE: Self = Self([false; Instrument::ALL.len()]);

    /// All but those with these names.
    ///
    /// # Errors
    /// A name that no instrument has.
    pub fn without<N: AsRef<str>>(names: &[N]) -> Result<Self> {
        let mut instruments = Self::ALL;
        for name in names.iter().map(AsRef::as_ref) {
            let Some(place) = Instrument::ALL.iter().position(|instrument| instrument.name() == name) else {
                let known = Instrument::ALL.map(Instrument::name).join(", ");
                bail!("there is no instrument `{name}` to do without; give one or more of {known}");
            };
            instruments.0[place] = false;
        }
        Ok(instruments)
    }

    /// This one alone.
    pub fn only(instrument: Instrument) -> Self {
        Self(Instrument::ALL.map(|other| other == instrument))
    }

    /// Whether it is switched on.
    pub fn has(&self, instrument: Instrument) -> bool {
        Instrument::ALL.iter().zip(self.0).any(|(&other, on)| on && other == instrument)
    }

    /// The names of those that are switched off.
    pub fn off(&self) -> Vec<&'static str> {
        Instrument::ALL
            .iter()
            .filter(|&&instrument| !self.has(instrument))
            .map(|instrument| instrument.name())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_without_is_off_and_the_rest_is_on() {
        let some = Instruments::without(&["ledger", "drag"]).unwrap();
        assert_eq!(some.off(), ["ledger", "drag"]);
        assert!(some.has(Instrument::Timings) && !some.has(Instrument::Drag));
        assert_eq!(Instruments::without(&Instruments::BARE.off()).unwrap(), Instruments::BARE);
        assert_eq!(Instruments::only(Instrument::Hiccups).off().len(), Instrument::ALL.len() - 1);
        let error = Instruments::without(&["clock"]).unwrap_err().to_string();
        assert!(error.contains("ledger, hiccups, floating, timings, drag"), "{error}");
    }
}
