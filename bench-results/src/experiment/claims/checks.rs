//! The roster of checks: each claim once, in order.

use anyhow::{Result, bail};
use gc_core::Heap;

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Measured};
use super::figures::Figures;
use super::setup::Setup;
use super::{
    batches, counting, finalizers, forks, freezing, introspection, memory, remedies, rules_of_collection, scripts,
    service, thresholds, weak_references,
};

macro_rules! roster {
    ($($check:path),+ $(,)?) => {
        /// All claims, then remedies.
        pub const CLAIMS: &[Claim] = &[$(<$check as Check>::CLAIM),+];

        /// Tries a claim on heaps of this kind.
        ///
        /// # Errors
        /// No claim has this key, or the check could not run: the heap cannot be made, or is full.
        pub fn measure<H: Heap>(key: &str, setup: &Setup) -> Result<Measured> {
            $(if key == <$check as Check>::CLAIM.key {
                return <$check as Check>::measure::<H>(setup);
            })+
            bail!(unknown(key))
        }

        fn judge(key: &str, figures: &Figures) -> Option<Answer> {
            $(if key == <$check as Check>::CLAIM.key {
                return <$check as Check>::judge(figures);
            })+
            None
        }

        /// Under which names `claims.py` tells what the rule of this claim asks for.
        pub fn python_names(key: &str) -> &'static [&'static str] {
            $(if key == <$check as Check>::CLAIM.key {
                return <$check as Check>::PYTHON;
            })+
            &[]
        }
    };
}

roster!(
    counting::CountSequence,
    counting::FreedAtOnce,
    counting::CyclesNeedCollector,
    finalizers::PairOrder,
    counting::TrackedCount,
    thresholds::DefaultThresholds,
    thresholds::YoungTrigger,
    thresholds::MiddleTrigger,
    thresholds::OldTrigger,
    thresholds::ThirdThresholdZero,
    service::FewerCollections,
    service::LessMemory,
    service::LongerPauses,
    service::ManyCollections,
    memory::OffLeaks,
    batches::OffIsFaster,
    batches::OffThenCollect,
    batches::Pools,
    introspection::CountsAreNotCollections,
    weak_references::WeakParent,
    weak_references::CallbackOrder,
    finalizers::TopologicalOrder,
    finalizers::FinalizersCollected,
    finalizers::FinalizersUncollectable,
    finalizers::DebugLeak,
    introspection::LeakDetector,
    introspection::Callbacks,
    introspection::AtomicContainers,
    introspection::ExceptionCycle,
    memory::SlotsSave,
    batches::YoungOnly,
    freezing::FrozenIsNotScanned,
    freezing::FreezeCount,
    freezing::FrozenCycleLeaks,
    forks::CollectionCopies,
    forks::FreezePrevents,
    forks::OffKeepsShared,
    service::PausesMakeTheTail,
    service::Scheduler,
    service::QuietTimes,
    rules_of_collection::AsDescribed,
    introspection::NamesOfFigures,
    memory::MemoryKept,
    remedies::WeakBackPointers,
    remedies::Breaking,
    remedies::ExplicitCleanup,
    remedies::Lazy,
    remedies::SlotsForTheCollector,
    remedies::PoolOfCyclic,
    scripts::ShortScripts,
);

/// The claim with this key.
///
/// # Errors
/// There is none; the error names those there are.
pub fn claim(key: &str) -> Result<&'static Claim> {
    match CLAIMS.iter().find(|claim| claim.key == key) {
        Some(claim) => Ok(claim),
        None => bail!(unknown(key)),
    }
}

fn unknown(key: &str) -> String {
    let known = CLAIMS.iter().map(|claim| claim.key).collect::<Vec<_>>().join(",");
    format!("no claim is called `{key}`; there are {known}")
}

/// What the claim's rule says of what was measured. `None`: a figure that it asks for is missing.
pub fn answer(key: &str, measured: &Measured) -> Option<Answer> {
    match measured {
        Measured::Figures(figures) => judge(key, figures),
        Measured::NotApplicable(reason) => Some(Answer::new(Verdict::NotApplicable, *reason)),
    }
}
