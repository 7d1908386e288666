// top_k
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: u32) { m1[b1_0 + e] = value; }

fn body_0(i: u32) {
    let x = x0_0(i);
    var place = 0u;
    for (var j = 0u; j < 7u; j++) {
        let y = x0_0(j);
        if (y > x || (is_nan(x) && !is_nan(y))) { place++; }
        else if (j < i && (y == x || (is_nan(x) && is_nan(y)))) { place++; }
    }
    if (place < 6u) { put_0(place, i); }
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

