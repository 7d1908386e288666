//! The shared suite.

use cl_core::conformance::{Facts, Subject};
use cl_gating::{Lxdg, PackNet, Separate, Xdg};
use cl_scenarios::Scenario;

/// A threshold for every unit in every context.
fn thresholds(facts: &Facts<'_>) -> u64 {
    4 * facts.contexts * facts.hidden.iter().sum::<u64>()
}

#[test]
fn xdg_conforms() {
    Subject::new("xdg", Xdg::default)
        .scenarios([Scenario::Task])
        .neutral(|| Xdg::new(0.0))
        .refused(|| Xdg::new(1.0))
        .refused(|| Xdg::new(-0.1))
        .refused(|| Xdg::new(f32::NAN))
        .kept(thresholds)
        .assert();
}

#[test]
fn xdg_before_the_bias_conforms() {
    Subject::new("xdg, vdv", || Xdg::vdv(0.5))
        .scenarios([Scenario::Task])
        .neutral(|| Xdg::vdv(0.0))
        .kept(thresholds)
        .assert();
}

#[test]
fn packnet_conforms() {
    let with = |change: fn(&mut PackNet)| {
        move || {
            let mut packnet = PackNet::default();
            change(&mut packnet);
            packnet
        }
    };
    Subject::new("packnet", PackNet::default)
        .scenarios([Scenario::Task])
        .no_neutral("every context but the last prunes, and the first fixes the biases")
        .refused(with(|packnet| packnet.p_first = 0.0))
        .refused(with(|packnet| packnet.p_first = 1.0))
        .refused(with(|packnet| packnet.p = f32::NAN))
        .refused(with(|packnet| packnet.p = -0.5))
        .refused(with(|packnet| packnet.retrain = 0.0))
        .refused(with(|packnet| packnet.retrain = 1.0))
        .refused(with(|packnet| packnet.retrain_rate = 0.0))
        .refused(with(|packnet| packnet.retrain_rate = f32::INFINITY))
        .kept(|facts| 4 * facts.layout.parameters() as u64 + 4)
        .assert();
}

#[test]
fn separate_conforms() {
    Subject::new("separate", || Separate::new(&[12, 8]))
        .scenarios([Scenario::Task])
        .no_neutral("the network is another than that of `none`")
        .refused(|| Separate::new(&[0]))
        .assert();
}

const ANCHORS: u64 = 20;

/// Small gate networks, weak enough for the few steps of the suite.
fn lxdg() -> Lxdg {
    Lxdg { hidden: vec![8], anchors: ANCHORS as usize, ..Lxdg::default() }
}

#[test]
fn lxdg_conforms() {
    Subject::new("lxdg", lxdg)
        .scenarios(Scenario::ALL)
        .no_neutral("gates are always between 0 and 1, and train with the network")
        .refused(|| Lxdg { hidden: vec![8, 0], ..lxdg() })
        .refused(|| Lxdg { dropout: 1.0, ..lxdg() })
        .refused(|| Lxdg { anchors: 0, ..lxdg() })
        .refused(|| Lxdg { lambda_sparse: -1.0, ..lxdg() })
        .refused(|| Lxdg { lambda_change: f64::NAN, ..lxdg() })
        .refused(|| Lxdg { lambda_keep: 1e300, ..lxdg() })
        .refused(|| Lxdg { target_sparse: 1.5, ..lxdg() })
        .refused(|| Lxdg { target_keep: -0.1, ..lxdg() })
        // The image of every anchor, without its label, and its gates.
        .kept(|facts| {
            let image = facts.row_size.bytes() - 1;
            let gates = 4 * facts.hidden.iter().sum::<u64>();
            (facts.contexts - 1) * ANCHORS * (image + gates)
        })
        .assert();
}

/// A context has fewer rows than there is room for: images of those there are, gates for all.
#[test]
fn lxdg_with_room_to_spare_conforms() {
    Subject::new("lxdg, 200 anchors", || Lxdg { anchors: 200, hidden: vec![], ..lxdg() })
        .no_neutral("gates are always between 0 and 1, and train with the network")
        .kept(|facts| {
            let image = facts.row_size.bytes() - 1;
            let gates = 4 * facts.hidden.iter().sum::<u64>();
            (facts.contexts - 1) * (facts.rows * image + 200 * gates)
        })
        .assert();
}
