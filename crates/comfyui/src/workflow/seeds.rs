use rand::{Rng, RngExt};
use serde_json::Value;

use super::{InputPlace, Node, Workflow};
use crate::{InputType, NodeClasses, NodeLabel, ValueError};

/// The input names that ComfyUI's own nodes use for a seed.
const SEED_INPUTS: [&str; 2] = ["seed", "noise_seed"];

/// A seed that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSet {
    /// The node's id.
    pub node: String,
    /// The input, mostly `seed` or `noise_seed`.
    pub input: String,
    /// The new value.
    pub seed: u64,
}

/// An input that does not take the seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {input} {error}")]
pub struct SeedError {
    /// The node.
    pub node: NodeLabel,
    /// The input.
    pub input: String,
    /// What it takes.
    pub error: Box<ValueError>,
}

impl Workflow {
    /// The inputs that hold a seed as an integer of the workflow itself, in the file's order. Linked ones are not among
    /// them, nor are seeds of another kind (a custom node's text, say).
    ///
    /// A seed is what is called `seed` or `noise_seed`; and what `classes` declare to change after each run
    /// (`control_after_generate`), if it is called something with `seed`, or fills seeds of other nodes and nothing else.
    /// The declaration alone is not enough: `PrimitiveInt` has it, and holds widths and step counts as well.
    #[must_use]
    pub fn seed_inputs(&self, classes: &NodeClasses) -> Vec<InputPlace> {
        let mut places = Vec::new();
        for (id, node) in &self.nodes {
            for (name, value) in &node.inputs {
                if !value.is_u64() && !value.is_i64() {
                    continue;
                }
                let is_controlled = || classes.input(&node.class_type, name).is_some_and(|input| input.is_controlled);
                if is_seed_name(name)
                    || (is_controlled() && (name.to_lowercase().contains("seed") || self.fills_only_seeds(id)))
                {
                    places.push(InputPlace { node_id: id.clone(), input: name.clone() });
                }
            }
        }
        places
    }

    /// The classes whose declarations [`seed_inputs`](Self::seed_inputs) and [`draw_seeds`](Self::draw_seeds) can use.
    #[must_use]
    pub fn classes_with_seeds(&self) -> Vec<&str> {
        let with_seeds = self.nodes.iter().filter(|(id, node)| {
            let integers = || node.inputs.iter().filter(|(_, value)| value.is_u64() || value.is_i64());
            integers().any(|(name, _)| name.to_lowercase().contains("seed"))
                || (integers().next().is_some() && self.fills_only_seeds(id))
        });
        let mut classes: Vec<&str> = with_seeds.map(|(_, node)| node.class_type.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn fills_only_seeds(&self, id: &str) -> bool {
        let filled_by = |node: &Node, input: &str| {
            let source = node.inputs.get(input).and_then(Value::as_array).and_then(|link| link.first());
            source.and_then(Value::as_str) == Some(id)
        };
        let mut fills = self
            .nodes
            .values()
            .flat_map(|node| node.inputs.keys().map(move |input| (node, input)))
            .filter(|(node, input)| filled_by(node, input))
            .peekable();
        fills.peek().is_some() && fills.all(|(_, input)| is_seed_name(input))
    }

    /// Gives every [seed](Self::seed_inputs) but those in `except` a new value from `rng`: of the range that its class
    /// declares, else of the 64 bits that ComfyUI's own nodes take (`nodes.py`: `"max": 0xffffffffffffffff`).
    pub fn draw_seeds(&mut self, classes: &NodeClasses, except: &[InputPlace], rng: &mut impl Rng) -> Vec<SeedSet> {
        let mut set = Vec::new();
        for place in self.seed_inputs(classes).into_iter().filter(|place| !except.contains(place)) {
            let declared =
                self.nodes.get(&place.node_id).and_then(|node| classes.input(&node.class_type, &place.input));
            let (least, most) = match declared.map(|declared| &declared.kind) {
                Some(InputType::Int { min, max }) => (min.unwrap_or(0), max.unwrap_or(i128::from(u64::MAX))),
                _ => (0, i128::from(u64::MAX)),
            };
            // A least value of -1 mostly means "any", which is no seed.
            let least = u64::try_from(least.max(0)).unwrap_or(0);
            let most = u64::try_from(most).unwrap_or(if most < 0 { 0 } else { u64::MAX });
            let seed = if least <= most { rng.random_range(least..=most) } else { least };
            self.set_input(&place, Value::from(seed));
            set.push(SeedSet { node: place.node_id, input: place.input, seed });
        }
        set
    }

    /// Gives every `seed` and `noise_seed` that stands in the workflow as an integer a new value from `rng`:
    /// [`draw_seeds`](Self::draw_seeds) without knowing the classes.
    pub fn randomize_seeds(&mut self, rng: &mut impl Rng) -> Vec<SeedSet> {
        self.draw_seeds(&NodeClasses::default(), &[], rng)
    }

    /// Gives every [seed](Self::seed_inputs) but those in `except` the same value.
    ///
    /// # Errors
    /// Which input does not take it, and why; nothing is changed then.
    pub fn set_seeds(
        &mut self,
        seed: u64,
        classes: &NodeClasses,
        except: &[InputPlace],
    ) -> Result<Vec<SeedSet>, SeedError> {
        let places: Vec<_> = self.seed_inputs(classes).into_iter().filter(|place| !except.contains(place)).collect();
        for place in &places {
            let declared =
                self.nodes.get(&place.node_id).and_then(|node| classes.input(&node.class_type, &place.input));
            if let Some(Err(error)) = declared.map(|declared| declared.accept(Value::from(seed))) {
                return Err(SeedError {
                    node: self.node_label(&place.node_id),
                    input: place.input.clone(),
                    error: Box::new(error),
                });
            }
        }
        for place in &places {
            self.set_input(place, Value::from(seed));
        }
        Ok(places.into_iter().map(|place| SeedSet { node: place.node_id, input: place.input, seed }).collect())
    }
}

fn is_seed_name(input: &str) -> bool {
    SEED_INPUTS.contains(&input)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use serde_json::json;

    use super::*;
    use crate::NodeClass;

    #[test]
    fn literal_seeds_are_replaced_and_links_are_not() {
        let mut workflow = Workflow::parse(
            r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20}},
                "4": {"class_type": "KSampler", "inputs": {"seed": ["9", 0]}},
                "5": {"class_type": "RandomNoise", "inputs": {"noise_seed": -1}},
                "6": {"class_type": "Custom", "inputs": {"seed": "fixed"}}}"#,
        )
        .unwrap();
        let before = workflow.clone();
        let set = workflow.randomize_seeds(&mut SmallRng::seed_from_u64(1));
        let places: Vec<_> = set.iter().map(|seed| (seed.node.as_str(), seed.input.as_str())).collect();
        assert_eq!(places, [("3", "seed"), ("5", "noise_seed")]);
        assert_eq!(workflow.node("3").unwrap().inputs["seed"], set[0].seed);
        assert_eq!(workflow.node("3").unwrap().inputs["steps"], 20);
        for id in ["4", "6"] {
            assert_eq!(workflow.node(id), before.node(id));
        }
    }

    #[test]
    fn the_whole_range_of_64_bits_is_used() {
        let mut rng = SmallRng::seed_from_u64(7);
        let mut workflow = Workflow::parse(r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5}}}"#).unwrap();
        let seeds: Vec<u64> = (0..100).map(|_| workflow.randomize_seeds(&mut rng)[0].seed).collect();
        assert!(seeds.iter().any(|seed| *seed > u64::MAX / 2) && seeds.iter().any(|seed| *seed < u64::MAX / 2));
        let text = serde_json::to_string(&workflow).unwrap();
        assert!(text.contains(&seeds[99].to_string()), "sent with every digit: {text}");
    }

    fn controlled() -> (Workflow, NodeClasses) {
        let workflow = Workflow::parse(
            r#"{"1": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
                "2": {"class_type": "PrimitiveInt", "inputs": {"value": 512}},
                "3": {"class_type": "KSampler", "inputs": {"seed": ["1", 0], "steps": ["2", 0]}},
                "4": {"class_type": "Narrow", "inputs": {"rng_seed": 1, "steps": 4}}}"#,
        )
        .unwrap();
        let class = |name: &str, input: &str, max: u64| {
            let options = json!({"min": 0, "max": max, "control_after_generate": true});
            let entry = json!({"input": {"required": {(input): ["INT", options]}}});
            (name.to_owned(), NodeClass::read(&entry))
        };
        (workflow, [class("PrimitiveInt", "value", 9), class("Narrow", "rng_seed", 9)].into_iter().collect())
    }

    #[test]
    fn declared_seeds_are_found_and_declared_widths_are_not_seeds() {
        let (workflow, classes) = controlled();
        let places: Vec<_> = workflow.seed_inputs(&classes).into_iter().map(|place| place.node_id).collect();
        assert_eq!(places, ["1", "4"]);
        assert_eq!(workflow.classes_with_seeds(), ["Narrow", "PrimitiveInt"]);
        assert!(workflow.seed_inputs(&NodeClasses::default()).is_empty());
    }

    #[test]
    fn a_declared_range_is_kept_and_some_seeds_can_be_left_alone() {
        let (mut workflow, classes) = controlled();
        let mut rng = SmallRng::seed_from_u64(3);
        let except = [InputPlace { node_id: "1".to_owned(), input: "value".to_owned() }];
        for _ in 0..50 {
            let set = workflow.draw_seeds(&classes, &except, &mut rng);
            assert!(set.len() == 1 && set[0].seed <= 9, "{set:?}");
        }
        assert_eq!(workflow.node("1").unwrap().inputs["value"], 7);
        let before = workflow.clone();
        let error = workflow.set_seeds(10, &classes, &[]).unwrap_err();
        assert_eq!(error.to_string(), "node 1 (PrimitiveInt): value takes 0 to 9, and got 10");
        assert_eq!(workflow, before);
        assert_eq!(workflow.set_seeds(9, &classes, &[]).unwrap().len(), 2);
        assert_eq!(workflow.node("4").unwrap().inputs["rng_seed"], 9);
    }
}
