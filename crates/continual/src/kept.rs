//! What counts as kept between contexts.

use crate::Experiment;
use crate::experiment::Order;
use cl_buffers::RowSize;
use cl_core::Learner;
use cl_scenarios::{Scenario, Stream};

/// Bytes that the member which keeps most keeps between contexts: memories as full as they were so far, slots
/// that methods declared as kept, networks beside the classifier, and all rows of a baseline that
/// keeps all data. Not the classifier's own parameters, not what optimisers keep.
pub(crate) fn bytes(experiment: &Experiment, learner: &Learner<'_>) -> u64 {
    let rows = match experiment.setup.order {
        Order::Incremental => 0,
        Order::Joint | Order::Cumulative => {
            let streams = (0..learner.members()).map(|member| learner.stream(member));
            streams.map(|stream| all_rows(experiment, stream)).max().unwrap_or(0)
        }
    };
    learner.bytes_kept() + learner.network_bytes() + rows
}

/// Bytes of the training rows of every context, each as a memory would hold it.
fn all_rows(experiment: &Experiment, stream: &dyn Stream) -> u64 {
    let contexts = stream.contexts();
    let row = RowSize::new(experiment.dataset.features() as u32, stream.outputs() as u32);
    let row = match stream.scenario() {
        Scenario::Task => row.with_context(contexts as u32),
        Scenario::Domain | Scenario::Class => row,
    };
    let rows: usize = (0..contexts).map(|context| stream.train(context).len()).sum();
    rows as u64 * row.bytes()
}
