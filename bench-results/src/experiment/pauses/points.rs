//! What is asked of whom: shapes, sizes, orders, and how much dies.

use anyhow::{Context, Result};
use workloads::structures::{Form, Plan};

use crate::experiment::trial::{Cell, Point, Script, Size, Subject};

/// Every heap that collects, and settings that change where a collection's work is done.
pub(super) fn subjects() -> Vec<Subject> {
    vec![
        Subject::heap("generational", None),
        Subject::heap("generational", Some(("place", "side"))),
        Subject::heap("generational-streaming", None),
        Subject::heap("stop-the-world", None),
        Subject::heap("concurrent", None),
        Subject::heap("concurrent", Some(("certify", "stopped"))),
    ]
}

/// Nodes of a nested list's structure: its references grow with the square.
const NESTED: u32 = 100;

pub(super) fn points(size: Size) -> Vec<Point> {
    let (sizes, nodes): (&[u32], u32) = match size {
        Size::Tiny => (&[1_000, 4_000], 4_000),
        Size::Quick => (&[100_000, 300_000, 1_000_000], 200_000),
        Size::Standard => (&[100_000, 300_000, 1_000_000, 3_000_000, 10_000_000], 1_000_000),
    };
    let mut points: Vec<Point> = Vec::new();
    let mut add = |form, nodes, k, order, dying| {
        let point = point(form, nodes, k, order, dying);
        if !points.contains(&point) {
            points.push(point);
        }
    };
    for &nodes in sizes {
        add(Form::Ring, nodes, 10, "built", "all");
        add(Form::Records, nodes, 2, "built", "all");
        // A further shape at each size, as far as half an hour goes.
        if nodes <= 3_000_000 && size != Size::Quick {
            add(Form::Ring, nodes, nodes, "built", "all");
            add(Form::Tree, nodes, nodes, "built", "all");
        }
    }
    for k in [2, 10, 100, 10_000, nodes] {
        add(Form::Ring, nodes, k.min(nodes), "built", "all");
    }
    for k in [10, nodes] {
        add(Form::List, nodes, k, "built", "all");
    }
    for k in [100, nodes] {
        add(Form::Tree, nodes, k, "built", "all");
    }
    add(Form::Nested, nodes / 5, NESTED, "built", "all");
    add(Form::Records, nodes, 2, "built", "all");
    for (form, k) in [(Form::Ring, 10), (Form::Ring, nodes), (Form::Tree, nodes)] {
        add(form, nodes, k, "shuffled", "all");
    }
    for (form, k) in [(Form::Ring, 10), (Form::Tree, 100), (Form::Records, 2)] {
        add(form, nodes, k, "built", "half");
    }
    points
}

fn point(form: Form, nodes: u32, k: u32, order: &'static str, dying: &'static str) -> Point {
    let shape = form.name();
    let of = if k == nodes { "all".to_owned() } else { k.to_string() };
    let more = [("shuffled", order), ("half", dying)]
        .map(|(word, given)| if word == given { format!("-{word}") } else { String::new() });
    Point::new(
        format!("{shape}-{of}{}-{nodes}", more.concat()),
        &[("shape", &shape), ("nodes", &nodes), ("k", &k), ("order", &order), ("dying", &dying)],
    )
}

/// The structures of a cell.
pub(super) fn plan(cell: &Cell) -> Result<Plan> {
    let shape = cell.text("shape");
    let form = Form::ALL.into_iter().find(|form| form.name() == shape);
    Ok(Plan {
        form: form.with_context(|| format!("no shape is called `{shape}`"))?,
        nodes: cell.integer("nodes")?,
        size: cell.integer("k")?,
        shuffled: cell.text("order") == "shuffled",
        seed: 7,
    })
}

/// Seconds for an object, as measured on a virtual machine of 2024 with two cores.
pub(super) fn expected_s(cell: &Cell) -> f64 {
    let Ok(plan) = plan(cell) else { return 0.0 };
    let each = match (plan.form, plan.shuffled) {
        (_, true) => 4.0e-6,
        // Half of NESTED references each.
        (Form::Nested, _) => 3.0e-6,
        (Form::Records, _) => 0.9e-6,
        _ => 0.8e-6,
    };
    0.1 + each * f64::from(plan.nodes)
}

/// `shapes.py` with the same structures.
pub(super) fn script(cell: &Cell) -> Option<Script> {
    let plan = plan(cell).ok()?;
    let state = if cell.text("dying") == "half" { "half" } else { "dead" };
    let order = if plan.shuffled { "shuffled" } else { "in-order" };
    let shape = plan.form.name();
    let options: [(&str, &dyn std::fmt::Display); 6] = [
        ("shape", &shape),
        ("n", &plan.nodes),
        ("k", &plan.size),
        ("state", &state),
        ("order", &order),
        ("seed", &plan.seed),
    ];
    Some(Script::new("shapes.py", &options))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Pauses;
    use super::*;
    use crate::experiment::trial::Plan;

    #[test]
    fn every_point_can_be_built_and_no_two_have_one_name() {
        for size in [Size::Tiny, Size::Quick, Size::Standard] {
            let plan = Plan::new(&Pauses, size, &[], &[], 1, 60).unwrap();
            for cell in &plan.cells {
                super::plan(cell).unwrap();
            }
            let names: BTreeSet<String> = points(size).into_iter().map(|point| point.question).collect();
            assert_eq!(names.len(), points(size).len());
        }
    }
}
