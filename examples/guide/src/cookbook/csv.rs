//! How do I get the results into a spreadsheet?
//!
//! Of a folder of results: `continual report DIR --format csv --out results.csv`, a line per strategy with every
//! metric. In a program the same from `Report`; a `Work` is a folder in which results are kept as they come.
use continual::prelude::*;
use continual::report::Report;
use continual::{Asked, CheckpointEvery, Earlier, Strengths, Work};

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let request = Request {
        strategy: Some("none,er".to_owned()),
        scenario: Some("class".to_owned()),
        quick: true,
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    let folder = tempfile::tempdir()?;
    let (asked, every) = (Asked::Request(request), CheckpointEvery::default());
    let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse)?;
    let finished = bench.run(&bench.costs()?, &mut (), &mut work)?;
    work.finish(&finished.diverged)?;

    let csv = Report::read(folder.path())?.csv();
    for line in csv.lines() {
        println!("{}, ..", line.split(',').take(6).collect::<Vec<_>>().join(","));
    }
    assert_eq!(csv.lines().count(), 1 + 2);
    Ok(())
}
