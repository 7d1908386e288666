// nnqp
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<workgroup> room: array<f32, 36>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn x1_0(e: u32) -> f32 { return bitcast<f32>(m0[b1_0 + e]); }
var<private> b2_0: u32;
fn x2_0(e: u32) -> f32 { return bitcast<f32>(m0[b2_0 + e]); }
var<private> b3_0: u32;
fn put_0(e: u32, value: f32) { m1[b3_0 + e] = bitcast<u32>(value); }
// An entry of the symmetric matrix.
fn curve_0(i: u32, j: u32) -> f32 { return 0.5 * (x0_0(i * 4u + j) + x0_0(j * 4u + i)); }
// Exchanges x_k and w_k in the tableau.
fn pivot_0(t: u32, k: u32) {
    let n = 4u;
    let q = n * n;
    let d = 1.0 / room[k * n + k];
    var own = 0.0;
    if (t < n) { own = room[t * n + k]; }
    workgroupBarrier();
    if (t < n && t != k) {
        for (var j = 0u; j < n; j++) { room[t * n + j] = fma(-own * d, room[k * n + j], room[t * n + j]); }
        room[q + t] = fma(-own * d, room[q + k], room[q + t]);
        room[t * n + k] = own * d;
    }
    workgroupBarrier();
    if (t == k) {
        for (var j = 0u; j < n; j++) { room[k * n + j] *= -d; }
        room[q + k] *= -d;
        room[k * n + k] = d;
    }
    workgroupBarrier();
}
// The minimum over the free variables into the last stretch of `room`, refined_0; gives its element k.
fn refined_0(t: u32, own_free: bool, k: u32) -> f32 {
    let n = 4u;
    let q = n * n;
    let c = q + 2u * n;
    let rest = c + n;
    let left = rest + n;
    if (t < n) { room[rest + t] = select(0.0, room[q + t], own_free); }
    workgroupBarrier();
    for (var turn = 0u; turn < 2u; turn++) {
        if (t < n) {
            var r = -room[c + t];
            for (var j = 0u; j < n; j++) { r = fma(-curve_0(t, j), room[rest + j], r); }
            room[left + t] = select(0.0, r, own_free);
        }
        workgroupBarrier();
        var more = 0.0;
        if (t < n && own_free) {
            for (var j = 0u; j < n; j++) { more = fma(room[t * n + j], room[left + j], more); }
        }
        workgroupBarrier();
        if (t < n) { room[rest + t] += more; }
        workgroupBarrier();
    }
    return room[rest + k];
}

fn body_0(i: u32, t: u32) {
    // Active sets as in BoundedQp on the CPU, in f32. `room` holds, for x and slope w = P x + c, the
    // tableau that gives (x_F, w_N) from (w_F, x_N), [n, n], its column of constants q, then x, c and what
    // is left of a solution. To free a variable, or to put_0 it back, exchanges its x and w: one pivot_0,
    // each invocation its own row. A solution of the free variables is refined_0 twice: P_FF^-1 is there.
    let n = 4u;
    let q = n * n;
    let x = q + n;
    let c = x + n;
    let rest = c + n;
    var odd = 0.0;
    for (var j = t; j < n * n; j += 64u) { odd += flag(!(abs(x0_0(j)) < 3.4e38)); }
    if (t < n) { odd += flag(!(abs(x1_0(t)) < 3.4e38)) + flag(!(abs(x2_0(t)) < 3.4e38)); }
    if (group_sum(odd) > 0.0) {
        if (t < n) { put_0(t, nan()); }
        return;
    }
    if (t < n) {
        var slope = x1_0(t);
        for (var j = 0u; j < n; j++) {
            let p = curve_0(t, j);
            room[t * n + j] = p;
            slope = fma(p, x2_0(j), slope);
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
                let term = curve_0(t, j) * room[x + j];
                slope += term;
                size += abs(term);
            }
            if (slope < -4.0 * f32(n) * 1.1920929e-7 * size) { fall = -slope; }
        }
        let steepest = group_max(fall);
        if (steepest == 0.0) { break; }
        let next = u32(-group_max(select(-1e9, -f32(t), fall == steepest)));
        // It joins where the program curves along it, given those that are free.
        let joins = room[next * n + next] > f32(n) * 1.1920929e-7 * curve_0(next, next);
        var moving = false;
        if (joins) {
            pivot_0(t, next);
            if (t == next) { own_free = true; }
            moving = refined_0(t, own_free, next) > 0.0;
            if (!moving) {
                pivot_0(t, next);
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
                    pivot_0(t, k);
                    if (t == k) { own_free = false; }
                }
            }
            let again = refined_0(t, own_free, 0u);
        }
    }
    if (t < n) { put_0(t, x2_0(t) + room[x + t]); }

}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    b2_0 = p[4] + member * p[5];
    b3_0 = p[6] + member * p[7];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[9])) { return; }
    let part = w.z % p[9];
    mine = t;
    body_0(w.x, t);
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[10]) {
        let rest = u % p[12];
        run_0(vec3<u32>(rest % p[11], rest / p[11], w.z * p[13] + u / p[12]), t);
        return;
    }
    u -= p[10];
}

// outputs
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;

fn body_0(i: u32) {
    var at = i;
    if (at < p[4]) { m1[b1_0 + at] = m0[b0_0 + at]; return; }
    at -= p[4];

}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[6])) { return; }
    let part = w.z % p[6];
    let i = w.x * 64u + t;
    if (i < p[5]) { body_0(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[7]) {
        let rest = u % p[9];
        run_0(vec3<u32>(rest % p[8], rest / p[8], w.z * p[10] + u / p[9]), t);
        return;
    }
    u -= p[7];
}

