//! Small quadratic programs with lower bounds, in f64, by the active-set method of Lawson & Hanson.

/// Most variables of a program: its matrices then fit a worker's stack (64 KiB).
pub(crate) const MAX: usize = 64;

type Matrix = [[f64; MAX]; MAX];

/// Rounds per variable. A variable joins once and leaves rarely: about one round per variable is
/// what programs take.
const ROUNDS: usize = 10;

/// Minimises ½ xᵀP x + cᵀx over x ≥ 0: P `[n, n]` symmetric and positive definite, n at most [`MAX`].
///
/// Variables are at their bound 0 or free. A round frees the one of the steepest descent, solves for
/// the free ones (Cholesky) and, as long as one of these would leave the bound, goes as far as it may
/// and puts that one back (Lawson & Hanson 1974, *Solving Least Squares Problems*, chapter 23, for a
/// quadratic form; n 1 to 3 rounds in practice). The objective sinks with every round that moves x, so no set of
/// free variables comes twice.
///
/// Stops where no slope of a variable at its bound is below the rounding error of its own sum,
/// −4 n ε Σ |terms|, and after 10 n rounds at the latest: x is feasible then too, and no worse than 0.
/// A variable along which the program does not curve, given those that are free, stays at its bound.
pub(crate) struct BoundedQp {
    n: usize,
    p: Matrix,
    c: [f64; MAX],
    x: [f64; MAX],
    free: [bool; MAX],
    /// Scratch: the factor of the free part of P, and the minimum over the free variables.
    factor: Matrix,
    z: [f64; MAX],
    /// Rounds that the solution took.
    rounds: usize,
}

impl BoundedQp {
    /// The program of P(i, j) and c(i).
    pub(crate) fn new(n: usize, p: impl Fn(usize, usize) -> f64, c: impl Fn(usize) -> f64) -> Self {
        assert!(n <= MAX, "{n} variables, at most {MAX} fit");
        let mut program = Self {
            n,
            p: [[0.0; MAX]; MAX],
            c: [0.0; MAX],
            x: [0.0; MAX],
            free: [false; MAX],
            factor: [[0.0; MAX]; MAX],
            z: [0.0; MAX],
            rounds: 0,
        };
        for i in 0..n {
            program.c[i] = c(i);
            for j in 0..n {
                program.p[i][j] = p(i, j);
            }
        }
        program
    }

    /// The minimum `[n]`; 0 for a variable at its bound.
    pub(crate) fn solve(&mut self) -> &[f64] {
        self.solve_within(ROUNDS * self.n)
    }

    fn solve_within(&mut self, rounds: usize) -> &[f64] {
        // Variables that were freed without effect since x last moved.
        let mut barred = [false; MAX];
        while self.rounds < rounds {
            let Some(next) = self.steepest(&barred) else { break };
            self.rounds += 1;
            self.free[next] = true;
            if self.minimise_free() && self.z[next] > 0.0 {
                self.move_within_bounds();
                barred = [false; MAX];
            } else {
                self.free[next] = false;
                barred[next] = true;
            }
        }
        &self.x[..self.n]
    }

    /// The variable at its bound along which the objective falls most steeply.
    fn steepest(&self, barred: &[bool; MAX]) -> Option<usize> {
        let mut best = None;
        let mut lowest = 0.0;
        for i in (0..self.n).filter(|&i| !self.free[i] && !barred[i]) {
            let (mut slope, mut size) = (self.c[i], self.c[i].abs());
            for j in 0..self.n {
                let term = self.p[i][j] * self.x[j];
                slope += term;
                size += term.abs();
            }
            let rounding = 4.0 * self.n as f64 * f64::EPSILON * size;
            if slope < -rounding && slope < lowest {
                (best, lowest) = (Some(i), slope);
            }
        }
        best
    }

    /// Goes from x to the minimum over the free variables, which it has found in `z`; where that is
    /// out of bounds, puts the variables that hinder back and looks again.
    fn move_within_bounds(&mut self) {
        loop {
            let hinders = |i: &usize| self.free[*i] && self.z[*i] <= 0.0;
            let reach = |i: usize| self.x[i] / (self.x[i] - self.z[i]);
            let far = (0..self.n).filter(hinders).map(reach).reduce(f64::min);
            let Some(far) = far else { break };
            let first = (0..self.n).filter(hinders).find(|&i| reach(i) == far);
            for i in 0..self.n {
                if !self.free[i] {
                    continue;
                }
                self.x[i] += far * (self.z[i] - self.x[i]);
                // One leaves in any case, or rounding could keep the loop going.
                if self.x[i] <= 0.0 || Some(i) == first {
                    self.x[i] = 0.0;
                    self.free[i] = false;
                }
            }
            // Part of a positive definite matrix that had a factor has one too.
            if !self.minimise_free() {
                return;
            }
        }
        for i in (0..self.n).filter(|&i| self.free[i]) {
            self.x[i] = self.z[i];
        }
    }

    /// Solves P_FF z_F = −c_F over the free variables F; false if P_FF is not positive definite.
    fn minimise_free(&mut self) -> bool {
        let mut index = [0; MAX];
        let mut count = 0;
        for i in (0..self.n).filter(|&i| self.free[i]) {
            index[count] = i;
            count += 1;
        }
        let index = &index[..count];
        let l = &mut self.factor;
        for (row, &i) in index.iter().enumerate() {
            for (column, &j) in index[..=row].iter().enumerate() {
                let dot: f64 = (0..column).map(|k| l[row][k] * l[column][k]).sum();
                let rest = self.p[i][j] - dot;
                if column < row {
                    l[row][column] = rest / l[column][column];
                } else if rest > count as f64 * f64::EPSILON * self.p[i][i] {
                    l[row][row] = rest.sqrt();
                } else {
                    return false;
                }
            }
        }
        // L y = −c, then Lᵀ z = y.
        for (row, &i) in index.iter().enumerate() {
            let dot: f64 = (0..row).map(|k| l[row][k] * self.z[index[k]]).sum();
            self.z[i] = (-self.c[i] - dot) / l[row][row];
        }
        for (row, &i) in index.iter().enumerate().rev() {
            let dot: f64 = (row + 1..count).map(|k| l[k][row] * self.z[index[k]]).sum();
            self.z[i] = (self.z[i] - dot) / l[row][row];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_random::{Address, Purpose, Rng};
    use proptest::prelude::*;

    /// P = A Aᵀ + ridge I with A `[n, m]`, and c: normal-like numbers.
    struct Problem {
        p: Vec<Vec<f64>>,
        c: Vec<f64>,
    }

    fn problem(seed: u64, n: usize, m: usize, ridge: f64) -> Problem {
        let mut rng = Address::new(seed, Purpose::named("quadratic programs")).rng();
        let mut draw = |_: usize| -> f64 {
            let uniform = |rng: &mut Rng| f64::from(rng.below(1 << 20)) / f64::from(1 << 20);
            (0..4).map(|_| uniform(&mut rng) - 0.5).sum()
        };
        let a: Vec<Vec<f64>> = (0..n).map(|_| (0..m).map(&mut draw).collect()).collect();
        let c = (0..n).map(&mut draw).collect();
        let dot = |i: usize, j: usize| a[i].iter().zip(&a[j]).map(|(x, y)| x * y).sum::<f64>();
        let entry = |i, j| dot(i, j) + if i == j { ridge } else { 0.0 };
        Problem { p: (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect(), c }
    }

    impl Problem {
        fn solve(&self) -> (Vec<f64>, usize) {
            let mut program = BoundedQp::new(self.c.len(), |i, j| self.p[i][j], |i| self.c[i]);
            let x = program.solve().to_vec();
            (x, program.rounds)
        }

        /// Slope P x + c at x, and the size of its terms.
        fn slope(&self, x: &[f64], i: usize) -> (f64, f64) {
            let terms = self.p[i].iter().zip(x).map(|(p, x)| p * x);
            let size = terms.clone().map(f64::abs).sum::<f64>() + self.c[i].abs();
            (terms.sum::<f64>() + self.c[i], size)
        }

        /// x ≥ 0, slope ≥ 0, and one of the two is 0, to rounding: what a minimum is, and only it.
        fn assert_is_minimum(&self, x: &[f64], rounding: f64) {
            for (i, &x_i) in x.iter().enumerate() {
                let (slope, size) = self.slope(x, i);
                assert!(x_i >= 0.0, "x[{i}] = {x_i}");
                assert!(slope >= -rounding * size, "slope {slope:e} of {size} at {i}");
                assert!(x_i == 0.0 || slope <= rounding * size, "x[{i}] = {x_i}, slope {slope:e}");
            }
        }

        /// ½ xᵀP x + cᵀx.
        fn value(&self, x: &[f64]) -> f64 {
            let half = |i: usize| 0.5 * (self.slope(x, i).0 + self.c[i]);
            x.iter().enumerate().map(|(i, x)| x * half(i)).sum()
        }

        /// The best of the minima over all 2ⁿ sets of free variables that are within their bounds.
        fn brute_force(&self) -> Vec<f64> {
            let n = self.c.len();
            let minima = (0..1_usize << n).filter_map(|set| {
                let free: Vec<usize> = (0..n).filter(|i| set >> i & 1 == 1).collect();
                let mut x = vec![0.0; n];
                for (&i, value) in free.iter().zip(self.cramer(&free)) {
                    x[i] = value;
                }
                x.iter().all(|&x| x >= 0.0).then_some(x)
            });
            minima.min_by(|a, b| self.value(a).total_cmp(&self.value(b))).unwrap()
        }

        /// P_FF x = −c_F by Cramer's rule.
        fn cramer(&self, free: &[usize]) -> Vec<f64> {
            let block = |with: Option<usize>| -> Vec<Vec<f64>> {
                let entry = |i: usize, column: usize| match with {
                    Some(replaced) if replaced == column => -self.c[i],
                    _ => self.p[i][free[column]],
                };
                free.iter().map(|&i| (0..free.len()).map(|k| entry(i, k)).collect()).collect()
            };
            let whole = determinant(&block(None));
            (0..free.len()).map(|k| determinant(&block(Some(k))) / whole).collect()
        }
    }

    /// By expansion along the first row.
    fn determinant(a: &[Vec<f64>]) -> f64 {
        let Some(first) = a.first() else { return 1.0 };
        let minor = |skip: usize| -> Vec<Vec<f64>> {
            let row = |row: &Vec<f64>| {
                row.iter().enumerate().filter(|(j, _)| *j != skip).map(|(_, x)| *x).collect()
            };
            a[1..].iter().map(row).collect()
        };
        let term = |(j, x): (usize, &f64)| {
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            sign * x * determinant(&minor(j))
        };
        first.iter().enumerate().map(term).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn small_programs_have_the_minimum_found_by_trying_all_active_sets(
            seed in any::<u64>(), n in 1_usize..=6, ridge in 0.05_f64..2.0,
        ) {
            let problem = problem(seed, n, n, ridge);
            let (x, _) = problem.solve();
            let best = problem.brute_force();
            let largest = best.iter().fold(1e-3_f64, |max, x| max.max(*x));
            for (x, best) in x.iter().zip(&best) {
                prop_assert!((x - best).abs() <= 1e-11 * largest, "{x} {best}");
            }
        }

        #[test]
        fn larger_programs_end_at_a_minimum_within_three_rounds_per_variable(
            seed in any::<u64>(), n in 1_usize..=20, ridge in 1e-6_f64..1.0,
        ) {
            let problem = problem(seed, n, n.div_ceil(2), ridge);
            let (x, rounds) = problem.solve();
            problem.assert_is_minimum(&x, 1e-11);
            prop_assert!(rounds <= 3 * n, "{rounds} rounds for {n}");
        }
    }

    #[test]
    fn the_largest_program_ends_at_a_minimum() {
        for seed in 0..20 {
            let problem = problem(seed, MAX, MAX, 1e-3);
            let (x, rounds) = problem.solve();
            problem.assert_is_minimum(&x, 1e-10);
            assert!(rounds <= 3 * MAX, "{rounds} rounds");
            assert!(x.iter().any(|&x| x > 0.0) && x.contains(&0.0));
        }
    }

    /// The dual of GEM where a memory is a copy of another: P has no inverse, the minimum is not the
    /// only one, and the slopes are at it all the same.
    #[test]
    fn gradients_that_depend_on_each_other_do_no_harm() {
        for seed in 0..50 {
            let Problem { mut p, mut c } = problem(seed, 5, 8, 0.0);
            p.push(p[2].clone());
            p.iter_mut().for_each(|row| row.push(row[2]));
            c.push(c[2]);
            let problem = Problem { p, c };
            problem.assert_is_minimum(&problem.solve().0, 1e-11);
        }
    }

    #[test]
    fn every_round_lowers_the_objective_within_the_bounds() {
        for seed in 0..300 {
            let problem = problem(seed, 20, 6, 1e-3);
            let (_, rounds) = problem.solve();
            let after = |most: usize| {
                let mut program = BoundedQp::new(20, |i, j| problem.p[i][j], |i| problem.c[i]);
                let x = program.solve_within(most).to_vec();
                assert!(x.iter().all(|&x| x >= 0.0));
                problem.value(&x)
            };
            for most in 0..rounds {
                assert!(after(most + 1) < after(most), "seed {seed}, round {most} of {rounds}");
            }
        }
    }

    /// ½ (a·x)² − x₀ − 2 x₁ with a = (a₀, −a₁) falls without end along (a₁, a₀), where it does not
    /// curve: the second variable is freed first, and the other one then stays.
    #[test]
    fn a_direction_that_does_not_curve_is_not_followed() {
        for i in 1..200 {
            let a = [f64::from(i) / 7.0, -f64::from(i % 13 + 1) / 3.0];
            let p = a.iter().map(|x| a.iter().map(|y| x * y).collect()).collect();
            let (x, rounds) = Problem { p, c: vec![-1.0, -2.0] }.solve();
            assert_eq!(rounds, 2, "what had no effect is not tried again");
            assert!(x[0] == 0.0 && (x[1] * a[1] * a[1] - 2.0).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn nothing_pulls_and_nothing_curves() {
        let flat = Problem { p: vec![vec![0.0; 3]; 3], c: vec![0.0, -1.0, 1.0] };
        assert_eq!(flat.solve().0, [0.0; 3]);
        let still = Problem { p: vec![vec![2.0, 1.0], vec![1.0, 2.0]], c: vec![0.0, 0.0] };
        assert_eq!(still.solve(), (vec![0.0; 2], 0));
    }
}
