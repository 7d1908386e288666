//! `continual devices`: where programs can run.

use crate::print;
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    print::text(&text())
}

#[cfg(feature = "gpu")]
fn text() -> String {
    use comfy_table::{Table, presets::ASCII_MARKDOWN};
    let mut table = Table::new();
    let header = ["--device", "kind", "through", "driver", "bytes of a buffer", "features"];
    table.load_style(ASCII_MARKDOWN).set_header(header);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    table.add_row(["cpu", "processor", "", "", "", &format!("{threads} threads")]);
    let adapters = cl_gpu::adapters();
    for it in &adapters {
        table.add_row([
            format!("gpu:{}", it.name),
            it.kind.to_owned(),
            it.backend.clone(),
            it.driver.clone(),
            it.binding_bytes.to_string(),
            it.features.join(", "),
        ]);
    }
    let mut text = format!("{table}\n");
    text += match adapters.is_empty() {
        true => {
            "\nNo GPU was found: one with a Vulkan, Metal or DirectX 12 driver would be listed.\n"
        }
        false => {
            "\n`--device gpu` takes the first; of `gpu:NAME` a part of the name will do. A `software` adapter \
             is the processor: slower than `cpu`, for tests, and not taken for `auto`.\n"
        }
    };
    text
}

#[cfg(not(feature = "gpu"))]
fn text() -> String {
    "cpu\n\nThis program was built without GPUs; build it with `--features gpu`.\n".to_owned()
}
