//! Reachability over any adjacency: the plain answer to "which objects are live", independent of every heap.
//!
//! A workload that mirrors its object graph, and every property test, asks here which objects must survive a
//! collection. Nothing recurses, so a list of millions of objects is no deeper than a list of two.

use rustc_hash::FxHashSet;
use std::hash::Hash;

/// All nodes that a path of zero or more edges leads to from `roots`, over nodes of any hashable kind.
///
/// `successors` is called once for each node reached and may name a node several times.
pub fn reachable<N, S>(roots: impl IntoIterator<Item = N>, mut successors: impl FnMut(N) -> S) -> FxHashSet<N>
where
    N: Copy + Eq + Hash,
    S: IntoIterator<Item = N>,
{
    let mut reached = FxHashSet::default();
    let mut pending = Vec::new();
    for root in roots {
        if reached.insert(root) {
            pending.push(root);
        }
    }
    while let Some(node) = pending.pop() {
        for next in successors(node) {
            if reached.insert(next) {
                pending.push(next);
            }
        }
    }
    reached
}

/// The same for nodes that are the indices `0..nodes`: `result[i]` says whether node `i` is reached.
///
/// # Panics
///
/// When a root or a successor is not in `0..nodes`.
pub fn reachable_indices<S>(
    nodes: usize,
    roots: impl IntoIterator<Item = u32>,
    mut successors: impl FnMut(u32) -> S,
) -> Vec<bool>
where
    S: IntoIterator<Item = u32>,
{
    let mut reached = vec![false; nodes];
    let mut pending = Vec::new();
    let mut enter = |node: u32, pending: &mut Vec<u32>| {
        if !std::mem::replace(&mut reached[node as usize], true) {
            pending.push(node);
        }
    };
    for root in roots {
        enter(root, &mut pending);
    }
    while let Some(node) = pending.pop() {
        for next in successors(node) {
            enter(next, &mut pending);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_a_million_is_no_deeper_than_a_list_of_two() {
        let nodes = 1_000_000;
        let next = |node: u32| (node + 1 < nodes).then_some(node + 1);
        assert!(reachable_indices(nodes as usize, [0], next).into_iter().all(|reached| reached));
        assert_eq!(reachable([0], next).len(), nodes as usize);
    }

    #[test]
    fn a_ring_that_no_root_reaches_stays_unreached() {
        // 0 → 1 → 0 hangs on the root; 2 ⇄ 3 points at it and hangs on nothing.
        let edges: [&[u32]; 4] = [&[1], &[0], &[3, 0], &[2]];
        let successors = |node: u32| edges[node as usize].iter().copied();
        assert_eq!(reachable_indices(4, [0], successors), [true, true, false, false]);
        let mut reached: Vec<u32> = reachable([0], successors).into_iter().collect();
        reached.sort_unstable();
        assert_eq!(reached, [0, 1]);
    }

    #[test]
    fn without_roots_nothing_is_reached() {
        assert_eq!(reachable_indices(2, [], |_| [0, 1]), [false, false]);
        assert!(reachable([], |node: u64| [node]).is_empty());
    }
}
