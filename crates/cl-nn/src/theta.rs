//! Reading parameters out of theta.

use crate::layout::Layout;
use cl_tensor::Var;

/// The recorded flat vector with the names of its ranges.
#[derive(Clone, Copy, Debug)]
pub struct Theta<'a, 'g> {
    /// All parameters, `[layout.len()]`.
    pub flat: Var<'g>,
    /// Where each parameter lies.
    pub layout: &'a Layout,
}

impl<'g> Theta<'_, 'g> {
    /// The parameter `name` in its own shape: a view, no copy.
    ///
    /// An unknown name is an error at this line when the graph is compiled.
    #[track_caller]
    #[must_use]
    pub fn get(self, name: &str) -> Var<'g> {
        match self.layout.range(name) {
            Some(range) => self.flat.slice(0, range.floats()).reshape(&range.shape),
            None => self.flat.graph().refuse(format!(
                "theta: no parameter `{name}`; there are: {}",
                self.layout.names()
            )),
        }
    }
}
