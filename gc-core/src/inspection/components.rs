//! Strongly connected components of a graph of objects: which of them are on a cycle.
//!
//! # Prior work
//!
//! Tarjan, "Depth-first search and linear graph algorithms" (1972), with an explicit stack in place of recursion: the
//! depth of a heap graph is the length of its longest list.

/// Stands for "in no component": the node is of no interest.
const NONE: u32 = u32::MAX;

/// The strongly connected components over the nodes of interest (of a process's heap: the tracked ones) and the edges
/// between them.
#[derive(Clone, Debug)]
pub struct Components {
    of_node: Vec<u32>,
    sizes: Vec<u32>,
    on_cycle: Vec<bool>,
}

impl Components {
    /// Finds all components of a graph with nodes from 0 to `nodes` − 1, as far as they are `of_interest`, in time linear in
    /// nodes and edges.
    pub fn over<'t>(nodes: usize, targets: impl Fn(u32) -> &'t [u32], of_interest: impl Fn(u32) -> bool) -> Self {
        Search::new(nodes, targets, of_interest).run()
    }

    /// Number of nodes of each component, in no particular order.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// For each component, whether its nodes are on a cycle: it has several nodes, or one that references itself.
    pub fn cyclic(&self) -> &[bool] {
        &self.on_cycle
    }

    /// The component of `node`; `None` when it is of no interest.
    pub fn of_node(&self, node: u32) -> Option<u32> {
        Some(self.of_node[node as usize]).filter(|&component| component != NONE)
    }

    /// Whether `node` is of interest and on a cycle of such nodes.
    pub fn is_on_cycle(&self, node: u32) -> bool {
        self.of_node(node).is_some_and(|component| self.on_cycle[component as usize])
    }
}

/// A node whose edges are being walked, and how many of them were.
struct Visit {
    node: u32,
    walked: usize,
}

struct Search<T, I> {
    nodes: usize,
    targets: T,
    of_interest: I,
    /// Order of discovery; `NONE` before it.
    order: Vec<u32>,
    /// Smallest order known to be reachable within the component.
    lowest: Vec<u32>,
    discovered: u32,
    /// Nodes discovered whose component is not complete.
    open: Vec<u32>,
    found: Components,
}

impl<'t, T: Fn(u32) -> &'t [u32], I: Fn(u32) -> bool> Search<T, I> {
    fn new(nodes: usize, targets: T, of_interest: I) -> Self {
        let found = Components { of_node: vec![NONE; nodes], sizes: Vec::new(), on_cycle: Vec::new() };
        let (order, lowest) = (vec![NONE; nodes], vec![NONE; nodes]);
        Self { nodes, targets, of_interest, order, lowest, discovered: 0, open: Vec::new(), found }
    }

    fn run(mut self) -> Components {
        for start in 0..self.nodes as u32 {
            if (self.of_interest)(start) && self.order[start as usize] == NONE {
                self.walk(start);
            }
        }
        self.found
    }

    fn discover(&mut self, node: u32) -> Visit {
        self.order[node as usize] = self.discovered;
        self.lowest[node as usize] = self.discovered;
        self.discovered += 1;
        self.open.push(node);
        Visit { node, walked: 0 }
    }

    fn walk(&mut self, start: u32) {
        let mut path = vec![self.discover(start)];
        while let Some(visit) = path.last_mut() {
            let node = visit.node;
            if let Some(&target) = (self.targets)(node).get(visit.walked) {
                visit.walked += 1;
                if !(self.of_interest)(target) {
                    continue;
                }
                if self.order[target as usize] == NONE {
                    path.push(self.discover(target));
                } else if self.found.of_node[target as usize] == NONE {
                    self.lower(node, self.order[target as usize]);
                }
            } else {
                path.pop();
                if let Some(parent) = path.last() {
                    self.lower(parent.node, self.lowest[node as usize]);
                }
                if self.lowest[node as usize] == self.order[node as usize] {
                    self.close(node);
                }
            }
        }
    }

    fn lower(&mut self, node: u32, order: u32) {
        let lowest = &mut self.lowest[node as usize];
        *lowest = (*lowest).min(order);
    }

    /// Takes the component whose first discovered node is `first` off the open nodes.
    fn close(&mut self, first: u32) {
        let component = self.found.sizes.len() as u32;
        let mut size = 0;
        while let Some(node) = self.open.pop() {
            self.found.of_node[node as usize] = component;
            size += 1;
            if node == first {
                break;
            }
        }
        self.found.sizes.push(size);
        self.found.on_cycle.push(size > 1 || (self.targets)(first).contains(&first));
    }
}
