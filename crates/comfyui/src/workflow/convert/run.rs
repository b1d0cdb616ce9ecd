use super::emit::emit;
use super::error::ConvertError;
use super::node_names::NodeNames;
use super::notice::Notice;
use super::options::ConvertOptions;
use super::ui::UiWorkflow;
use super::{group_nodes, load, order, primitives, promotion, proxy_widgets, unique_ids};
use crate::{NodeDefinitions, Workflow};

/// What came of a workflow of the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// What `POST /prompt` takes, equal to what the editor's "Export (API)" saves; but integers keep the digits that the
    /// editor's JavaScript loses, and a node of an unknown class keeps the name of its class.
    pub prompt: Workflow,
    /// What the user should hear.
    pub notices: Vec<Notice>,
}

impl Conversion {
    /// Whether the server knows all of its nodes, as far as the definitions told.
    #[must_use]
    pub fn is_runnable(&self) -> bool {
        let unknown = |notice| matches!(notice, &Notice::UnknownClass { .. } | &Notice::MissingSubgraph { .. });
        !self.notices.iter().any(unknown)
    }
}

/// Turns a workflow of the editor into a prompt.
///
/// `definitions` must have the classes of all nodes that the server has; see [`UiWorkflow::node_types`]. A class that is
/// missing there is an [unknown](Notice::UnknownClass) one.
///
/// # Errors
/// [`ConvertError`], which names the node, where there is no prompt that does what the editor's would.
pub fn convert(
    workflow: &UiWorkflow,
    definitions: &NodeDefinitions,
    options: &ConvertOptions,
) -> Result<Conversion, ConvertError> {
    let mut workflow = workflow.clone();
    unique_ids::make_unique(&mut workflow);
    group_nodes::unfold(&mut workflow, definitions);
    let (mut graphs, said) = load::load(workflow, definitions);
    let inner_first = order::inner_first(&graphs)?;
    // Of subgraphs that are not used there is nothing to say.
    let used = said.into_iter().enumerate().filter(|(place, _)| inner_first.contains(place));
    let mut notices: Vec<Notice> = used.flat_map(|(_, notices)| notices).collect();
    for graph in &inner_first {
        promotion::promote(&mut graphs, *graph);
        proxy_widgets::migrate(&mut graphs, *graph);
    }
    for place in inner_first {
        let written = {
            let names = NodeNames::new(&graphs);
            graphs.all.get(place).map(|graph| primitives::written(graph, |text| names.fill(text, options)))
        };
        if let (Some(graph), Some(written)) = (graphs.all.get_mut(place), written) {
            primitives::write(graph, written);
        }
    }
    let nodes = emit(&graphs, options, &mut notices)?;
    Ok(Conversion { prompt: Workflow { nodes }, notices })
}
