//! Register-tiled matrix products.

use super::lower::Frame;
use super::part::Part;
use super::pointwise::statements;
use super::text::Kernel;
use super::{Memory, WORKGROUP};
use crate::plan::{Matrix, Product};

/// Rows and columns of the block that an invocation holds in registers.
const BLOCK: usize = 8;
/// Terms that lie in workgroup memory at once.
const DEPTH: usize = 32;

/// How a product is cut: a workgroup computes `down` x `across` blocks of it. What is left of its
/// invocations divides the terms of each sum into slices, which are added up in their order.
#[derive(Clone, Copy)]
struct Tile {
    down: usize,
    across: usize,
}

impl Tile {
    /// The largest tile of which a product has enough to keep a device busy. It hangs on the shape
    /// alone: so does the order of a sum.
    fn of(product: &Product) -> Self {
        let blocks = |extent: usize| if extent <= 2 * BLOCK { 2 } else { 4 };
        if product.m.min(product.n) >= 256 {
            return Self { down: 8, across: 8 };
        }
        Self { down: blocks(product.m), across: blocks(product.n) }
    }

    fn slices(self) -> usize {
        WORKGROUP as usize / (self.down * self.across)
    }
}

/// `[batch, m, k] x [batch, k, n]` and what is done to each element of it.
pub(super) fn product(frame: &Frame<'_>, product: &Product) -> Part {
    let mut kernel = frame.kernel("product");
    let extents = [product.m, product.k, product.n];
    let [m, k, n] = extents.map(|extent| kernel.param(extent));
    let a_by_column =
        operand(&mut kernel, frame, product, "left", &product.a, [product.m, product.k]);
    let b_by_column =
        operand(&mut kernel, frame, product, "right", &product.b, [product.k, product.n]);
    done(&mut kernel, frame, product);
    let tile = Tile::of(product);
    let Tile { down, across } = tile;
    let slices = tile.slices();
    let (rows, columns) = (BLOCK * down, BLOCK * across);
    // In vectors of four; one more per row keeps neighbours in different banks.
    let (left, right) = (rows / 4 + 1, columns / 4 + 1);
    kernel.tiles((DEPTH * (left + right)).max(slices * rows * columns / 4));
    let (mut sums, mut terms, mut kept) = (String::new(), String::new(), String::new());
    for r in 0..BLOCK {
        let (half, part) = (r / 4, ["x", "y", "z", "w"][r % 4]);
        for c in 0..2 {
            sums += &format!("    var s{r}_{c} = vec4<f32>();\n");
            terms += &format!(
                "            s{r}_{c} = fma(vec4<f32>(x{half}.{part}), y{c}, s{r}_{c});\n"
            );
            kept += &format!(
                "    tiles[((slice * {rows}u + {}u + 4u * down) * {columns}u) / 4u + {}u + across] = s{r}_{c};\n",
                half * rows / 2 + r % 4,
                c * columns / 8,
            );
        }
    }
    let size = WORKGROUP;
    let run = format!(
        "    let slice = t / {invocations}u;
    let down = (t % {invocations}u) / {across}u;
    let across = t % {across}u;
    let first_row = w.y * {rows}u;
    let first_column = w.x * {columns}u;
{sums}    for (var at = 0u; at < {k}; at += {DEPTH}u) {{
        for (var e = t; e < {a_size}u; e += {size}u) {{
            if ({a_by_column}) {{
                let r = e % {down_vectors}u;
                let c = e / {down_vectors}u;
                tiles[c * {left}u + r] = left(part, first_row + 4u * r, at + c);
            }} else {{
                let r = e / {deep}u;
                let c = 4u * (e % {deep}u);
                let x = left(part, first_row + r, at + c);
                for (var i = 0u; i < 4u; i++) {{ tiles[(c + i) * {left}u + r / 4u][r % 4u] = x[i]; }}
            }}
        }}
        for (var e = t; e < {b_size}u; e += {size}u) {{
            if ({b_by_column}) {{
                let r = 4u * (e % {deep}u);
                let c = e / {deep}u;
                let x = right(part, at + r, first_column + c);
                for (var i = 0u; i < 4u; i++) {{
                    tiles[{behind}u + (r + i) * {right}u + c / 4u][c % 4u] = x[i];
                }}
            }} else {{
                let r = e / {across_vectors}u;
                let c = e % {across_vectors}u;
                tiles[{behind}u + r * {right}u + c] = right(part, at + r, first_column + 4u * c);
            }}
        }}
        workgroupBarrier();
        for (var d = slice * {each}u; d < (slice + 1u) * {each}u; d++) {{
            let x0 = tiles[d * {left}u + down];
            let x1 = tiles[d * {left}u + {lower}u + down];
            let y0 = tiles[{behind}u + d * {right}u + across];
            let y1 = tiles[{behind}u + d * {right}u + {later}u + across];
{terms}        }}
        workgroupBarrier();
    }}
{kept}    workgroupBarrier();
    for (var e = t; e < {elements}u; e += {size}u) {{
        let row = first_row + e / {columns}u;
        let column = first_column + e % {columns}u;
        if (row < {m} && column < {n}) {{ done((part * {m} + row) * {n} + column, {whole}); }}
    }}
",
        invocations = down * across,
        a_size = DEPTH * rows / 4,
        b_size = DEPTH * columns / 4,
        down_vectors = rows / 4,
        across_vectors = columns / 4,
        deep = DEPTH / 4,
        behind = DEPTH * left,
        each = DEPTH / slices,
        lower = rows / 8,
        later = columns / 8,
        elements = rows * columns,
        whole = (0..slices)
            .map(|slice| format!("tiles[e / 4u + {}u][e % 4u]", slice * rows * columns / 4))
            .collect::<Vec<_>>()
            .join(" + "),
    );
    let groups = [product.n.div_ceil(columns), product.m.div_ceil(rows)];
    kernel.finish(groups, product.batch, &run)
}

/// The function `name(part, row, column)` of a `[rows, columns]` operand: four elements of matrix number `part`
/// from that one on, zeros behind the last, along the axis whose elements are neighbours in memory. Gives
/// the condition under which that is the column.
fn operand(
    kernel: &mut Kernel<'_>,
    frame: &Frame<'_>,
    product: &Product,
    name: &str,
    matrix: &Matrix,
    [rows, columns]: [usize; 2],
) -> String {
    let by_column = matrix.row_stride == 1 && matrix.column_stride != 1;
    let strides = [matrix.batch_stride, matrix.row_stride, matrix.column_stride];
    let extents = [product.batch, rows, columns];
    let span: usize = extents.iter().zip(strides).map(|(&n, s)| n.saturating_sub(1) * s).sum();
    let located = frame.locate(matrix.place);
    let [batch, row, column] = strides.map(|stride| kernel.param(stride));
    let [rows_of, columns_of] = [rows, columns].map(|extent| kernel.param(extent));
    let condition = format!("{} == 1u", kernel.param(usize::from(by_column)));
    let at = format!("part * {batch} + row * {row} + column * {column}");
    let outside = format!("row >= {rows_of} || column >= {columns_of}");
    let (along, across, length) = match by_column {
        true => (matrix.row_stride, matrix.column_stride, rows),
        false => (matrix.column_stride, matrix.row_stride, columns),
    };
    let is_aligned = along == 1
        && [across, matrix.batch_stride, length, located.offset].iter().all(|n| n % 4 == 0)
        && located.strides.iter().all(|stride| stride % 4 == 0);
    let text = if is_aligned && !writes(frame, product, located.memory) {
        let vector = kernel.read_vectors(&located, span + 1)(&format!("({at})"));
        format!("    return bitcast<vec4<f32>>({vector});\n")
    } else {
        let word = kernel.read(&located, span + 1);
        let mut text = format!(
            "    let first = {at};\n    let step = select({column}, {row}, {condition});\n    let known = \
             select({columns_of} - column, {rows_of} - row, {condition});\n    var x = vec4<f32>();\n"
        );
        for i in 0..4 {
            let element = word(&format!("first + {i}u * step"));
            text += &format!("    if ({i}u < known) {{ x[{i}] = bitcast<f32>({element}); }}\n");
        }
        text + "    return x;\n"
    };
    kernel.define(&format!(
        "fn {name}(part: u32, row: u32, column: u32) -> vec4<f32> {{\n    if ({outside}) {{ return \
         vec4<f32>(); }}\n{text}}}"
    ));
    condition
}

/// Whether a product or its epilogue writes to a memory.
fn writes(frame: &Frame<'_>, product: &Product, memory: Memory) -> bool {
    let stores = product.epilogue.iter().flat_map(|program| &program.stores);
    let mut places = stores.map(|(_, to)| *to).chain([product.out]);
    places.any(|place| frame.locate(place).memory == memory)
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
