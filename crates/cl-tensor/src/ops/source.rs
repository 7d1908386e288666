//! Values from outside, and the value that stands for an error.

use crate::op::{Kind, Op, Vjp};
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;
use std::fmt;

/// Where a value from outside comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SourceKind {
    Input,
    Slot,
    Resident,
}

impl SourceKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Slot => "slot",
            Self::Resident => "resident",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value from outside: fed, persistent or resident.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub kind: SourceKind,
    pub ty: Type,
}

impl Op for Source {
    fn name(&self) -> &'static str {
        self.kind.name()
    }
    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }
    fn output(&self, _: &[&Type]) -> Result<Type, String> {
        Ok(self.ty.clone())
    }
    fn kind(&self) -> Kind {
        Kind::Source
    }
    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }
    fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
        unreachable!("sources are read, not computed")
    }
}

/// Stands for a value that another recording provides: in the body of inner lanes, for one of the
/// graph around it.
#[derive(Clone, Debug)]
pub(crate) struct Import(pub Type);

impl Op for Import {
    fn name(&self) -> &'static str {
        "import"
    }
    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }
    fn output(&self, _: &[&Type]) -> Result<Type, String> {
        Ok(self.0.clone())
    }
    fn kind(&self) -> Kind {
        Kind::Source
    }
    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }
    fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
        unreachable!("imports are read, not computed")
    }
}

/// Stands for the result of a misfit; whatever uses it is a misfit too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poison;

impl Poison {
    pub(crate) const NAME: &'static str = "poison";
}

impl Op for Poison {
    fn name(&self) -> &'static str {
        Self::NAME
    }
    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }
    fn output(&self, _: &[&Type]) -> Result<Type, String> {
        Err("poison is made by the graph only".to_owned())
    }
    fn kind(&self) -> Kind {
        Kind::Source
    }
    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }
    fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
        unreachable!("a graph with a misfit is never run")
    }
}
