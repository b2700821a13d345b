//! Who holds an object: its referrers, chains of them up to what holds them in turn, and the holders of a type.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::graph::ObjectGraph;

/// The references of a graph the other way round: by target. Takes 4 bytes an object and a reference.
#[derive(Clone, Debug)]
pub struct Referrers {
    offsets: Vec<u32>,
    sources: Vec<u32>,
}

impl Referrers {
    /// Turns the references of `graph` round.
    pub fn of(graph: &ObjectGraph) -> Self {
        let mut offsets = vec![0_u32; graph.len() + 1];
        for object in graph.objects() {
            for &target in graph.targets(object) {
                offsets[target as usize + 1] += 1;
            }
        }
        for object in 0..graph.len() {
            offsets[object + 1] += offsets[object];
        }
        let mut next = offsets.clone();
        let mut sources = vec![0; graph.edges()];
        for object in graph.objects() {
            for &target in graph.targets(object) {
                let place = &mut next[target as usize];
                sources[*place as usize] = object;
                *place += 1;
            }
        }
        Self { offsets, sources }
    }

    /// The objects that refer to `object`, ascending, each as often as it does.
    pub fn to(&self, object: u32) -> &[u32] {
        let object = object as usize;
        &self.sources[self.offsets[object] as usize..self.offsets[object + 1] as usize]
    }
}

/// Bounds of a search for chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// References of the longest chain.
    pub depth: usize,
    /// Most chains.
    pub chains: usize,
    /// Most objects looked at.
    pub objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 8, chains: 10, objects: 1_000_000 }
    }
}

/// Why a chain is not longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// Its last object is one where the asker wanted to stop: a module, say.
    Destination,
    /// Its last object is held from outside the graph.
    Held,
    /// Nothing known refers to its last object.
    NoReferrer,
    /// All that refers to its last object is on a shorter chain already: a cycle, or another way to the same.
    Known,
    /// It has the greatest depth.
    Depth,
}

/// A way along which an object is held: the object, what refers to it, what refers to that, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// From the object outward.
    pub objects: Vec<u32>,
    /// Why it ends there.
    pub end: ChainEnd,
}

/// The chains of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    /// Those that lead to a destination first, then those to what is held from outside, then the others; of each kind the
    /// shortest first.
    pub chains: Vec<Chain>,
    /// Objects looked at.
    pub seen: usize,
    /// Whether a limit kept chains from being found.
    pub cut: bool,
}

/// The shortest chains from `object` outward. Each object is on the way of one chain at most, the shortest that reaches it,
/// so neither cycles nor a hundred thousand referrers of one object make it long: time and memory are linear in the
/// objects looked at and their referrers.
pub fn chains(
    graph: &ObjectGraph,
    referrers: &Referrers,
    object: u32,
    is_destination: impl Fn(u32) -> bool,
    limits: Limits,
) -> Chains {
    // In the order of discovery: the object, and the place of what it refers to on the way back.
    let mut queue: Vec<(u32, u32, u32)> = vec![(object, 0, 0)];
    let mut seen = FxHashMap::default();
    seen.insert(object, ());
    let mut ends: Vec<(u32, ChainEnd)> = Vec::new();
    let mut cut = false;
    let mut place = 0;
    while place < queue.len() {
        let (at, _, depth) = queue[place];
        let end = if place > 0 && is_destination(at) {
            Some(ChainEnd::Destination)
        } else if graph.is_held(at) {
            Some(ChainEnd::Held)
        } else if depth as usize == limits.depth {
            Some(ChainEnd::Depth)
        } else {
            None
        };
        // What is held from outside may be held from inside as well.
        if !matches!(end, Some(ChainEnd::Destination | ChainEnd::Depth)) {
            let before = queue.len();
            for &referrer in referrers.to(at) {
                if queue.len() >= limits.objects {
                    cut = true;
                    break;
                }
                if seen.insert(referrer, ()).is_none() {
                    queue.push((referrer, place as u32, depth + 1));
                }
            }
            if end.is_none() && queue.len() == before {
                let known = referrers.to(at).is_empty();
                ends.push((place as u32, if known { ChainEnd::NoReferrer } else { ChainEnd::Known }));
            }
        }
        if let Some(end) = end {
            ends.push((place as u32, end));
        }
        place += 1;
    }
    let rank = |end| match end {
        // What is held from outside is so by something without a name: a destination says more, however far.
        ChainEnd::Destination => 0,
        ChainEnd::Held => 1,
        ChainEnd::NoReferrer => 2,
        ChainEnd::Depth => 3,
        ChainEnd::Known => 4,
    };
    // A stable sort: of equal rank the shorter chain, which was found earlier, stays first.
    ends.sort_by_key(|&(_, end)| rank(end));
    cut |= ends.len() > limits.chains;
    ends.truncate(limits.chains);
    let chains = ends.into_iter().map(|(end_place, end)| Chain { objects: way(&queue, end_place), end }).collect();
    Chains { chains, seen: queue.len(), cut }
}

/// From the first object of the search to the one at `place`.
fn way(queue: &[(u32, u32, u32)], mut place: u32) -> Vec<u32> {
    let mut objects = vec![queue[place as usize].0];
    while place != 0 {
        place = queue[place as usize].1;
        objects.push(queue[place as usize].0);
    }
    objects.reverse();
    objects
}

/// An object that refers to objects of some kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The holder.
    pub object: u32,
    /// How many different ones it refers to.
    pub held: u64,
    /// How many of these nothing else refers to.
    pub alone: u64,
}

/// Who refers to the objects that `is_wanted` is true for: the `top` holders of most of them. A holder that is itself wanted
/// is left out, so that a list of linked objects is held by what holds the list.
pub fn holders(graph: &ObjectGraph, referrers: &Referrers, is_wanted: impl Fn(u32) -> bool, top: usize) -> Vec<Holder> {
    let mut holders: FxHashMap<u32, Holder> = FxHashMap::default();
    for object in graph.objects().filter(|&object| is_wanted(object)) {
        let sources = referrers.to(object);
        let mut before = None;
        // Ascending, so that equal ones stand together.
        let single = sources.first() == sources.last();
        for &source in sources {
            if before.replace(source) == Some(source) || is_wanted(source) {
                continue;
            }
            let holder = holders.entry(source).or_insert(Holder { object: source, held: 0, alone: 0 });
            holder.held += 1;
            holder.alone += u64::from(single);
        }
    }
    let mut holders: Vec<Holder> = holders.into_values().collect();
    holders.sort_by_key(|holder| (Reverse(holder.held), Reverse(holder.alone), holder.object));
    holders.truncate(top);
    holders
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{from_edges, graph};
    use super::*;

    fn chains_of(graph: &ObjectGraph, object: u32, limits: Limits) -> Chains {
        chains(graph, &Referrers::of(graph), object, |at| graph.type_name(at) == "module", limits)
    }

    #[test]
    fn a_chain_leads_from_a_leaked_object_to_the_module_that_holds_its_list() {
        // 0 module → 1 dict → 2 list → 3, 4, 5; 4 ⇄ 5.
        let graph = graph(
            &["module", "dict", "list", "Leaky", "Leaky", "Leaky"],
            &[(0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (4, 5), (5, 4)],
        );
        let found = chains_of(&graph, 4, Limits::default());
        assert_eq!(found.chains[0], Chain { objects: vec![4, 2, 1, 0], end: ChainEnd::Destination });
        assert_eq!(found.chains[1], Chain { objects: vec![4, 5], end: ChainEnd::Known });
        assert_eq!((found.chains.len(), found.seen, found.cut), (2, 5, false));
        let shallow = chains_of(&graph, 4, Limits { depth: 2, ..Limits::default() });
        assert_eq!(shallow.chains[0], Chain { objects: vec![4, 2, 1], end: ChainEnd::Depth });
        let referrers = Referrers::of(&graph);
        let leaky = |object| graph.type_name(object) == "Leaky";
        assert_eq!(holders(&graph, &referrers, leaky, 5), [Holder { object: 2, held: 3, alone: 1 }]);
    }

    #[test]
    fn a_module_says_more_than_a_nearer_dict_that_is_held_from_outside() {
        // 0, held from outside, → 3; 1 module → 2 → 0.
        let graph = graph(&["dict", "module", "dict", "Leaky"], &[(0, 3), (1, 2), (2, 0)]);
        let found = chains_of(&graph, 3, Limits::default());
        assert_eq!(found.chains[0], Chain { objects: vec![3, 0, 2, 1], end: ChainEnd::Destination });
        assert_eq!(found.chains[1], Chain { objects: vec![3, 0], end: ChainEnd::Held });
    }

    #[test]
    fn garbage_on_a_cycle_has_no_way_out_and_the_search_ends() {
        let graph = graph(&["root", "a", "b"], &[(1, 2), (2, 1)]);
        let found = chains_of(&graph, 1, Limits::default());
        assert_eq!(found.chains, [Chain { objects: vec![1, 2], end: ChainEnd::Known }]);
        let alone = chains_of(&graph, 0, Limits::default());
        assert_eq!(alone.chains, [Chain { objects: vec![0], end: ChainEnd::Held }]);
    }

    #[test]
    fn a_hundred_thousand_referrers_are_bounded() {
        let objects = 100_001;
        let edges: Vec<_> = (1..objects).map(|from| (from, 0)).collect();
        let types = vec!["x".to_owned(), "target".to_owned()];
        let mut kinds = vec![0; objects as usize];
        kinds[0] = 1;
        let graph = from_edges(types, kinds, &edges);
        let limits = Limits { objects: 1_000, chains: 3, ..Limits::default() };
        let found = chains_of(&graph, 0, limits);
        assert_eq!((found.chains.len(), found.seen, found.cut), (3, 1_000, true));
    }

    #[test]
    fn a_chain_of_a_million_is_followed_to_its_end() {
        let objects = 1_000_000;
        let edges: Vec<_> = (1..objects).map(|to| (to - 1, to)).collect();
        let graph = from_edges(vec!["x".to_owned()], vec![0; objects as usize], &edges);
        let limits = Limits { depth: usize::MAX, ..Limits::default() };
        let found = chains_of(&graph, objects - 1, limits);
        assert_eq!((found.chains[0].objects.len(), found.chains[0].end), (1_000_000, ChainEnd::Held));
    }
}
