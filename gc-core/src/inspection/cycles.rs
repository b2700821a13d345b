//! Cycles of references: the shortest through an object, and a set of short ones that every object on a cycle is on.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::components::Components;
use super::graph::ObjectGraph;
use super::referrers::Referrers;

/// Stands for an object that a search has not reached.
const NOBODY: u32 = u32::MAX;

/// The shortest cycle that `object` is on, from it to the last object that refers back to it; `None` if it is on none. Of
/// several of one length, one. In time and memory linear in the graph: a search in breadth that keeps, for each object
/// reached, where it came from.
pub fn shortest_cycle(graph: &ObjectGraph, object: u32) -> Option<Vec<u32>> {
    let mut from = vec![NOBODY; graph.len()];
    let mut queue = vec![object];
    let mut place = 0;
    while place < queue.len() {
        let at = queue[place];
        place += 1;
        for &target in graph.targets(at) {
            if target == object {
                return Some(way_back(&from, object, at));
            }
            if from[target as usize] == NOBODY {
                from[target as usize] = at;
                queue.push(target);
            }
        }
    }
    None
}

/// The objects on the way from `first` to `last`.
fn way_back(from: &[u32], first: u32, last: u32) -> Vec<u32> {
    let mut cycle = vec![last];
    let mut at = last;
    while at != first {
        at = from[at as usize];
        cycle.push(at);
    }
    cycle.reverse();
    cycle
}

/// Cycles that run over the same types in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleGroup {
    /// The types along the cycle, from the alphabetically first rotation on.
    pub types: Vec<String>,
    /// Cycles of this form.
    pub cycles: u64,
    /// Bytes of the objects on them; one that is on several counts in each.
    pub bytes: u64,
    /// One of them, its objects in the order of `types`.
    pub example: Vec<u32>,
}

/// A set of short cycles, so that each object on a cycle is on one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CycleCover {
    /// Objects of interest.
    pub objects: u64,
    /// Those that are on a cycle of such objects.
    pub on_cycles: u64,
    /// Those on a cycle for which none was looked for, since the budget was spent.
    pub left_over: u64,
    /// The cycles, by form: what there is most of first.
    pub groups: Vec<CycleGroup>,
}

/// Covers the objects that `is_of_interest` is true for: one after the other, each that is on a cycle and not on one found
/// before, with the shortest cycle through it.
///
/// A search goes from the object both ways until the two meet, within its strongly connected component. `budget` bounds the
/// references that all searches follow together; of what is left then only the number is told. Memory is linear.
pub fn cycle_cover(
    graph: &ObjectGraph,
    referrers: &Referrers,
    is_of_interest: impl Fn(u32) -> bool,
    budget: u64,
) -> CycleCover {
    let components = Components::over(graph.len(), |object| graph.targets(object), &is_of_interest);
    let mut search = Search::new(graph, referrers, &components, budget);
    let mut cover = CycleCover::default();
    let mut covered = vec![false; graph.len()];
    let mut groups: FxHashMap<Vec<u32>, CycleGroup> = FxHashMap::default();
    for object in graph.objects().filter(|&object| is_of_interest(object)) {
        cover.objects += 1;
        if !components.is_on_cycle(object) {
            continue;
        }
        cover.on_cycles += 1;
        if covered[object as usize] {
            continue;
        }
        let Some(mut cycle) = search.shortest(object) else {
            cover.left_over += 1;
            continue;
        };
        cycle.iter().for_each(|&member| covered[member as usize] = true);
        let names: Vec<&str> = cycle.iter().map(|&member| graph.type_name(member)).collect();
        cycle.rotate_left(first_rotation(&names));
        let key = cycle.iter().map(|&member| graph.type_of(member)).collect();
        let group = groups.entry(key).or_insert_with(|| CycleGroup {
            types: cycle.iter().map(|&member| graph.type_name(member).to_owned()).collect(),
            cycles: 0,
            bytes: 0,
            example: cycle.clone(),
        });
        group.cycles += 1;
        group.bytes += cycle.iter().map(|&member| graph.size(member)).sum::<u64>();
    }
    cover.groups = groups.into_values().collect();
    cover.groups.sort_by(|a, b| {
        (Reverse(a.cycles), a.types.len(), &a.types, &a.example).cmp(&(
            Reverse(b.cycles),
            b.types.len(),
            &b.types,
            &b.example,
        ))
    });
    cover
}

/// Where the alphabetically smallest rotation of a ring begins (Booth, "Lexicographically least circular substrings", 1980, in
/// the form with two candidates): linear in its length.
fn first_rotation<T: Ord>(ring: &[T]) -> usize {
    let n = ring.len();
    let (mut one, mut other, mut equal) = (0, 1, 0);
    while one < n && other < n && equal < n {
        match ring[(one + equal) % n].cmp(&ring[(other + equal) % n]) {
            std::cmp::Ordering::Equal => {
                equal += 1;
                continue;
            }
            std::cmp::Ordering::Greater => one += equal + 1,
            std::cmp::Ordering::Less => other += equal + 1,
        }
        other += usize::from(one == other);
        equal = 0;
    }
    one.min(other)
}

/// One direction of a search: what it reached, in order, and from where.
#[derive(Default)]
struct Side {
    from: Vec<u32>,
    /// References from the start.
    depth: Vec<u32>,
    reached: Vec<u32>,
    /// Where in `reached` the outermost ring begins.
    ring: usize,
    rings: u32,
}

impl Side {
    fn new(objects: usize) -> Self {
        Self { from: vec![NOBODY; objects], depth: vec![0; objects], ..Self::default() }
    }

    fn start(&mut self, object: u32) {
        for reached in self.reached.drain(..) {
            self.from[reached as usize] = NOBODY;
        }
        self.from[object as usize] = object;
        self.depth[object as usize] = 0;
        self.reached.push(object);
        (self.ring, self.rings) = (0, 0);
    }

    fn depth_of(&self, object: u32) -> Option<u32> {
        (self.from[object as usize] != NOBODY).then(|| self.depth[object as usize])
    }

    /// Objects of the outermost ring.
    fn width(&self) -> usize {
        self.reached.len() - self.ring
    }
}

/// Searches from one object after the other, in memory that is allocated once.
struct Search<'a> {
    graph: &'a ObjectGraph,
    referrers: &'a Referrers,
    components: &'a Components,
    budget: u64,
    forward: Side,
    backward: Side,
}

impl<'a> Search<'a> {
    fn new(graph: &'a ObjectGraph, referrers: &'a Referrers, components: &'a Components, budget: u64) -> Self {
        let side = || Side::new(graph.len());
        Self { graph, referrers, components, budget, forward: side(), backward: side() }
    }

    /// The shortest cycle through an object that is on one; `None` if the budget is spent before it is found.
    fn shortest(&mut self, object: u32) -> Option<Vec<u32>> {
        if self.graph.targets(object).contains(&object) {
            return Some(vec![object]);
        }
        self.forward.start(object);
        self.backward.start(object);
        // The shortest closed way known: its length, and the reference in its middle.
        let mut best: Option<(u32, u32, u32)> = None;
        // A ring more on either side makes ways of at least this length.
        while best.is_none_or(|(length, ..)| self.forward.rings + self.backward.rings + 1 < length) {
            let forward = self.forward.width() <= self.backward.width();
            if self.forward.width() == 0 || self.backward.width() == 0 {
                break;
            }
            self.widen(object, forward, &mut best)?;
        }
        let (_, from, to) = best?;
        let mut cycle = way_back(&self.forward.from, object, from);
        let mut at = to;
        while at != object {
            cycle.push(at);
            at = self.backward.from[at as usize];
        }
        Some(cycle)
    }

    /// Reaches one ring more on one side. `None` if the budget is spent.
    fn widen(&mut self, object: u32, forward: bool, best: &mut Option<(u32, u32, u32)>) -> Option<()> {
        let component = self.components.of_node(object);
        let (graph, referrers) = (self.graph, self.referrers);
        let (side, other) =
            if forward { (&mut self.forward, &self.backward) } else { (&mut self.backward, &self.forward) };
        let ring = side.ring..side.reached.len();
        side.ring = side.reached.len();
        for place in ring {
            let at = side.reached[place];
            let next = if forward { graph.targets(at) } else { referrers.to(at) };
            self.budget = self.budget.checked_sub(next.len() as u64)?;
            for &target in next {
                if self.components.of_node(target) != component {
                    continue;
                }
                if let Some(rest) = other.depth_of(target) {
                    let length = side.depth[at as usize] + 1 + rest;
                    if best.is_none_or(|(known, ..)| length < known) {
                        *best = Some(if forward { (length, at, target) } else { (length, target, at) });
                    }
                }
                if side.from[target as usize] == NOBODY {
                    side.from[target as usize] = at;
                    side.depth[target as usize] = side.depth[at as usize] + 1;
                    side.reached.push(target);
                }
            }
        }
        side.rings += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::graph::tests::{from_edges, graph};
    use super::*;

    fn cover(graph: &ObjectGraph) -> CycleCover {
        cycle_cover(graph, &Referrers::of(graph), |_| true, u64::MAX)
    }

    #[test]
    fn cycles_of_one_form_are_one_group_wherever_they_begin() {
        // view ⇄ form twice, in either order; a self-loop; a ring of three; 8 on no cycle.
        let graph = graph(
            &["view", "form", "form", "view", "loop", "a", "b", "c", "tail"],
            &[(0, 1), (1, 0), (2, 3), (3, 2), (4, 4), (5, 6), (6, 7), (7, 5), (7, 8), (0, 4)],
        );
        let cover = cover(&graph);
        assert_eq!((cover.objects, cover.on_cycles, cover.left_over), (9, 8, 0));
        let lines: Vec<_> =
            cover.groups.iter().map(|group| (group.types.join(" "), group.cycles, group.bytes)).collect();
        assert_eq!(lines, [("form view".to_owned(), 2, 40), ("loop".to_owned(), 1, 10), ("a b c".to_owned(), 1, 30)]);
        assert_eq!(cover.groups[0].example, [1, 0]);
    }

    #[test]
    fn a_spent_budget_is_told() {
        let graph = graph(&["a", "b", "a", "b"], &[(0, 1), (1, 0), (2, 3), (3, 2)]);
        let cover = cycle_cover(&graph, &Referrers::of(&graph), |_| true, 2);
        assert_eq!((cover.on_cycles, cover.left_over, cover.groups.len()), (4, 2, 1));
    }

    #[test]
    fn a_ring_of_a_million_is_one_cycle() {
        let objects = 1_000_000_u32;
        let edges: Vec<_> = (0..objects).map(|from| (from, (from + 1) % objects)).collect();
        let graph = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges);
        assert_eq!(shortest_cycle(&graph, 7).map(|cycle| cycle.len()), Some(1_000_000));
        let cover = cover(&graph);
        assert_eq!((cover.on_cycles, cover.groups.len(), cover.groups[0].types.len()), (1_000_000, 1, 1_000_000));
        let chain = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges[..objects as usize - 1]);
        assert_eq!(shortest_cycle(&chain, 0), None);
    }

    proptest! {
        #[test]
        fn both_searches_find_cycles_of_one_length(objects in 1..20_u32, edges in vec((0..20_u32, 0..20_u32), 0..40)) {
            let edges: Vec<_> = edges.into_iter().map(|(from, to)| (from % objects, to % objects)).collect();
            let graph = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges);
            let referrers = Referrers::of(&graph);
            let components = Components::over(graph.len(), |object| graph.targets(object), |_| true);
            let mut search = Search::new(&graph, &referrers, &components, u64::MAX);
            for object in graph.objects() {
                let plain = shortest_cycle(&graph, object);
                prop_assert_eq!(plain.is_some(), components.is_on_cycle(object));
                let Some(plain) = plain else { continue };
                let met = search.shortest(object).unwrap();
                prop_assert_eq!(met.len(), plain.len());
                for cycle in [plain, met] {
                    let closes = |n: usize| graph.targets(cycle[n]).contains(&cycle[(n + 1) % cycle.len()]);
                    prop_assert!((0..cycle.len()).all(closes) && cycle[0] == object, "{:?}", cycle);
                }
            }
        }
    }

    #[test]
    fn the_first_rotation_is_the_smallest() {
        for ring in [vec![1], vec![2, 1], vec![1, 1, 1], vec![2, 1, 2, 1, 1], vec![3, 1, 2, 1, 1, 2], vec![1, 2, 1, 2]]
        {
            let rotation = |n: usize| ring[n..].iter().chain(&ring[..n]).copied().collect::<Vec<i32>>();
            let smallest = (0..ring.len()).map(rotation).min().unwrap();
            assert_eq!(rotation(first_rotation(&ring)), smallest, "{ring:?}");
        }
    }
}
