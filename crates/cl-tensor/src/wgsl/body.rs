//! What an operation says in WGSL.

/// The body of an operation's kernel in WGSL.
///
/// It calls `x0(e)`, `x1(e)`, .. for element `e` of an operand (f32, or u32 for indices and bytes) and
/// `put(e, value)` to write an element of the result; each element is written once. `exp_`, `log_`,
/// `tanh_` and `sigmoid_` are the functions of the CPU, `is_nan(x)`, `nan()` and `infinity()` what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Statements.
    pub(super) text: String,
    /// How often they run.
    pub(super) count: usize,
    /// Whether a whole workgroup runs them together.
    pub(super) together: bool,
    /// Functions that the statements call.
    pub(super) functions: String,
    /// Floats of the workgroup memory `room`.
    pub(super) room: usize,
}

impl Body {
    /// Statements that run for each `i` below `count`, in any order and side by side.
    #[must_use]
    pub fn each(count: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), count, together: false, functions: String::new(), room: 0 }
    }

    /// Statements that the 64 invocations `t` of a workgroup run together for each `i` below `count`.
    /// `group_sum(x)` and `group_max(x)` give all of them the sum and the largest of their numbers, in
    /// a fixed order; all have to call them alike.
    #[must_use]
    pub fn together(count: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), count, together: true, functions: String::new(), room: 0 }
    }

    /// With so many floats of workgroup memory, the array `room`.
    #[must_use]
    pub fn with_room(self, floats: usize) -> Self {
        Self { room: floats, ..self }
    }

    /// With functions that the statements call; they may call what the statements may.
    #[must_use]
    pub fn with_functions(self, functions: String) -> Self {
        Self { functions, ..self }
    }
}
