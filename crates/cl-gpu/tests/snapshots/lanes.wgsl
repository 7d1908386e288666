// sum_inner | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read> m1: array<u32>;
@group(0) @binding(3) var<storage, read_write> m2: array<u32>;
var<private> b0_0: u32;
fn put_0(e: u32, value: f32) { m0[b0_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    put_0(i, 0.0);
}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[3])) { return; }
    let part = w.z % p[3];
    let i = w.x * 64u + t;
    if (i < p[2]) { body_0(i); }
}
var<private> b0_1: u32;
var<private> b1_1: u32;
var<private> b2_1: u32;

fn body_1(i: u32) {
    let x0 = m1[b0_1 + i];
    let x1 = m1[b1_1 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x1));
    m2[b2_1 + i] = r0;

}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    let l1 = member % p[8];
    member = member / p[8];
    b0_1 = p[9] + member * p[10] + l1 * p[11];
    b1_1 = p[12] + member * p[13] + l1 * p[14];
    b2_1 = p[15] + member * p[16] + l1 * p[17];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[19])) { return; }
    let part = w.z % p[19];
    let i = w.x * 64u + t;
    if (i < p[18]) { body_1(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[4]) {
        let rest = u % p[6];
        run_0(vec3<u32>(rest % p[5], rest / p[5], w.z * p[7] + u / p[6]), t);
        return;
    }
    u -= p[4];
    if (u < p[20]) {
        let rest = u % p[22];
        run_1(vec3<u32>(rest % p[21], rest / p[21], w.z * p[23] + u / p[22]), t);
        return;
    }
    u -= p[20];
}

// sum
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    let first = (i / 1u) * 2u * 1u + i % 1u;
    var sum = 0.0;
    for (var j = 0u; j < 2u; j++) { sum += x0_0(first + j * 1u); }
    put_0(i, sum);
}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    let l1 = member % p[0];
    member = member / p[0];
    b0_0 = p[1] + member * p[2] + l1 * p[3];
    b1_0 = p[4] + member * p[5] + l1 * p[6];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[8])) { return; }
    let part = w.z % p[8];
    let i = w.x * 64u + t;
    if (i < p[7]) { body_0(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[9]) {
        let rest = u % p[11];
        run_0(vec3<u32>(rest % p[10], rest / p[10], w.z * p[12] + u / p[11]), t);
        return;
    }
    u -= p[9];
}

// stacked | sum_inner
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
fn x_0(e: u32) -> u32 { return m0[b0_0 + e]; }
var<private> b1_0: u32;
fn put_0(e: u32, value: u32) { m1[b1_0 + e] = value; }

fn body_0(i: u32) {
    put_0(i, x_0((i / 1u) * 32u + i % 1u));
}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[5])) { return; }
    let part = w.z % p[5];
    let i = w.x * 64u + t;
    if (i < p[4]) { body_0(i); }
}
var<private> b0_1: u32;
fn x_1(e: u32) -> u32 { return m0[b0_1 + e]; }
var<private> b1_1: u32;
fn before_1(e: u32) -> f32 { return bitcast<f32>(m1[b1_1 + e]); }
var<private> b2_1: u32;
fn put_1(e: u32, value: f32) { m1[b2_1 + e] = bitcast<u32>(value); }

fn body_1(i: u32) {
    var sum = before_1(i);
    for (var lane = 0u; lane < 3u; lane++) { sum += bitcast<f32>(x_1(lane * 32u + i)); }
    put_1(i, sum);
}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[10] + member * p[11];
    b1_1 = p[12] + member * p[13];
    b2_1 = p[14] + member * p[15];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[17])) { return; }
    let part = w.z % p[17];
    let i = w.x * 64u + t;
    if (i < p[16]) { body_1(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[6]) {
        let rest = u % p[8];
        run_0(vec3<u32>(rest % p[7], rest / p[7], w.z * p[9] + u / p[8]), t);
        return;
    }
    u -= p[6];
    if (u < p[18]) {
        let rest = u % p[20];
        run_1(vec3<u32>(rest % p[19], rest / p[19], w.z * p[21] + u / p[20]), t);
        return;
    }
    u -= p[18];
}

// concat
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn x1_0(e: u32) -> f32 { return bitcast<f32>(m0[b1_0 + e]); }
var<private> b2_0: u32;
fn put_0(e: u32, value: f32) { m0[b2_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    let row = i / 5u;
    var at = i % 5u;
    if (at < 3u) { put_0(i, x0_0(row * 3u + at)); return; }
    at -= 3u;
    if (at < 2u) { put_0(i, x1_0(row * 2u + at)); return; }
    at -= 2u;

}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    b2_0 = p[4] + member * p[5];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[7])) { return; }
    let part = w.z % p[7];
    let i = w.x * 64u + t;
    if (i < p[6]) { body_0(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[8]) {
        let rest = u % p[10];
        run_0(vec3<u32>(rest % p[9], rest / p[9], w.z * p[11] + u / p[10]), t);
        return;
    }
    u -= p[8];
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

