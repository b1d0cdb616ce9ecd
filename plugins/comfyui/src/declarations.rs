use std::collections::HashMap;
use std::fmt;
use std::hash::RandomState;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use comfyui::{ClientError, ComfyUi, InputType, NodeClass, NodeClasses};

use crate::credentials::Credentials;

/// The most servers, and the most classes of each.
const MAX_SERVERS: usize = 8;
const MAX_CLASSES: usize = 500;
/// As many as `comfyui` asks for in one go.
const AT_ONCE: usize = 200;
/// The most choices that a class may have to be kept: lists of thousands of files are asked for each time.
const MAX_CHOICES: usize = 2000;

/// What servers declare of their node classes, kept for as long as the credentials say (`expire_after`), so that not every
/// run asks for it.
#[derive(Default)]
pub(crate) struct Declarations {
    /// Two, because half of 128 bits may meet by chance, and all of them do not.
    hashers: [RandomState; 2],
    /// The one that was used last stands last.
    kept: Mutex<Vec<([u64; 2], Kept)>>,
}

type Kept = HashMap<String, (Instant, Option<NodeClass>)>;

/// Classes that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) classes: NodeClasses,
    /// Whether the server has just said all of it.
    pub(crate) is_fresh: bool,
}

impl Declarations {
    /// What the server declares of these classes: what is kept of it, or, if `anew`, what it says now. Classes that it does
    /// not have are left out.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn get(
        &self,
        server: &ComfyUi,
        credentials: &Credentials,
        class_types: &[&str],
        anew: bool,
    ) -> Result<Known, ClientError> {
        let identity = self.hashers.each_ref().map(|hasher| credentials.fingerprint(hasher));
        let mut classes: Vec<(String, NodeClass)> = Vec::new();
        let mut unknown = Vec::new();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let of_server = of_server(&mut kept, identity);
            of_server.retain(|_, (at, _)| at.elapsed() < credentials.cache_time());
            for class_type in class_types {
                match of_server.get(*class_type).filter(|_| !anew) {
                    Some((_, class)) => classes.extend(class.clone().map(|class| ((*class_type).to_owned(), class))),
                    None => unknown.push(*class_type),
                }
            }
        }
        let is_fresh = unknown.len() == class_types.len();
        // No class has no name, and the route of none is that of all.
        unknown.retain(|class_type| !class_type.is_empty());
        let mut asked = NodeClasses::default();
        for class_types in unknown.chunks(AT_ONCE) {
            asked.add(server.node_classes(class_types).await?);
        }
        if !credentials.cache_time().is_zero() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let of_server = of_server(&mut kept, identity);
            for class_type in unknown {
                let class = asked.get(class_type);
                of_server.remove(class_type);
                if of_server.len() < MAX_CLASSES && class.is_none_or(is_small) {
                    of_server.insert(class_type.to_owned(), (Instant::now(), class.cloned()));
                }
            }
        }
        let mut classes: NodeClasses = classes.into_iter().collect();
        classes.add(asked);
        Ok(Known { classes, is_fresh })
    }
}

/// What is kept of a server, which is the last used then.
fn of_server(kept: &mut Vec<([u64; 2], Kept)>, identity: [u64; 2]) -> &mut Kept {
    let found = kept.iter().position(|(known, _)| *known == identity).map(|at| kept.remove(at));
    if found.is_none() && kept.len() >= MAX_SERVERS {
        kept.remove(0);
    }
    kept.push(found.unwrap_or((identity, HashMap::new())));
    let last = kept.len() - 1;
    &mut kept[last].1
}

fn is_small(class: &NodeClass) -> bool {
    let choices = class.inputs().values().map(|input| match &input.kind {
        InputType::Choice(Some(choices)) => choices.len(),
        _ => 0,
    });
    choices.sum::<usize>() <= MAX_CHOICES
}

/// Without what is known.
impl fmt::Debug for Declarations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declarations").finish_non_exhaustive()
    }
}

/// How long what is kept may be used, at most.
pub(crate) const LONGEST_CACHE_TIME: Duration = Duration::from_secs(86_400);
