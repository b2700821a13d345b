//! What would be freed with an object: dominators and retained sizes.
//!
//! An object dominates another if every way from outside the graph to the other leads through it. The bytes of all that an
//! object dominates, itself included, are what it *retains*: were it gone, they would be gone too.
//!
//! # Prior work
//!
//! Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph" (1979), the simple version with path
//! compression: O((n + m) log n). All stacks are explicit.

use super::graph::ObjectGraph;
use super::referrers::Referrers;

/// Stands for "nobody" among numbers of the search.
const NONE: u32 = u32::MAX;

/// The dominators of a graph.
#[derive(Clone, Debug)]
pub struct Dominators {
    /// By object: what dominates it directly; `NONE` if that is the outside, or if it is not reached.
    direct: Vec<u32>,
    /// By object: bytes it retains; 0 if it is not reached.
    retained: Vec<u64>,
    /// By object: how many objects it retains.
    objects: Vec<u32>,
}

impl Dominators {
    /// Those of `graph`, seen from all objects that are held from outside.
    pub fn of(graph: &ObjectGraph, referrers: &Referrers) -> Self {
        let search = Search::run(graph);
        let direct = search.dominators(graph, referrers);
        let mut found =
            Self { direct: vec![NONE; graph.len()], retained: vec![0; graph.len()], objects: vec![0; graph.len()] };
        let mut sums: Vec<(u64, u32)> = search.object.iter().map(|&object| (size(graph, object), 1)).collect();
        // Number 0 is the outside. A dominator has a smaller number than what it dominates.
        for number in (1..search.object.len()).rev() {
            let object = search.object[number] as usize;
            let above = direct[number] as usize;
            (found.retained[object], found.objects[object]) = sums[number];
            found.direct[object] = search.object[above];
            let (bytes, objects) = sums[number];
            sums[above] = (sums[above].0 + bytes, sums[above].1 + objects);
        }
        found
    }

    /// What dominates an object directly. `None` if nothing in the graph does, or if nothing from outside leads to it.
    pub fn direct(&self, object: u32) -> Option<u32> {
        Some(self.direct[object as usize]).filter(|&above| above != NONE)
    }

    /// Bytes that would be freed with an object, its own included; `None` if nothing from outside leads to it: it is garbage.
    pub fn retained_bytes(&self, object: u32) -> Option<u64> {
        (self.objects[object as usize] > 0).then(|| self.retained[object as usize])
    }

    /// Objects that would be freed with an object, itself included; 0 if nothing from outside leads to it.
    pub fn retained_objects(&self, object: u32) -> u32 {
        self.objects[object as usize]
    }
}

fn size(graph: &ObjectGraph, object: u32) -> u64 {
    if object == NONE { 0 } else { graph.size(object) }
}

/// A search in depth from the outside, which has number 0.
struct Search {
    /// By number: the object. `NONE` for the outside.
    object: Vec<u32>,
    /// By object: its number; `NONE` if it was not reached.
    number: Vec<u32>,
    /// By number: the number of the object it was reached from.
    parent: Vec<u32>,
}

impl Search {
    fn run(graph: &ObjectGraph) -> Self {
        let mut search = Self { object: vec![NONE], number: vec![NONE; graph.len()], parent: vec![0] };
        // Each entry: a number, and how many references of its object were followed.
        let mut path: Vec<(u32, usize)> = Vec::new();
        for held in graph.objects().filter(|&object| graph.is_held(object)) {
            search.reach(held, 0, &mut path);
            while let Some((number, followed)) = path.last_mut() {
                let number = *number;
                let targets = graph.targets(search.object[number as usize]);
                match targets.get(*followed) {
                    Some(&target) => {
                        *followed += 1;
                        search.reach(target, number, &mut path);
                    }
                    None => drop(path.pop()),
                }
            }
        }
        search
    }

    fn reach(&mut self, object: u32, parent: u32, path: &mut Vec<(u32, usize)>) {
        if self.number[object as usize] == NONE {
            let number = self.object.len() as u32;
            self.number[object as usize] = number;
            self.object.push(object);
            self.parent.push(parent);
            path.push((number, 0));
        }
    }

    /// By number: the number of the direct dominator.
    fn dominators(&self, graph: &ObjectGraph, referrers: &Referrers) -> Vec<u32> {
        let count = self.object.len();
        let mut forest = Forest::new(count);
        let mut dominator = vec![0_u32; count];
        // Numbers whose semidominator is this one, as linked lists.
        let (mut first, mut next) = (vec![NONE; count], vec![NONE; count]);
        for number in (1..count as u32).rev() {
            let object = self.object[number as usize];
            let mut semi = if graph.is_held(object) { 0 } else { number };
            for &referrer in referrers.to(object) {
                let referrer = self.number[referrer as usize];
                if referrer != NONE {
                    let lowest = forest.lowest(referrer);
                    semi = semi.min(forest.semi[lowest as usize]);
                }
            }
            forest.semi[number as usize] = semi;
            next[number as usize] = first[semi as usize];
            first[semi as usize] = number;
            let parent = self.parent[number as usize];
            forest.ancestor[number as usize] = parent;
            let mut waiting = std::mem::replace(&mut first[parent as usize], NONE);
            while waiting != NONE {
                let lowest = forest.lowest(waiting);
                let lower = forest.semi[lowest as usize] < forest.semi[waiting as usize];
                dominator[waiting as usize] = if lower { lowest } else { parent };
                waiting = next[waiting as usize];
            }
        }
        for number in 1..count {
            if dominator[number] != forest.semi[number] {
                dominator[number] = dominator[dominator[number] as usize];
            }
        }
        dominator
    }
}

/// The forest of Lengauer and Tarjan: trees of numbers handled so far, with shortened ways to their roots.
struct Forest {
    semi: Vec<u32>,
    ancestor: Vec<u32>,
    /// On the shortened way to the root, the number with the lowest semidominator.
    label: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    fn new(count: usize) -> Self {
        let own: Vec<u32> = (0..count as u32).collect();
        Self { semi: own.clone(), ancestor: vec![NONE; count], label: own, path: Vec::new() }
    }

    /// The number with the lowest semidominator on the way from `number` to the root of its tree, the root excepted.
    fn lowest(&mut self, number: u32) -> u32 {
        let mut at = number;
        while self.ancestor[at as usize] != NONE {
            self.path.push(at);
            at = self.ancestor[at as usize];
        }
        let root = at;
        // From the root down: each way becomes one step, except that of the root's children, which is one already.
        while let Some(at) = self.path.pop() {
            let above = self.ancestor[at as usize];
            if above != root {
                let (mine, theirs) = (self.label[at as usize], self.label[above as usize]);
                if self.semi[theirs as usize] < self.semi[mine as usize] {
                    self.label[at as usize] = theirs;
                }
                self.ancestor[at as usize] = root;
            }
        }
        self.label[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::graph::tests::{from_edges, graph};
    use super::*;

    fn dominators(graph: &ObjectGraph) -> Dominators {
        Dominators::of(graph, &Referrers::of(graph))
    }

    #[test]
    fn a_list_retains_what_only_it_leads_to() {
        // 0 → list 1 → 2, 3; 3 → 4; 0 → 4; 5 is garbage that refers to 2.
        let graph = graph(&["root", "list", "x", "x", "x", "x"], &[(0, 1), (1, 2), (1, 3), (3, 4), (0, 4), (5, 2)]);
        let found = dominators(&graph);
        let retained: Vec<_> = graph.objects().map(|object| found.retained_bytes(object)).collect();
        assert_eq!(retained, [Some(50), Some(30), Some(10), Some(10), Some(10), None]);
        assert_eq!(
            (found.direct(2), found.direct(4), found.direct(0), found.direct(5)),
            (Some(1), Some(0), None, None)
        );
        assert_eq!((found.retained_objects(1), found.retained_objects(5)), (3, 0));
    }

    proptest! {
        #[test]
        fn an_object_retains_what_is_not_reached_without_it(
            objects in 1..14_u32,
            edges in vec((0..14_u32, 0..14_u32), 0..30),
        ) {
            let edges: Vec<_> = edges.into_iter().map(|(from, to)| (from % objects, to % objects)).collect();
            let graph = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges);
            let found = dominators(&graph);
            let all = reached_without(&graph, None);
            for without in graph.objects() {
                let left = reached_without(&graph, Some(without));
                let lost = graph.objects().filter(|&object| all[object as usize] && !left[object as usize]).count();
                prop_assert_eq!(found.retained_objects(without) as usize, lost);
                prop_assert_eq!(found.retained_bytes(without).unwrap_or(0), 10 * lost as u64);
            }
        }
    }

    fn reached_without(graph: &ObjectGraph, without: Option<u32>) -> Vec<bool> {
        let mut reached = vec![false; graph.len()];
        let mut open: Vec<u32> = graph.objects().filter(|&object| graph.is_held(object)).collect();
        while let Some(object) = open.pop() {
            if Some(object) != without && !std::mem::replace(&mut reached[object as usize], true) {
                open.extend(graph.targets(object));
            }
        }
        reached
    }

    #[test]
    fn a_doubly_linked_list_of_a_million_is_dominated_link_by_link() {
        let objects = 1_000_000_u32;
        let edges: Vec<_> = (1..objects).flat_map(|to| [(to - 1, to), (to, to - 1)]).collect();
        let graph = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges);
        let found = dominators(&graph);
        assert_eq!(found.retained_bytes(0), Some(10_000_000));
        assert_eq!((found.direct(999_999), found.retained_bytes(999_999)), (Some(999_998), Some(10)));
    }
}
