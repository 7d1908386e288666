// gather | scatter_add | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn x1_0(e: u32) -> u32 { return m0[b1_0 + e]; }
var<private> b2_0: u32;
fn put_0(e: u32, value: f32) { m1[b2_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    let row = x1_0(i / 2u);
    var x = 0.0;
    if (row < 2u) { x = x0_0(row * 2u + i % 2u); }
    put_0(i, x);
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
var<private> b0_1: u32;
fn x0_1(e: u32) -> f32 { return bitcast<f32>(m0[b0_1 + e]); }
var<private> b1_1: u32;
fn x1_1(e: u32) -> u32 { return m0[b1_1 + e]; }
var<private> b2_1: u32;
fn put_1(e: u32, value: f32) { m1[b2_1 + e] = bitcast<u32>(value); }

fn body_1(i: u32) {
    let to = i / 2u;
    var sum = 0.0;
    for (var row = 0u; row < 4u; row++) {
        if (x1_1(row) == to) { sum += x0_1(row * 2u + i % 2u); }
    }
    put_1(i, sum);
}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[12] + member * p[13];
    b1_1 = p[14] + member * p[15];
    b2_1 = p[16] + member * p[17];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[19])) { return; }
    let part = w.z % p[19];
    let i = w.x * 64u + t;
    if (i < p[18]) { body_1(i); }
}
var<private> b0_2: u32;
var<private> b1_2: u32;

fn body_2(i: u32) {
    let x0 = m1[b0_2 + 0u];
    let r0 = x0;
    m1[b1_2 + i] = r0;

}
fn begin_2(lane: u32) -> bool {
    var member = lane;
    b0_2 = p[24] + member * p[25];
    b1_2 = p[26] + member * p[27];
    return true;
}
fn run_2(w: vec3<u32>, t: u32) {
    if (!begin_2(w.z / p[29])) { return; }
    let part = w.z % p[29];
    let i = w.x * 64u + t;
    if (i < p[28]) { body_2(i); }
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
    if (u < p[20]) {
        let rest = u % p[22];
        run_1(vec3<u32>(rest % p[21], rest / p[21], w.z * p[23] + u / p[22]), t);
        return;
    }
    u -= p[20];
    if (u < p[30]) {
        let rest = u % p[32];
        run_2(vec3<u32>(rest % p[31], rest / p[31], w.z * p[33] + u / p[32]), t);
        return;
    }
    u -= p[30];
}

// pointwise | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + i];
    let x1 = m1[b1_0 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x1));
    m0[b2_0 + i] = r0;

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
var<private> b0_1: u32;
var<private> b1_1: u32;

fn body_1(i: u32) {
    let x0 = m0[b0_1 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x0));
    m0[b1_1 + i] = r0;

}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[12] + member * p[13];
    b1_1 = p[14] + member * p[15];
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
    if (u < p[8]) {
        let rest = u % p[10];
        run_0(vec3<u32>(rest % p[9], rest / p[9], w.z * p[11] + u / p[10]), t);
        return;
    }
    u -= p[8];
    if (u < p[18]) {
        let rest = u % p[20];
        run_1(vec3<u32>(rest % p[19], rest / p[19], w.z * p[21] + u / p[20]), t);
        return;
    }
    u -= p[18];
}

// sum | sum
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    let first = (i / 1u) * 8u * 1u + i % 1u;
    var sum = 0.0;
    for (var j = 0u; j < 8u; j++) { sum += x0_0(first + j * 1u); }
    put_0(i, sum);
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
fn x0_1(e: u32) -> f32 { return bitcast<f32>(m0[b0_1 + e]); }
var<private> b1_1: u32;
fn put_1(e: u32, value: f32) { m0[b1_1 + e] = bitcast<u32>(value); }

fn body_1(i: u32) {
    let first = (i / 1u) * 4u * 1u + i % 1u;
    var sum = 0.0;
    for (var j = 0u; j < 4u; j++) { sum += x0_1(first + j * 1u); }
    put_1(i, sum);
}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[10] + member * p[11];
    b1_1 = p[12] + member * p[13];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[15])) { return; }
    let part = w.z % p[15];
    let i = w.x * 64u + t;
    if (i < p[14]) { body_1(i); }
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
    if (u < p[16]) {
        let rest = u % p[18];
        run_1(vec3<u32>(rest % p[17], rest / p[17], w.z * p[19] + u / p[18]), t);
        return;
    }
    u -= p[16];
}

// outputs
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;
var<private> b3_0: u32;
var<private> b4_0: u32;
var<private> b5_0: u32;
var<private> b6_0: u32;
var<private> b7_0: u32;
var<private> b8_0: u32;
var<private> b9_0: u32;

fn body_0(i: u32) {
    var at = i;
    if (at < p[4]) { m1[b1_0 + at] = m0[b0_0 + at]; return; }
    at -= p[4];
    if (at < p[9]) { m1[b3_0 + at] = m0[b2_0 + at]; return; }
    at -= p[9];
    if (at < p[14]) { m1[b5_0 + at] = m0[b4_0 + at]; return; }
    at -= p[14];
    if (at < p[19]) { m1[b7_0 + at] = m0[b6_0 + at]; return; }
    at -= p[19];
    if (at < p[24]) { m1[b9_0 + at] = m0[b8_0 + at]; return; }
    at -= p[24];

}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    b2_0 = p[5] + member * p[6];
    b3_0 = p[7] + member * p[8];
    b4_0 = p[10] + member * p[11];
    b5_0 = p[12] + member * p[13];
    b6_0 = p[15] + member * p[16];
    b7_0 = p[17] + member * p[18];
    b8_0 = p[20] + member * p[21];
    b9_0 = p[22] + member * p[23];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[26])) { return; }
    let part = w.z % p[26];
    let i = w.x * 64u + t;
    if (i < p[25]) { body_0(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[27]) {
        let rest = u % p[29];
        run_0(vec3<u32>(rest % p[28], rest / p[28], w.z * p[30] + u / p[29]), t);
        return;
    }
    u -= p[27];
}

