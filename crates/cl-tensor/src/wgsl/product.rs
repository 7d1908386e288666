//! Register-tiled matrix products.

use super::WORKGROUP;
use super::lower::Frame;
use super::part::Part;
use super::pointwise::statements;
use super::text::Kernel;
use crate::plan::{Matrix, Product};

/// How a product is cut: a workgroup computes `rows` x `columns` of it, `depth` terms at a time, each
/// invocation `each` x `each`.
#[derive(Clone, Copy)]
struct Tile {
    rows: usize,
    columns: usize,
    depth: usize,
    each: usize,
}

impl Tile {
    /// The largest tile of which a product has enough to keep a device busy.
    fn of(product: &Product) -> Self {
        let each = if product.m >= 256 && product.n >= 256 { 8 } else { 4 };
        let side = each * (WORKGROUP as usize).isqrt();
        Self { rows: side, columns: side, depth: 16, each }
    }
}

/// `[batch, m, k] x [batch, k, n]` and what is done to each element of it.
pub(super) fn product(frame: &Frame<'_>, product: &Product) -> Part {
    let mut kernel = frame.kernel("product");
    let extents = [product.m, product.k, product.n];
    let [m, k, n] = extents.map(|extent| kernel.param(extent));
    let a = operand(&mut kernel, frame, &product.a, [product.batch, product.m, product.k]);
    let b = operand(&mut kernel, frame, &product.b, [product.batch, product.k, product.n]);
    done(&mut kernel, frame, product);
    let Tile { rows, columns, depth, each } = Tile::of(product);
    let across = columns / each;
    let (left, right) = (depth * rows, depth * columns);
    kernel.room((left + right).max(rows * columns));
    // Neighbouring invocations read neighbouring words.
    let (ar, ac) = if product.a.column_stride == 1 || product.a.row_stride != 1 {
        (format!("e / {depth}u"), format!("e % {depth}u"))
    } else {
        (format!("e % {rows}u"), format!("e / {rows}u"))
    };
    let (br, bc) = if product.b.column_stride == 1 || product.b.row_stride != 1 {
        (format!("e / {columns}u"), format!("e % {columns}u"))
    } else {
        (format!("e % {depth}u"), format!("e / {depth}u"))
    };
    // Written out: software adapters stop loops after so many rounds.
    let mut terms = String::new();
    for c in 0..each {
        terms += &format!("            let y{c} = room[{left}u + d * {columns}u + c0 + {c}u];\n");
    }
    let (mut sums, mut kept) = (String::new(), String::new());
    for r in 0..each {
        terms += &format!("            let x{r} = room[d * {rows}u + r0 + {r}u];\n");
        for c in 0..each {
            sums += &format!("    var s{r}_{c} = 0.0;\n");
            terms += &format!("            s{r}_{c} = fma(x{r}, y{c}, s{r}_{c});\n");
            kept += &format!("    room[(r0 + {r}u) * {columns}u + c0 + {c}u] = s{r}_{c};\n");
        }
    }
    let size = WORKGROUP;
    let run = format!(
        "    let r0 = (t / {across}u) * {each}u;
    let c0 = (t % {across}u) * {each}u;
    let first_row = w.y * {rows}u;
    let first_column = w.x * {columns}u;
{sums}    for (var at = 0u; at < {k}; at += {depth}u) {{
        for (var e = t; e < {left}u; e += {size}u) {{
            let r = {ar};
            let c = {ac};
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < {m} && column < {k}) {{ x = {a}; }}
            room[c * {rows}u + r] = x;
        }}
        for (var e = t; e < {right}u; e += {size}u) {{
            let r = {br};
            let c = {bc};
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < {k} && column < {n}) {{ x = {b}; }}
            room[{left}u + r * {columns}u + c] = x;
        }}
        workgroupBarrier();
        for (var d = 0u; d < {depth}u; d++) {{
{terms}        }}
        workgroupBarrier();
    }}
{kept}    workgroupBarrier();
    for (var e = t; e < {elements}u; e += {size}u) {{
        let row = first_row + e / {columns}u;
        let column = first_column + e % {columns}u;
        if (row < {m} && column < {n}) {{ done((part * {m} + row) * {n} + column, room[e]); }}
    }}
",
        elements = rows * columns
    );
    let groups = [product.n.div_ceil(columns), product.m.div_ceil(rows)];
    kernel.finish(groups, product.batch, &run)
}

/// The text of the element at `row` and `column` of an operand's matrix number `part`.
fn operand(
    kernel: &mut Kernel<'_>,
    frame: &Frame<'_>,
    matrix: &Matrix,
    shape: [usize; 3],
) -> String {
    let strides = [matrix.batch_stride, matrix.row_stride, matrix.column_stride];
    let span: usize = shape.iter().zip(strides).map(|(&n, s)| n.saturating_sub(1) * s).sum();
    let [batch, row, column] = strides.map(|stride| kernel.param(stride));
    let words = kernel.read(&frame.locate(matrix.place), span + 1);
    format!("bitcast<f32>({})", words(&format!("part * {batch} + row * {row} + column * {column}")))
}

/// The function `done(i, known)`: what becomes of element `i`.
fn done(kernel: &mut Kernel<'_>, frame: &Frame<'_>, product: &Product) {
    let stores = product.epilogue.iter().flat_map(|program| &program.stores);
    let mut text = String::new();
    if !stores.into_iter().any(|(_, to)| *to == product.out) {
        let len = product.batch * product.m * product.n;
        let to = kernel.write(&frame.locate(product.out), len)("i");
        text += &format!("    {to} = bitcast<u32>(known);\n");
    }
    if let Some(program) = &product.epilogue {
        text += &statements(kernel, frame, program, Some(product.out));
    }
    kernel.define(&format!("fn done(i: u32, known: f32) {{\n{text}}}"));
}
