    // Active sets as in BoundedQp on the CPU, in f32. `room` holds, for x and slope w = P x + c, the
    // tableau that gives (x_F, w_N) from (w_F, x_N), [n, n], its column of constants q, then x, c and what
    // is left of a solution. To free a variable, or to put it back, exchanges its x and w: one pivot,
    // each invocation its own row. A solution of the free variables is refined twice: P_FF^-1 is there.
    let n = NNu;
    let q = n * n;
    let x = q + n;
    let c = x + n;
    let rest = c + n;
    var odd = 0.0;
    for (var j = t; j < n * n; j += 64u) { odd += flag(!(abs(x0(j)) < 3.4e38)); }
    if (t < n) { odd += flag(!(abs(x1(t)) < 3.4e38)) + flag(!(abs(x2(t)) < 3.4e38)); }
    if (group_sum(odd) > 0.0) {
        if (t < n) { put(t, nan()); }
        return;
    }
    if (t < n) {
        var slope = x1(t);
        for (var j = 0u; j < n; j++) {
            let p = curve(t, j);
            room[t * n + j] = p;
            slope = fma(p, x2(j), slope);
        }
        room[q + t] = slope;
        room[c + t] = slope;
        room[x + t] = 0.0;
    }
    var own_free = false;
    var own_barred = false;
    workgroupBarrier();
    for (var round = 0u; round < 10u * n; round++) {
        // The variable at its bound along which the objective falls most steeply.
        var fall = 0.0;
        if (t < n && !own_free && !own_barred) {
            var slope = room[c + t];
            var size = abs(slope);
            for (var j = 0u; j < n; j++) {
                let term = curve(t, j) * room[x + j];
                slope += term;
                size += abs(term);
            }
            if (slope < -4.0 * f32(n) * 1.1920929e-7 * size) { fall = -slope; }
        }
        let steepest = group_max(fall);
        if (steepest == 0.0) { break; }
        let next = u32(-group_max(select(-1e9, -f32(t), fall == steepest)));
        // It joins where the program curves along it, given those that are free.
        let joins = room[next * n + next] > f32(n) * 1.1920929e-7 * curve(next, next);
        var moving = false;
        if (joins) {
            pivot(t, next);
            if (t == next) { own_free = true; }
            moving = refined(t, own_free, next) > 0.0;
            if (!moving) {
                pivot(t, next);
                if (t == next) { own_free = false; }
            }
        }
        if (!moving) {
            if (t == next) { own_barred = true; }
            continue;
        }
        own_barred = false;
        // As far towards the minimum as the bounds allow; who hinders goes back to its bound.
        for (var back = 0u; back <= n; back++) {
            let z = room[rest + min(t, n - 1u)];
            let at = room[x + min(t, n - 1u)];
            let hinders = own_free && z <= 0.0;
            let reach = -group_max(select(-2.0, -at / max(at - z, 1e-38), hinders));
            if (reach > 1.5) {
                if (own_free) { room[x + t] = z; }
                workgroupBarrier();
                break;
            }
            let first = hinders && at / max(at - z, 1e-38) == reach;
            var leaves = false;
            if (own_free) {
                let to = at + reach * (z - at);
                leaves = first || to <= 0.0;
                room[x + t] = select(to, 0.0, leaves);
            }
            workgroupBarrier();
            for (var k = 0u; k < n; k++) {
                if (group_max(flag(leaves && t == k)) > 0.0) {
                    pivot(t, k);
                    if (t == k) { own_free = false; }
                }
            }
            let again = refined(t, own_free, 0u);
        }
    }
    if (t < n) { put(t, x2(t) + room[x + t]); }
