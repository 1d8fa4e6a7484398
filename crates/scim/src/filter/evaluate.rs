//! Whether something matches.

use super::{Filter, Literal, Op};
use crate::attributes::Attributes;
use crate::matching::{Matching, Number, Place};
use crate::moment::Moment;
use crate::node::Node;
use crate::path::AttrPath;

pub(super) fn resource<A: Attributes + ?Sized>(filter: &Filter, resource: &A) -> bool {
    matches(filter, &|path: &AttrPath, f: &mut dyn FnMut(Node<'_>) -> bool| {
        let Some(top) = resource.attribute(path.top()) else { return false };
        let Some(node) = top.node() else { return false };
        let node = if path.schema().is_some() {
            node.as_complex().and_then(|extension| extension.get(path.name()))
        } else {
            Some(node)
        };
        node.is_some_and(|node| each_leaf(node, path, f))
    })
}

pub(super) fn element(filter: &Filter, element: Node<'_>) -> bool {
    matches(filter, &|path: &AttrPath, f: &mut dyn FnMut(Node<'_>) -> bool| match element {
        Node::Complex(object) => {
            object.get(path.name()).is_some_and(|node| each_leaf(node, path, f))
        }
        // The one name inside the brackets of simple values is `value`.
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) | Node::String(_) | Node::List(_) => {
            f(element)
        }
    })
}

/// Shows the values at a path one after the other, until one is what was looked for.
type Visit<'v> = &'v dyn Fn(&AttrPath, &mut dyn FnMut(Node<'_>) -> bool) -> bool;

fn each_leaf(node: Node<'_>, path: &AttrPath, f: &mut dyn FnMut(Node<'_>) -> bool) -> bool {
    let mut leaf = |node: Node<'_>| match path.sub() {
        None => f(node),
        Some(sub) => match node.as_complex().and_then(|object| object.get(sub)) {
            Some(Node::List(list)) => list.iter().any(&mut *f),
            Some(other) => f(other),
            None => false,
        },
    };
    match node {
        Node::List(list) => list.iter().any(leaf),
        Node::Bool(_)
        | Node::Integer(_)
        | Node::Decimal(_)
        | Node::String(_)
        | Node::Complex(_) => leaf(node),
    }
}

fn matches(filter: &Filter, visit: Visit<'_>) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| matches(term, visit)),
        Filter::Or(terms) => terms.iter().any(|term| matches(term, visit)),
        Filter::Not(inner) => !matches(inner, visit),
        Filter::Present(path) => visit(path, &mut is_present),
        Filter::Element { path, filter } => visit(path, &mut |node| element(filter, node)),
        Filter::Compare { path, op: Op::Eq, value: Literal::Null } => {
            !visit(path, &mut is_assigned)
        }
        Filter::Compare { path, value: Literal::Null, .. } => visit(path, &mut is_assigned),
        Filter::Compare { path, op: Op::Ne, value } => {
            let matching = path.matching();
            let mut is_there = false;
            let differs = visit(path, &mut |node| {
                is_there = true;
                !compare(matching, node, Op::Eq, value)
            });
            differs || !is_there
        }
        Filter::Compare { path, op, value } => {
            let matching = path.matching();
            visit(path, &mut |node| compare(matching, node, *op, value))
        }
    }
}

fn is_assigned(node: Node<'_>) -> bool {
    !node.is_unassigned()
}

/// `false` and `0` are present, `""` is not (RFC 7644 §3.4.2.2, `pr`).
fn is_present(node: Node<'_>) -> bool {
    match node {
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) => true,
        Node::String(text) => !text.is_empty(),
        Node::List(list) => list.iter().any(is_present),
        Node::Complex(object) => object.iter().any(|(_, node)| is_present(node)),
    }
}

fn compare(matching: Matching, node: Node<'_>, op: Op, literal: &Literal) -> bool {
    match (literal, node) {
        (Literal::Bool(wanted), Node::Bool(flag)) => op == Op::Eq && flag == *wanted,
        (Literal::Integer(wanted), _) => number(node, op, Number::Whole(*wanted)),
        (Literal::Decimal(wanted), _) => number(node, op, Number::Decimal(*wanted)),
        (Literal::String { prepared, .. }, Node::String(text)) => {
            string(matching, text, op, prepared)
        }
        (Literal::Moment { at, .. }, Node::String(text)) => {
            Moment::parse(text).is_some_and(|moment| ordered(moment.cmp(at), op))
        }
        (Literal::Null | Literal::Bool(_) | Literal::String { .. } | Literal::Moment { .. }, _) => {
            false
        }
    }
}

fn number(node: Node<'_>, op: Op, wanted: Number) -> bool {
    match node {
        Node::Integer(number) => ordered(Number::Whole(number).cmp(&wanted), op),
        Node::Decimal(number) => ordered(Number::Decimal(number).cmp(&wanted), op),
        Node::Bool(_) | Node::String(_) | Node::List(_) | Node::Complex(_) => false,
    }
}

fn string(matching: Matching, text: &str, op: Op, prepared: &str) -> bool {
    match op {
        Op::Eq => matching.equals(text, prepared),
        Op::Ne => !matching.equals(text, prepared),
        Op::Co => matching.has_part(text, Place::Anywhere, prepared),
        Op::Sw => matching.has_part(text, Place::Start, prepared),
        Op::Ew => matching.has_part(text, Place::End, prepared),
        Op::Gt | Op::Ge | Op::Lt | Op::Le => ordered((*matching.prepare(text)).cmp(prepared), op),
    }
}

fn ordered(order: std::cmp::Ordering, op: Op) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Co | Op::Sw | Op::Ew => false,
    }
}
