//! Register-tiled matrix products.

use super::lower::Frame;
use super::pointwise::statements;
use super::text::Dispatch;
use super::{MOST_GROUPS, MOST_SHARED};
use crate::plan::Product;

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
        if product.m >= 256 && product.n >= 256 {
            Self { rows: 64, columns: 64, depth: 16, each: 4 }
        } else {
            Self { rows: 32, columns: 32, depth: 16, each: 4 }
        }
    }

    fn invocations(self) -> usize {
        self.rows * self.columns / (self.each * self.each)
    }

    fn shared(self) -> usize {
        4 * self.depth * (self.rows + self.columns)
    }
}

/// `[batch, m, k] x [batch, k, n]` and what is done to each element of it.
pub(super) fn product(frame: &Frame<'_>, product: &Product) -> Dispatch {
    let tile = Tile::of(product);
    assert!(tile.shared() <= MOST_SHARED, "a tile fits the workgroup memory");
    let mut kernel = frame.kernel("product");
    let [m, k, n, batch] =
        [product.m, product.k, product.n, product.batch].map(|extent| kernel.param(extent));
    let operand = |matrix: &crate::plan::Matrix, kernel: &mut super::text::Kernel<'_>| {
        let strides = [matrix.batch_stride, matrix.row_stride, matrix.column_stride];
        let [batch, row, column] = strides.map(|stride| kernel.param(stride));
        let words = kernel.words(&frame.locate(matrix.place));
        move |r: &str, c: &str| {
            format!(
                "bitcast<f32>({})",
                words(&format!("part * {batch} + ({r}) * {row} + ({c}) * {column}"))
            )
        }
    };
    let a = operand(&product.a, &mut kernel);
    let b = operand(&product.b, &mut kernel);
    let stores = |place| {
        let stores = product.epilogue.iter().flat_map(|program| &program.stores);
        stores.into_iter().any(|(_, to)| *to == place)
    };
    let mut finish = String::new();
    if !stores(product.out) {
        let to = kernel.words(&frame.locate(product.out))("i");
        finish += &format!("    {to} = bitcast<u32>(known);\n");
    }
    if let Some(program) = &product.epilogue {
        finish += &statements(&mut kernel, frame, program, Some(product.out));
    }
    kernel.define(&format!("fn done(i: u32, known: f32) {{\n{finish}}}"));
    let Tile { rows, columns, depth, each } = tile;
    let size = tile.invocations();
    let across = columns / each;
    kernel.define(&format!(
        "var<workgroup> left: array<f32, {}>;\nvar<workgroup> right: array<f32, {}>;",
        depth * rows,
        depth * columns
    ));
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
    let (left_len, right_len) = (depth * rows, depth * columns);
    let (from_a, from_b) = (a("row", "column"), b("row", "column"));
    let main = format!(
        "fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, \
         @builtin(local_invocation_index) t: u32) {{
    if (!begin(w.z / {batch})) {{ return; }}
    let part = w.z % {batch};
    let r0 = (t / {across}u) * {each}u;
    let c0 = (t % {across}u) * {each}u;
    for (var first_row = w.y * {rows}u; first_row < {m}; first_row += groups.y * {rows}u) {{
    for (var first_column = w.x * {columns}u; first_column < {n}; first_column += groups.x * {columns}u) {{
        var sum: array<array<f32, {each}>, {each}>;
        for (var at = 0u; at < {k}; at += {depth}u) {{
            for (var e = t; e < {left_len}u; e += {size}u) {{
                let r = {ar};
                let c = {ac};
                let row = first_row + r;
                let column = at + c;
                var x = 0.0;
                if (row < {m} && column < {k}) {{ x = {from_a}; }}
                left[c * {rows}u + r] = x;
            }}
            for (var e = t; e < {right_len}u; e += {size}u) {{
                let r = {br};
                let c = {bc};
                let row = at + r;
                let column = first_column + c;
                var x = 0.0;
                if (row < {k} && column < {n}) {{ x = {from_b}; }}
                right[r * {columns}u + c] = x;
            }}
            workgroupBarrier();
            for (var d = 0u; d < {depth}u; d++) {{
                var y: array<f32, {each}>;
                for (var c = 0u; c < {each}u; c++) {{ y[c] = right[d * {columns}u + c0 + c]; }}
                for (var r = 0u; r < {each}u; r++) {{
                    let x = left[d * {rows}u + r0 + r];
                    for (var c = 0u; c < {each}u; c++) {{ sum[r][c] = fma(x, y[c], sum[r][c]); }}
                }}
            }}
            workgroupBarrier();
        }}
        for (var r = 0u; r < {each}u; r++) {{
            let row = first_row + r0 + r;
            for (var c = 0u; c < {each}u; c++) {{
                let column = first_column + c0 + c;
                if (row < {m} && column < {n}) {{ done((part * {m} + row) * {n} + column, sum[r][c]); }}
            }}
        }}
    }}
    }}
}}
"
    );
    let groups =
        |extent: usize, of: usize| extent.div_ceil(of).clamp(1, MOST_GROUPS as usize) as u32;
    let groups = [groups(product.n, columns), groups(product.m, rows)];
    kernel.finish(size as u32, groups, product.batch, tile.shared(), &main)
}
