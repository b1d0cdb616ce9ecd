use super::error::ConvertError;
use super::graph::{Graphs, Kind, ROOT};
use crate::NodeLabel;

/// How deep subgraphs may be nested.
const MAX_DEPTH: usize = 50;

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Unseen,
    Open,
    Done,
}

/// The graphs that the workflow uses, those inside of others first. The outermost is the last.
pub(super) fn inner_first(graphs: &Graphs<'_>) -> Result<Vec<usize>, ConvertError> {
    let mut visits = vec![Visit::Unseen; graphs.all.len()];
    let mut heights = vec![0; graphs.all.len()];
    let mut order = Vec::new();
    visit(graphs, ROOT, 0, &mut visits, &mut heights, &mut order)?;
    Ok(order)
}

fn visit(
    graphs: &Graphs<'_>,
    place: usize,
    depth: usize,
    visits: &mut [Visit],
    heights: &mut [usize],
    order: &mut Vec<usize>,
) -> Result<(), ConvertError> {
    let (Some(graph), Some(here)) = (graphs.all.get(place), visits.get_mut(place)) else { return Ok(()) };
    *here = Visit::Open;
    let mut height = 0;
    for node in &graph.nodes {
        let Kind::Subgraph(subgraph) = node.kind else { continue };
        let label = || NodeLabel { id: node.id.to_string(), title: node.title.clone(), class_type: node.class.clone() };
        match visits.get(subgraph).copied() {
            Some(Visit::Open) => {
                let name = graphs.all.get(subgraph).map(|graph| graph.name.clone()).unwrap_or_default();
                return Err(ConvertError::RecursiveSubgraph { node: label(), subgraph: name });
            }
            Some(Visit::Unseen) if depth < MAX_DEPTH => visit(graphs, subgraph, depth + 1, visits, heights, order)?,
            Some(Visit::Unseen) => return Err(ConvertError::TooDeep { node: label(), limit: MAX_DEPTH }),
            _ => {}
        }
        // One that was seen from elsewhere counts with all that is inside of it.
        height = height.max(heights.get(subgraph).copied().unwrap_or(0) + 1);
        if depth + height > MAX_DEPTH {
            return Err(ConvertError::TooDeep { node: label(), limit: MAX_DEPTH });
        }
    }
    if let (Some(own), Some(visit)) = (heights.get_mut(place), visits.get_mut(place)) {
        *own = height;
        *visit = Visit::Done;
    }
    order.push(place);
    Ok(())
}
