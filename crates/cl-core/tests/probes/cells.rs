//! What is kept beside a stored row can be written when a context ends, by passes over the memory.

use crate::common::Setup;
use crate::memory::Keep;
use crate::slow::pixels;
use cl_core::{Consolidate, Over, Parts, Pass, Row, Step, Strategy, from_state, run};
use cl_tensor::Init;
use serde_json::Value;

const KEPT: usize = 70;
const CELLS: usize = 5 * KEPT;

/// Copies the image of every row it sees into the row's cell.
struct Copies {
    limit: Option<usize>,
    /// Asks where rows of a pass will be stored.
    stores: bool,
}

impl Consolidate for Copies {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { over: Over::Memory("memory".to_owned()), limit: self.limit, ..Pass::default() }]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.scope.kept("images", &[CELLS, 64], Init::Constant(-1.0));
        let to = if self.stores { step.stored("memory") } else { step.cells("memory") };
        step.scope.assign_rows("images", to, step.x);
    }
}

impl Strategy for Copies {
    fn name(&self) -> String {
        "copies".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self);
        parts.rehearse_apart("memory", |_| Ok(Box::new(Keep::new(KEPT, 4))));
    }
}

/// The rows kept after five contexts, and what stands in the cells.
fn finished(limit: Option<usize>) -> (Vec<Row>, Vec<Vec<f32>>) {
    let copies = Copies { limit, stores: false };
    let mut learner = Setup::default().learner(&copies).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let host: Value = learner.save().unwrap().host(0).unwrap();
    let kept = from_state("rows kept", &host["memories"][0][1]).unwrap();
    let images = learner.session().read("copies/images", 0).unwrap();
    (kept, images.chunks(64).map(<[f32]>::to_vec).collect())
}

#[test]
fn a_pass_knows_the_cell_of_every_row_also_beyond_its_first_chunk() {
    let (kept, images) = finished(None);
    assert_eq!(kept.len(), 4 * KEPT);
    for (cell, image) in images.iter().enumerate() {
        match kept.get(cell) {
            Some(row) => assert_eq!(*image, pixels([row.example]), "cell {cell}"),
            None => assert!(image.iter().all(|&pixel| pixel == -1.0), "cell {cell}"),
        }
    }
}

#[test]
fn rows_of_a_pass_over_some_lie_in_their_own_cells_too() {
    let (kept, images) = finished(Some(20));
    let written: Vec<usize> = (0..CELLS).filter(|&cell| images[cell][0] != -1.0).collect();
    assert!((50..=80).contains(&written.len()), "20 in each of four passes: {}", written.len());
    assert!(written.iter().any(|&cell| cell > KEPT + 20));
    for cell in written {
        assert_eq!(images[cell], pixels([kept[cell].example]), "cell {cell}");
    }
}

#[test]
fn a_pass_stores_nothing() {
    let copies = Copies { limit: None, stores: true };
    let error = Setup::default().learner(&copies).err().unwrap().to_string();
    assert!(error.contains("stored: a pass over `memory` stores nothing"), "{error}");
}
