//! Claims on weak references.

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, TypeSpec};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE};
use super::rules::listed;
use super::setup::Setup;

/// 20: weak back-pointers.
pub(super) struct WeakParent;

impl Check for WeakParent {
    const CLAIM: Claim = Claim {
        key: "20",
        articles: "B",
        says: "A weak reference adds nothing to the count, and one to the parent breaks the cycle of parent and child",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"freed_without_gc": true, "raises_count": false}"#,
            measured: "freed with the collector off, on all seven",
        }),
        so: None,
        rule: "reproduced: the count does not change, and both die by count",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["weakref_breaks_parent_cycle"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let (parent, child) = (mutator.allocate(lab.node, NODE)?, mutator.allocate(lab.node, NODE)?);
        let before = mutator.retain_count(&parent);
        child.put(0, Some(mutator.weak_reference(&parent, None)?));
        let raised = mutator.retain_count(&parent) != before;
        parent.put(0, Some(child));
        let watched = mutator.weak_reference(&parent, None)?;
        drop(parent);
        let freed = mutator.upgrade(&watched).is_none() && lab.heap.live_objects() == 1;
        Ok(Figures::new().with("freed_without_gc", freed).with("raises_count", raised).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let freed = figures.truth("freed_without_gc")?;
        let raises = figures.truth("raises_count")?;
        let text = if freed { "both freed by count" } else { "not freed by count" };
        Some(Answer::new(Verdict::of(freed && !raises), text))
    }
}

/// 21: which comes first.
pub(super) struct CallbackOrder;

impl Check for CallbackOrder {
    const CLAIM: Claim = Claim {
        key: "21",
        articles: "D",
        says: "The callback of a weak reference fires before `__del__`",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"weakref_before_del_gc": ["callback", "del:True"],
                "weakref_before_del_refcount": ["del:False", "callback", "after del statement"]}"#,
            measured: "on a collected cycle yes, and the reference is dead in `__del__`; where the count frees the object `__del__` \
                       comes first, and the reference is still alive in it: that is the article's own example",
        }),
        so: Some(
            "Only for what the collector frees; an object freed by its count runs `__del__` first and the callback after it.",
        ),
        rule: "which comes first on a collected cycle, and on an object freed by count; reproduced: the callback on both; partly: on \
               one; on a heap that collects no cycles the count alone decides",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["weakref_before_del_gc", "weakref_before_del_refcount"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let orders = [true, false].map(|cyclic| order::<H>(setup, cyclic));
        let [collected, counted] = orders;
        Ok(Figures::new()
            .with("weakref_before_del_gc", collected?)
            .with("weakref_before_del_refcount", counted?)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let collected = figures.words("weakref_before_del_gc")?;
        let counted = figures.words("weakref_before_del_refcount")?;
        let callback_first = |events: &[String]| events.first().is_some_and(|event| event == "callback");
        let both = [&collected, &counted].map(|events| callback_first(events));
        let verdict = if collected.is_empty() { Verdict::of(both[1]) } else { Verdict::of_halves(both[0], both[1]) };
        Some(Answer::new(verdict, format!("collected: {}; by count: {}", listed(&collected), listed(&counted))))
    }
}

/// What happens in which order when an object dies; `del:True`: its weak reference is dead in its finalizer.
fn order<H: Heap>(setup: &Setup, cyclic: bool) -> Result<Vec<String>> {
    let lab = Lab::<H>::new(setup)?;
    let events = lab.events.clone();
    let finalizer = lab.callback(move |mutator, object| {
        let dead = mutator.get_weak_references(&object).is_empty();
        events.push(if dead { "del:True" } else { "del:False" });
    });
    let spec = TypeSpec::new("Finalized", TypeKind::Instance).with_finalizer(finalizer);
    let finalized = lab.heap.register_type(spec)?;
    let events = lab.events.clone();
    let callback = lab.callback(move |_, _| events.push("callback"));
    let mutator = lab.heap.attach();
    mutator.disable();
    let object = mutator.allocate(finalized, NODE)?;
    let weak = mutator.weak_reference(&object, Some(callback))?;
    if cyclic {
        object.store(0, Some(&object));
    }
    drop(object);
    if cyclic {
        mutator.collect(Generation::OLD);
    } else {
        lab.events.push("after del statement");
    }
    drop(weak);
    Ok(lab.events.take())
}
