//! The tools on living heaps: what a capture sees, sites, and leaks that are found where there are any.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use gc_core::inspection::{
    AllocationSites, ChainEnd, Difference, LeakPlan, Limits, MemoryReport, Referrers, Snapshot, TypeNames,
    accumulating, capture, chains, find_leaks, shortest_cycle,
};
use gc_core::{
    Control, Generation, GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, Kind, Mutator, NoObserver,
    RefcountHeap, Root, Shape, TypeId, TypeSpec,
};

struct Scene<H: Heap> {
    heap: H,
    names: TypeNames,
    list: TypeId,
    leaky: TypeId,
}

fn scene<H: Heap>() -> Scene<H> {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let names = TypeNames::default();
    let list = names.register(&heap, TypeSpec::new("list", Kind::List)).unwrap();
    let leaky = names.register(&heap, TypeSpec::new("LeakyObject", Kind::Instance)).unwrap();
    Scene { heap, names, list, leaky }
}

fn new<M: Mutator>(mutator: &M, type_id: TypeId, slots: u32) -> Root<'_, M> {
    mutator.allocate(type_id, Shape::new(slots, 8)).unwrap()
}

#[test]
fn a_capture_sees_types_sizes_references_and_what_is_held() {
    let scene = scene::<GenerationalHeap>();
    let mutator = scene.heap.attach();
    let list = new(&mutator, scene.list, 3);
    let leaky = new(&mutator, scene.leaky, 1);
    list.store(0, Some(&leaky));
    list.store(2, Some(&leaky));
    leaky.put(0, Some(leaky.clone()));
    drop(leaky);
    let unnamed = scene.heap.register_type(TypeSpec::new("never told", Kind::Atomic)).unwrap();
    let atom = new(&mutator, unnamed, 0);
    mutator.make_immortal(&atom);
    let before = mutator.retain_count(&list);
    let graph = capture(&mutator, &scene.names, None);
    assert_eq!(mutator.retain_count(&list), before, "a capture changes no count");
    let rows: Vec<_> = graph
        .objects()
        .map(|o| (graph.type_name(o), graph.size(o), graph.targets(o), graph.is_held(o), graph.is_tracked(o)))
        .collect();
    let find = |name: &str| rows.iter().position(|row| row.0 == name).unwrap() as u32;
    let leaky = find("LeakyObject");
    assert_eq!(rows[find("list") as usize], ("list", 48, [leaky, leaky].as_slice(), true, true));
    assert_eq!(rows[leaky as usize], ("LeakyObject", 40, [leaky].as_slice(), false, true));
    assert!(rows[find(&format!("type {}", unnamed.index())) as usize].3, "an immortal object is held");
    assert_eq!((graph.len(), shortest_cycle(&graph, leaky)), (3, Some(vec![leaky])));
    let report = MemoryReport::of(&graph, 1);
    assert_eq!((report.objects, report.references, report.by_bytes[0].name.as_str()), (3, 3, "list"));
}

#[test]
fn the_container_that_holds_a_leaked_object_is_named() {
    let scene = scene::<GenerationalHeap>();
    let mutator = scene.heap.attach();
    let forgotten = new(&mutator, scene.list, 4);
    let object = new(&mutator, scene.leaky, 2);
    let argument = new(&mutator, scene.leaky, 2);
    // An argument that its owner keeps, and they know each other; the owner is in a list that was forgotten.
    object.store(0, Some(&argument));
    argument.store(0, Some(&object));
    forgotten.put(3, Some(object));
    drop(argument);
    mutator.collect(Generation::OLD);
    let graph = capture(&mutator, &scene.names, None);
    let leaked: Vec<_> = graph.objects().filter(|&o| graph.type_name(o) == "LeakyObject").collect();
    let referrers = Referrers::of(&graph);
    for object in leaked {
        let found = chains(&graph, &referrers, object, |_| false, Limits::default());
        let first = &found.chains[0];
        assert_eq!(first.end, ChainEnd::Held);
        assert_eq!(graph.type_name(*first.objects.last().unwrap()), "list");
    }
}

#[test]
fn objects_are_counted_by_the_site_they_were_allocated_at_for_as_long_as_they_live() {
    let scene = scene::<GenerationalHeap>();
    let mutator = scene.heap.attach();
    let sites = AllocationSites::new(&scene.heap);
    let request = sites.site("request");
    let template = request.within("template");
    let kept: Vec<_> = (0..5).map(|_| template.allocate(&mutator, scene.leaky, Shape::new(1, 8)).unwrap()).collect();
    let dies = request.allocate(&mutator, scene.list, Shape::new(1, 8)).unwrap();
    let older = Snapshot::of(&capture(&mutator, &scene.names, Some(&sites)));
    drop(dies);
    // Takes the place of the one that died, and was allocated nowhere in particular.
    let elsewhere = new(&mutator, scene.list, 1);
    let more = template.allocate(&mutator, scene.leaky, Shape::new(1, 8)).unwrap();
    let graph = capture(&mutator, &scene.names, Some(&sites));
    let newer = Snapshot::of(&graph);
    assert_eq!(newer.total.objects, 7, "what the sites keep for themselves is left out");
    assert_eq!(newer.by_site.keys().collect::<Vec<_>>(), ["request > template"]);
    let difference = Difference::between(&older, &newer);
    let lines: Vec<_> = difference.sites.iter().map(|c| (c.name.as_str(), c.objects(), c.bytes())).collect();
    assert_eq!(lines, [("request > template", 1, 40), ("request", -1, -40)]);
    assert_eq!(difference.types.len(), 1, "a list died and another was made");
    drop((kept, elsewhere, more));
    assert_eq!(Snapshot::of(&capture(&mutator, &scene.names, Some(&sites))).total.objects, 0);
}

/// What one run of each sort leaves behind is told for what it is.
fn leaks<H: Heap>() -> [Vec<(String, u64)>; 4] {
    let named = |leaks: Vec<gc_core::inspection::Leak>| leaks.iter().map(|l| (l.name.clone(), l.a_run())).collect();
    let plan = LeakPlan::default();
    let scene = scene::<H>();
    let mutator = scene.heap.attach();
    let clean = find_leaks(&mutator, &scene.names, plan, |m| drop(new(m, scene.leaky, 1)));
    let cyclic = find_leaks(&mutator, &scene.names, plan, |m| {
        let object = new(m, scene.leaky, 1);
        object.put(0, Some(object.clone()));
    });
    let instances = RefCell::new(Vec::new());
    let leaky = find_leaks(&mutator, &scene.names, plan, |m| {
        (0..10).for_each(|_| instances.borrow_mut().push(new(m, scene.leaky, 1).share()));
    });
    // A cache that fills over the first runs, and a table that doubles now and then.
    let (cache, runs) = (RefCell::new(Vec::new()), Cell::new(0));
    let warm = find_leaks(&mutator, &scene.names, plan, |m| {
        runs.set(runs.get() + 1);
        if runs.get() < 5 || runs.get() == 7 {
            cache.borrow_mut().push(new(m, scene.list, 1).share());
        }
    });
    [named(clean), named(cyclic), named(leaky), named(warm)]
}

#[test]
fn only_what_every_run_leaves_behind_is_a_leak() {
    let leaky = || vec![("LeakyObject".to_owned(), 10)];
    assert_eq!(leaks::<GenerationalHeap>(), [vec![], vec![], leaky(), vec![]]);
    assert_eq!(leaks::<GenerationalStreamingHeap>(), [vec![], vec![], leaky(), vec![]]);
    let one = vec![("LeakyObject".to_owned(), 1)];
    assert_eq!(leaks::<RefcountHeap>(), [vec![], one, leaky(), vec![]], "where no cycle is collected each is a leak");
}

#[test]
fn a_type_that_accumulates_is_seen_in_a_series_of_snapshots() {
    let scene = scene::<GenerationalHeap>();
    let mutator = scene.heap.attach();
    let mut held = Vec::new();
    let snapshots: Vec<_> = (0..4)
        .map(|_| {
            held.push(new(&mutator, scene.leaky, 1));
            drop(new(&mutator, scene.list, 1));
            Snapshot::of(&capture(&mutator, &scene.names, None))
        })
        .collect();
    let found = accumulating(&snapshots);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].objects.as_slice()), ("LeakyObject", [1, 2, 3, 4].as_slice()));
}

#[test]
fn a_slot_that_holds_a_weak_reference_of_the_sites_is_left_out() {
    let scene = scene::<GenerationalHeap>();
    let mutator = scene.heap.attach();
    let sites = AllocationSites::new(&scene.heap);
    let object = sites.site("here").allocate(&mutator, scene.leaky, Shape::new(0, 0)).unwrap();
    let list = new(&mutator, scene.list, 3);
    list.put(0, mutator.get_weak_references(&object).pop());
    list.store(2, Some(&object));
    assert!(list.load(0).is_some(), "the weak reference of the site");
    let graph = capture(&mutator, &scene.names, Some(&sites));
    let find = |name: &str| graph.objects().find(|&object| graph.type_name(object) == name).unwrap();
    assert_eq!((graph.len(), graph.targets(find("list"))), (2, &[find("LeakyObject")][..]));
    let all = capture(&mutator, &scene.names, None);
    let list = all.objects().find(|&object| all.type_name(object) == "list").unwrap();
    assert_eq!((all.len(), all.targets(list).len()), (3, 2));
}
