// pointwise | pointwise | pointwise | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;
var<private> b3_0: u32;
var<private> b4_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + i];
    let x1 = m0[b1_0 + i];
    let x2 = m0[b2_0 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) + bitcast<f32>(x1));
    let r1 = bitcast<u32>(bitcast<f32>(r0) * bitcast<f32>(x2));
    m1[b3_0 + i] = r0;
    m1[b4_0 + i] = r1;

}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[0] + member * p[1];
    b1_0 = p[2] + member * p[3];
    b2_0 = p[4] + member * p[5];
    b3_0 = p[6] + member * p[7];
    b4_0 = p[8] + member * p[9];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[11])) { return; }
    let part = w.z % p[11];
    let i = w.x * 64u + t;
    if (i < p[10]) { body_0(i); }
}
var<private> b0_1: u32;
var<private> b1_1: u32;

fn body_1(i: u32) {
    let x0 = m1[b0_1 + 0u];
    let r0 = x0;
    m1[b1_1 + i] = r0;

}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[16] + member * p[17];
    b1_1 = p[18] + member * p[19];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[21])) { return; }
    let part = w.z % p[21];
    let i = w.x * 64u + t;
    if (i < p[20]) { body_1(i); }
}
var<private> b0_2: u32;
var<private> b1_2: u32;

fn body_2(i: u32) {
    let x0 = m0[b0_2 + i];
    let r0 = x0;
    m1[b1_2 + i] = r0;

}
fn begin_2(lane: u32) -> bool {
    var member = lane;
    b0_2 = p[26] + member * p[27];
    b1_2 = p[28] + member * p[29];
    return true;
}
fn run_2(w: vec3<u32>, t: u32) {
    if (!begin_2(w.z / p[31])) { return; }
    let part = w.z % p[31];
    let i = w.x * 64u + t;
    if (i < p[30]) { body_2(i); }
}
var<private> b0_3: u32;
var<private> b1_3: u32;

fn body_3(i: u32) {
    let x0 = m1[b0_3 + 0u];
    let r0 = x0;
    m1[b1_3 + i] = r0;

}
fn begin_3(lane: u32) -> bool {
    var member = lane;
    b0_3 = p[36] + member * p[37];
    b1_3 = p[38] + member * p[39];
    return true;
}
fn run_3(w: vec3<u32>, t: u32) {
    if (!begin_3(w.z / p[41])) { return; }
    let part = w.z % p[41];
    let i = w.x * 64u + t;
    if (i < p[40]) { body_3(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[12]) {
        let rest = u % p[14];
        run_0(vec3<u32>(rest % p[13], rest / p[13], w.z * p[15] + u / p[14]), t);
        return;
    }
    u -= p[12];
    if (u < p[22]) {
        let rest = u % p[24];
        run_1(vec3<u32>(rest % p[23], rest / p[23], w.z * p[25] + u / p[24]), t);
        return;
    }
    u -= p[22];
    if (u < p[32]) {
        let rest = u % p[34];
        run_2(vec3<u32>(rest % p[33], rest / p[33], w.z * p[35] + u / p[34]), t);
        return;
    }
    u -= p[32];
    if (u < p[42]) {
        let rest = u % p[44];
        run_3(vec3<u32>(rest % p[43], rest / p[43], w.z * p[45] + u / p[44]), t);
        return;
    }
    u -= p[42];
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
    for (var j = t; j < 910u; j += 64u) { sum += x0_0(i * 910u + j); }
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

fn body_0(i: u32) {
    let x0 = m0[b0_0 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x0));
    m1[b1_0 + i] = r0;

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

// sum
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32, t: u32) {
    var sum = 0.0;
    for (var j = t; j < 910u; j += 64u) { sum += x0_0(i * 910u + j); }
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

// pointwise | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read> m1: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + 0u];
    let r0 = bitcast<u32>(bitcast<f32>(x0) + bitcast<f32>(x0));
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
var<private> b0_1: u32;
var<private> b1_1: u32;

fn body_1(i: u32) {
    let x0 = m1[b0_1 + i];
    let r0 = x0;
    m0[b1_1 + i] = r0;

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
var<private> b10_0: u32;
var<private> b11_0: u32;
var<private> b12_0: u32;
var<private> b13_0: u32;

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
    if (at < p[29]) { m1[b11_0 + at] = m0[b10_0 + at]; return; }
    at -= p[29];
    if (at < p[34]) { m1[b13_0 + at] = m0[b12_0 + at]; return; }
    at -= p[34];

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
    b10_0 = p[25] + member * p[26];
    b11_0 = p[27] + member * p[28];
    b12_0 = p[30] + member * p[31];
    b13_0 = p[32] + member * p[33];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[36])) { return; }
    let part = w.z % p[36];
    let i = w.x * 64u + t;
    if (i < p[35]) { body_0(i); }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[37]) {
        let rest = u % p[39];
        run_0(vec3<u32>(rest % p[38], rest / p[38], w.z * p[40] + u / p[39]), t);
        return;
    }
    u -= p[37];
}

