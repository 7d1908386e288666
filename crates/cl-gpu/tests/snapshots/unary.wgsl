// pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;
var<private> b3_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + i];
    let x1 = m0[b1_0 + i];
    let r0 = bitcast<u32>(-bitcast<f32>(x0));
    let r1 = bitcast<u32>(bitcast<f32>(r0) * bitcast<f32>(x1));
    m1[b2_0 + i] = r0;
    m1[b3_0 + i] = r1;

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
    let i = w.x * 64u + t;
    if (i < p[8]) { body_0(i); }
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

// sum
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32, t: u32) {
    var sum = 0.0;
    for (var j = t; j < 650u; j += 64u) { sum += x0_0(i * 650u + j); }
    let whole = group_sum(sum);
    if (t == 0u) { put_0(i, whole); }
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
    mine = t;
    body_0(w.x, t);
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
}

// pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + i];
    let r0 = bitcast<u32>(-bitcast<f32>(x0));
    let r1 = bitcast<u32>(bitcast<f32>(r0) * bitcast<f32>(r0));
    m1[b1_0 + i] = r0;
    m1[b2_0 + i] = r1;

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

// sum
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32, t: u32) {
    var sum = 0.0;
    for (var j = t; j < 650u; j += 64u) { sum += x0_0(i * 650u + j); }
    let whole = group_sum(sum);
    if (t == 0u) { put_0(i, whole); }
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
    mine = t;
    body_0(w.x, t);
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
}

// pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + 0u];
    let r0 = x0;
    m0[b1_0 + i] = r0;

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
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[6]) {
        let rest = u % p[8];
        run_0(vec3<u32>(rest % p[7], rest / p[7], w.z * p[9] + u / p[8]), t);
        return;
    }
    u -= p[6];
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

