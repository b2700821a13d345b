//! `CycleChainFinalizationTest`: rings linked both ways, of members whose finalizers do nothing, resurrect, or let go.

use super::finalization::{Scene, labels};
use super::late_finalizers::plain_lives;
use super::row::Row;
use crate::config::HeapConfig;
use crate::conformance::fixture::{label, labelled};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::root::Root;

/// What a member's finalizer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Member {
    Simple,
    Resurrects,
    /// Lets go of both neighbours; they still hold it.
    Suicidal,
}
use Member::{Resurrects as R, Simple as N, Suicidal as S};

const LEFT: u32 = 0;
const RIGHT: u32 = 1;

/// Whether a member's links are as its finalizers so far have left them (`ChainedBase.check_sanity`).
fn is_sane<M: Mutator>(member: &Root<'_, M>) -> bool {
    let has_let_go = |one: &Root<'_, M>| one.load(LEFT).is_none() && one.load(RIGHT).is_none();
    let answers = |side, back| {
        let Some(neighbour) = member.load(side) else { return false };
        has_let_go(&neighbour) || neighbour.load(back).as_ref() == Some(member)
    };
    answers(LEFT, RIGHT) && answers(RIGHT, LEFT)
}

/// Builds the ring, drops it, collects twice. `counts` is what the two collections return.
fn check<H: Heap>(config: HeapConfig, chain: &[Member], counts: [u64; 2]) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.fixture.heap.attach();
    let members: Vec<_> = (0..)
        .zip(chain)
        .map(|(n, &member)| {
            let survivors = scene.survivors.clone();
            let finalizer = scene.finalizer(is_sane, move |object| match member {
                N => {}
                R => survivors.push(object),
                S => {
                    object.store(LEFT, None);
                    object.store(RIGHT, None);
                }
            });
            let spec = TypeSpec::new("member", Kind::Instance).with_finalizer(finalizer);
            labelled(&mutator, scene.fixture.register(spec), n)
        })
        .collect();
    for (n, member) in members.iter().enumerate() {
        let left = &members[(n + members.len() - 1) % members.len()];
        member.store(LEFT, Some(left));
        left.store(RIGHT, Some(member));
    }
    let weak: Vec<_> = members.iter().map(|member| mutator.weak_reference(member, None).unwrap()).collect();
    drop(members);
    let resurrecting = chain.iter().enumerate().filter(|&(_, &member)| member == R);
    let survivors: Vec<_> = resurrecting.map(|(n, _)| n as u64).collect();
    let alive = |living: usize| (living + chain.len()) as u64;
    let resurrects = !survivors.is_empty();
    assert_eq!(scene.collect(&mutator), (counts[0], labels(chain.len()), survivors.clone()));
    let upgraded = weak.iter().filter(|weak| mutator.upgrade(weak).is_some()).count();
    let living = if resurrects { chain.len() } else { 0 };
    assert_eq!(upgraded, if plain_lives(config) { living } else { 0 });
    assert_eq!(
        scene.fixture.live(),
        alive(living),
        "all that a survivor reaches lives, its neighbours by their own links"
    );
    let back: Vec<_> = scene.survivors.take(&mutator);
    assert!(back.iter().all(|member| member.load(LEFT).is_some() && survivors.contains(&label(member))));
    drop(back);
    assert_eq!(scene.collect(&mutator), (counts[1], vec![], vec![]), "the second time in silence");
    assert_eq!(scene.fixture.live(), alive(0));
}

pub fn test_homogenous<H: Heap>() -> Row {
    Row::new("three simple members: each finalizer runs once, all are collected", |config| {
        check::<H>(config, &[N; 3], [3, 0]);
    })
    .of_cycles()
}

pub fn test_homogenous_resurrect<H: Heap>() -> Row {
    Row::new("three that resurrect: all survive once, and are collected in silence", |config| {
        check::<H>(config, &[R; 3], [0, 3]);
    })
    .changed(CHANGE)
    .of_cycles()
}

pub fn test_homogenous_suicidal<H: Heap>() -> Row {
    Row::new("three that let go: all die by count while finalizers run", |config| {
        check::<H>(config, &[S; 3], [0, 0]);
    })
    .of_cycles()
}

pub fn test_heterogenous_suicidal_one<H: Heap>() -> Row {
    Row::new("members that let go between simple ones: each finalizer runs once", |config| {
        check::<H>(config, &[S, N, S, N], [0, 0]);
    })
    .of_cycles()
}

pub fn test_heterogenous_suicidal_two<H: Heap>() -> Row {
    Row::new("two that let go beside two simple ones, which hold each other still: all four are collected", |config| {
        check::<H>(config, &[S, S, N, N], [4, 0]);
    })
    .of_cycles()
}

pub fn test_heterogenous_resurrect_one<H: Heap>() -> Row {
    Row::new("resurrecting members keep the simple ones between them", |config| {
        check::<H>(config, &[R, N, R, N], [0, 4]);
    })
    .changed(CHANGE)
    .of_cycles()
}

pub fn test_heterogenous_resurrect_two<H: Heap>() -> Row {
    Row::new("all three sorts in turn: what holds a survivor's neighbour lives on", |config| {
        check::<H>(config, &[R, N, S, R, N, S], [0, 6]);
    })
    .changed(CHANGE)
    .of_cycles()
}

pub fn test_heterogenous_resurrect_three<H: Heap>() -> Row {
    Row::new("all three sorts in pairs", |config| {
        check::<H>(config, &[R, R, N, N, S, S], [0, 6]);
    })
    .changed(CHANGE)
    .of_cycles()
}

const CHANGE: &str =
    "until 3.14 their plain weak references are dead for ever; from 3.15 on they stay alive with them (weak-order)";
