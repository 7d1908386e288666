//! The accuracies of one run.

use crate::Error;
use serde::{Deserialize, Serialize};

/// `R[i][j]`: the accuracy on context `j` after training on stage `i`, a fraction in \[0, 1\].
///
/// A row is complete: it holds every context, also those not trained yet. There are at most as many
/// rows as contexts; a joint model, which trains once on everything, has one. Optionally `b_j`, the
/// accuracy on context `j` before any training.
///
/// Of a long stream a matrix may be sparse ([`AccuracyMatrix::sparse`]): it has columns for some contexts only,
/// the tracked ones, and rows after some stages only. Then metrics are those of the tracked contexts, each with
/// the row right after it, as if these contexts were the stream; what that does not define is left out.
///
/// Serialised as `{"contexts": T, "accuracy": R, "accuracy_before": b or null}`, a sparse one with
/// `"tracked"` and `"evaluated_after"` (contexts and stages of columns and rows, counted from 0), and checked
/// when read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct AccuracyMatrix {
    contexts: usize,
    #[serde(rename = "accuracy")]
    rows: Vec<Vec<f64>>,
    #[serde(rename = "accuracy_before")]
    before: Option<Vec<f64>>,
    /// The contexts of the columns; all where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracked: Option<Vec<usize>>,
    /// The stages of the rows; in a full matrix, one after the other, nothing.
    #[serde(rename = "evaluated_after", skip_serializing_if = "Option::is_none")]
    after: Option<Vec<usize>>,
}

impl AccuracyMatrix {
    /// A matrix without rows over `contexts` contexts.
    ///
    /// # Errors
    /// If `contexts` is 0.
    pub fn new(contexts: usize) -> Result<Self, Error> {
        if contexts == 0 {
            return Err(Error::NoContexts);
        }
        Ok(Self { contexts, rows: Vec::new(), before: None, tracked: None, after: None })
    }

    /// A matrix without rows over the tracked ones of `contexts` contexts, counted from 0, ascending; rows
    /// may come after any stages ([`push_row_after`](Self::push_row_after)).
    ///
    /// # Errors
    /// If `contexts` is 0, nothing is tracked, or what is tracked does not ascend below `contexts`.
    pub fn sparse(contexts: usize, tracked: Vec<usize>) -> Result<Self, Error> {
        let matrix = Self::new(contexts)?;
        let ascends = tracked.windows(2).all(|pair| pair[0] < pair[1]);
        if tracked.last().is_none_or(|&last| last >= contexts) || !ascends {
            return Err(Error::Tracked { tracked: tracked.len(), contexts });
        }
        Ok(Self { tracked: Some(tracked), after: Some(Vec::new()), ..matrix })
    }

    /// The matrix of these rows; the first one's length is the number of contexts.
    ///
    /// # Errors
    /// If there is no row or an empty one, and as [`push_row`](Self::push_row).
    pub fn from_rows(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        let mut matrix = Self::new(rows.first().map_or(0, Vec::len))?;
        for row in rows {
            matrix.push_row(row)?;
        }
        Ok(matrix)
    }

    /// The same matrix with `b`, the accuracies before any training, \[tracked\].
    ///
    /// # Errors
    /// If the length is not the number of tracked contexts or a value is no fraction.
    pub fn with_before(mut self, before: Vec<f64>) -> Result<Self, Error> {
        check("the row before training", &before, self.columns())?;
        self.before = Some(before);
        Ok(self)
    }

    /// Adds the accuracies on all tracked contexts after one more stage of training, \[tracked\].
    ///
    /// # Errors
    /// If the length is not the number of tracked contexts, a value is no fraction, or there are as many
    /// rows as contexts already. The matrix then stays as it was.
    pub fn push_row(&mut self, row: Vec<f64>) -> Result<(), Error> {
        let after = match &self.after {
            Some(after) => after.last().map_or(0, |last| last + 1),
            None => self.rows.len(),
        };
        self.push_row_after(after, row)
    }

    /// Adds the accuracies after stage `stage`, counted from 0: of a full matrix that of the next row.
    ///
    /// # Errors
    /// As [`push_row`](Self::push_row); if the stage is not behind that of the last row.
    pub fn push_row_after(&mut self, stage: usize, row: Vec<f64>) -> Result<(), Error> {
        check(&format!("row {}", self.rows.len()), &row, self.columns())?;
        if self.rows.len() == self.contexts {
            return Err(Error::TooManyRows { found: self.contexts + 1, contexts: self.contexts });
        }
        let next = match &self.after {
            Some(after) => after.last().map_or(0, |last| last + 1)..self.contexts,
            None => self.rows.len()..self.rows.len() + 1,
        };
        if !next.contains(&stage) {
            return Err(Error::Stage { found: stage, first: next.start, end: next.end });
        }
        if let Some(after) = &mut self.after {
            after.push(stage);
        }
        self.rows.push(row);
        Ok(())
    }

    /// The number of contexts, `T`.
    #[must_use]
    pub fn contexts(&self) -> usize {
        self.contexts
    }

    /// The number of columns: of tracked contexts.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.tracked.as_ref().map_or(self.contexts, Vec::len)
    }

    /// Of a sparse matrix the contexts of its columns, counted from 0; `None`: all contexts.
    #[must_use]
    pub fn tracked(&self) -> Option<&[usize]> {
        self.tracked.as_deref()
    }

    /// Of a sparse matrix the stages of its rows, counted from 0; `None`: one after the other from 0 on.
    #[must_use]
    pub fn evaluated_after(&self) -> Option<&[usize]> {
        self.after.as_deref()
    }

    /// The rows so far, `R`: \[evaluations, tracked\].
    #[must_use]
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The accuracies before any training, `b`: \[tracked\], if measured.
    #[must_use]
    pub fn before(&self) -> Option<&[f64]> {
        self.before.as_deref()
    }
}

/// Refuses a row that is not one fraction per context.
pub(crate) fn check(what: &str, row: &[f64], contexts: usize) -> Result<(), Error> {
    if row.len() != contexts {
        return Err(Error::Length { what: what.into(), found: row.len(), contexts });
    }
    // NaN and infinities are in no range.
    match row.iter().position(|value| !(0.0..=1.0).contains(value)) {
        Some(context) => {
            Err(Error::NotAFraction { what: what.into(), context, value: row[context] })
        }
        None => Ok(()),
    }
}

/// The serialised form before its numbers are checked.
#[derive(Deserialize)]
struct Unchecked {
    contexts: usize,
    accuracy: Vec<Vec<f64>>,
    #[serde(default)]
    accuracy_before: Option<Vec<f64>>,
    #[serde(default)]
    tracked: Option<Vec<usize>>,
    #[serde(default)]
    evaluated_after: Option<Vec<usize>>,
}

impl TryFrom<Unchecked> for AccuracyMatrix {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self, Error> {
        let Unchecked { contexts, accuracy, accuracy_before, tracked, evaluated_after } = read;
        let mut matrix = match tracked {
            Some(tracked) => Self::sparse(contexts, tracked)?,
            None => Self::new(contexts)?,
        };
        if let (Some(after), rows) = (&evaluated_after, accuracy.len())
            && after.len() != rows
        {
            return Err(Error::Length {
                what: "evaluated_after".into(),
                found: after.len(),
                contexts: rows,
            });
        }
        for (number, row) in accuracy.into_iter().enumerate() {
            match evaluated_after.as_ref().map(|after| after[number]) {
                Some(stage) => matrix.push_row_after(stage, row)?,
                None => matrix.push_row(row)?,
            }
        }
        match accuracy_before {
            Some(before) => matrix.with_before(before),
            None => Ok(matrix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_fractions_are_refused() {
        for value in [-0.01, 1.01, 97.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = AccuracyMatrix::from_rows(vec![vec![0.5, value]]).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("accuracy matrix: row 0, context 1: "), "{text}");
            let matrix = AccuracyMatrix::new(1).unwrap();
            assert!(matrix.with_before(vec![value]).is_err());
        }
        assert!(AccuracyMatrix::from_rows(vec![vec![0.0, 1.0]]).is_ok());
    }

    #[test]
    fn a_row_of_another_length_is_refused_and_changes_nothing() {
        let mut matrix = AccuracyMatrix::from_rows(vec![vec![0.5, 0.5]]).unwrap();
        assert_eq!(
            matrix.push_row(vec![0.5]).unwrap_err().to_string(),
            "accuracy matrix: row 1 has length 1, expected one value per context (2)"
        );
        matrix.push_row(vec![0.5, 0.5]).unwrap();
        assert_eq!(
            matrix.push_row(vec![0.5, 0.5]).unwrap_err(),
            Error::TooManyRows { found: 3, contexts: 2 }
        );
        assert_eq!(matrix.rows().len(), 2);
    }

    #[test]
    fn no_contexts_are_refused() {
        assert_eq!(AccuracyMatrix::new(0).unwrap_err(), Error::NoContexts);
        assert_eq!(AccuracyMatrix::from_rows(vec![]).unwrap_err(), Error::NoContexts);
        assert_eq!(AccuracyMatrix::from_rows(vec![vec![]]).unwrap_err(), Error::NoContexts);
    }

    #[test]
    fn json_is_read_back_equal_and_damaged_json_is_refused() {
        let matrix = AccuracyMatrix::from_rows(vec![vec![0.1, 0.25]])
            .unwrap()
            .with_before(vec![0.5, 0.0])
            .unwrap();
        let text = serde_json::to_string(&matrix).unwrap();
        assert_eq!(text, r#"{"contexts":2,"accuracy":[[0.1,0.25]],"accuracy_before":[0.5,0.0]}"#);
        assert_eq!(serde_json::from_str::<AccuracyMatrix>(&text).unwrap(), matrix);
        for damaged in [text.replace("0.25", "25"), text.replace("[0.1,0.25]", "[0.1]")] {
            let error = serde_json::from_str::<AccuracyMatrix>(&damaged).unwrap_err();
            assert!(error.to_string().starts_with("accuracy matrix: row 0"), "{error}");
        }
    }
}
