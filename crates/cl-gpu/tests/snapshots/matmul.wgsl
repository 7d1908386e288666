// product | product | product
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> m0: array<u32>;
@group(0) @binding(2) var<storage, read_write> m1: array<u32>;
var<workgroup> room: array<f32, 1024>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;
var<private> b3_0: u32;
var<private> b4_0: u32;
fn done_0(i: u32, known: f32) {
    m1[b2_0 + i] = bitcast<u32>(known);
    let x0 = bitcast<u32>(known);
    let x1 = m0[b3_0 + i];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x1));
    m1[b4_0 + i] = r0;
}
fn begin_0(lane: u32) -> bool {
    var member = lane;
    b0_0 = p[6] + member * p[7];
    b1_0 = p[11] + member * p[12];
    b2_0 = p[13] + member * p[14];
    b3_0 = p[15] + member * p[16];
    b4_0 = p[17] + member * p[18];
    return true;
}
fn run_0(w: vec3<u32>, t: u32) {
    if (!begin_0(w.z / p[19])) { return; }
    let part = w.z % p[19];
    let r0 = (t / 8u) * 4u;
    let c0 = (t % 8u) * 4u;
    let first_row = w.y * 32u;
    let first_column = w.x * 32u;
    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    var s2_0 = 0.0;
    var s2_1 = 0.0;
    var s2_2 = 0.0;
    var s2_3 = 0.0;
    var s3_0 = 0.0;
    var s3_1 = 0.0;
    var s3_2 = 0.0;
    var s3_3 = 0.0;
    for (var at = 0u; at < p[1]; at += 16u) {
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 16u;
            let c = e % 16u;
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < p[0] && column < p[1]) { x = bitcast<f32>(m0[b0_0 + part * p[3] + row * p[4] + column * p[5]]); }
            room[c * 32u + r] = x;
        }
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 32u;
            let c = e % 32u;
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < p[1] && column < p[2]) { x = bitcast<f32>(m0[b1_0 + part * p[8] + row * p[9] + column * p[10]]); }
            room[512u + r * 32u + c] = x;
        }
        workgroupBarrier();
        for (var d = 0u; d < 16u; d++) {
            let y0 = room[512u + d * 32u + c0 + 0u];
            let y1 = room[512u + d * 32u + c0 + 1u];
            let y2 = room[512u + d * 32u + c0 + 2u];
            let y3 = room[512u + d * 32u + c0 + 3u];
            let x0 = room[d * 32u + r0 + 0u];
            s0_0 = fma(x0, y0, s0_0);
            s0_1 = fma(x0, y1, s0_1);
            s0_2 = fma(x0, y2, s0_2);
            s0_3 = fma(x0, y3, s0_3);
            let x1 = room[d * 32u + r0 + 1u];
            s1_0 = fma(x1, y0, s1_0);
            s1_1 = fma(x1, y1, s1_1);
            s1_2 = fma(x1, y2, s1_2);
            s1_3 = fma(x1, y3, s1_3);
            let x2 = room[d * 32u + r0 + 2u];
            s2_0 = fma(x2, y0, s2_0);
            s2_1 = fma(x2, y1, s2_1);
            s2_2 = fma(x2, y2, s2_2);
            s2_3 = fma(x2, y3, s2_3);
            let x3 = room[d * 32u + r0 + 3u];
            s3_0 = fma(x3, y0, s3_0);
            s3_1 = fma(x3, y1, s3_1);
            s3_2 = fma(x3, y2, s3_2);
            s3_3 = fma(x3, y3, s3_3);
        }
        workgroupBarrier();
    }
    room[(r0 + 0u) * 32u + c0 + 0u] = s0_0;
    room[(r0 + 0u) * 32u + c0 + 1u] = s0_1;
    room[(r0 + 0u) * 32u + c0 + 2u] = s0_2;
    room[(r0 + 0u) * 32u + c0 + 3u] = s0_3;
    room[(r0 + 1u) * 32u + c0 + 0u] = s1_0;
    room[(r0 + 1u) * 32u + c0 + 1u] = s1_1;
    room[(r0 + 1u) * 32u + c0 + 2u] = s1_2;
    room[(r0 + 1u) * 32u + c0 + 3u] = s1_3;
    room[(r0 + 2u) * 32u + c0 + 0u] = s2_0;
    room[(r0 + 2u) * 32u + c0 + 1u] = s2_1;
    room[(r0 + 2u) * 32u + c0 + 2u] = s2_2;
    room[(r0 + 2u) * 32u + c0 + 3u] = s2_3;
    room[(r0 + 3u) * 32u + c0 + 0u] = s3_0;
    room[(r0 + 3u) * 32u + c0 + 1u] = s3_1;
    room[(r0 + 3u) * 32u + c0 + 2u] = s3_2;
    room[(r0 + 3u) * 32u + c0 + 3u] = s3_3;
    workgroupBarrier();
    for (var e = t; e < 1024u; e += 64u) {
        let row = first_row + e / 32u;
        let column = first_column + e % 32u;
        if (row < p[0] && column < p[2]) { done_0((part * p[0] + row) * p[2] + column, room[e]); }
    }
}
var<private> b0_1: u32;
var<private> b1_1: u32;
var<private> b2_1: u32;
var<private> b3_1: u32;
fn done_1(i: u32, known: f32) {
    m1[b2_1 + i] = bitcast<u32>(known);
    let x0 = bitcast<u32>(known);
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x0));
    m1[b3_1 + i] = r0;
}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[30] + member * p[31];
    b1_1 = p[35] + member * p[36];
    b2_1 = p[37] + member * p[38];
    b3_1 = p[39] + member * p[40];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[41])) { return; }
    let part = w.z % p[41];
    let r0 = (t / 8u) * 4u;
    let c0 = (t % 8u) * 4u;
    let first_row = w.y * 32u;
    let first_column = w.x * 32u;
    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    var s2_0 = 0.0;
    var s2_1 = 0.0;
    var s2_2 = 0.0;
    var s2_3 = 0.0;
    var s3_0 = 0.0;
    var s3_1 = 0.0;
    var s3_2 = 0.0;
    var s3_3 = 0.0;
    for (var at = 0u; at < p[25]; at += 16u) {
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 16u;
            let c = e % 16u;
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < p[24] && column < p[25]) { x = bitcast<f32>(m0[b0_1 + part * p[27] + row * p[28] + column * p[29]]); }
            room[c * 32u + r] = x;
        }
        for (var e = t; e < 512u; e += 64u) {
            let r = e % 16u;
            let c = e / 16u;
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < p[25] && column < p[26]) { x = bitcast<f32>(m0[b1_1 + part * p[32] + row * p[33] + column * p[34]]); }
            room[512u + r * 32u + c] = x;
        }
        workgroupBarrier();
        for (var d = 0u; d < 16u; d++) {
            let y0 = room[512u + d * 32u + c0 + 0u];
            let y1 = room[512u + d * 32u + c0 + 1u];
            let y2 = room[512u + d * 32u + c0 + 2u];
            let y3 = room[512u + d * 32u + c0 + 3u];
            let x0 = room[d * 32u + r0 + 0u];
            s0_0 = fma(x0, y0, s0_0);
            s0_1 = fma(x0, y1, s0_1);
            s0_2 = fma(x0, y2, s0_2);
            s0_3 = fma(x0, y3, s0_3);
            let x1 = room[d * 32u + r0 + 1u];
            s1_0 = fma(x1, y0, s1_0);
            s1_1 = fma(x1, y1, s1_1);
            s1_2 = fma(x1, y2, s1_2);
            s1_3 = fma(x1, y3, s1_3);
            let x2 = room[d * 32u + r0 + 2u];
            s2_0 = fma(x2, y0, s2_0);
            s2_1 = fma(x2, y1, s2_1);
            s2_2 = fma(x2, y2, s2_2);
            s2_3 = fma(x2, y3, s2_3);
            let x3 = room[d * 32u + r0 + 3u];
            s3_0 = fma(x3, y0, s3_0);
            s3_1 = fma(x3, y1, s3_1);
            s3_2 = fma(x3, y2, s3_2);
            s3_3 = fma(x3, y3, s3_3);
        }
        workgroupBarrier();
    }
    room[(r0 + 0u) * 32u + c0 + 0u] = s0_0;
    room[(r0 + 0u) * 32u + c0 + 1u] = s0_1;
    room[(r0 + 0u) * 32u + c0 + 2u] = s0_2;
    room[(r0 + 0u) * 32u + c0 + 3u] = s0_3;
    room[(r0 + 1u) * 32u + c0 + 0u] = s1_0;
    room[(r0 + 1u) * 32u + c0 + 1u] = s1_1;
    room[(r0 + 1u) * 32u + c0 + 2u] = s1_2;
    room[(r0 + 1u) * 32u + c0 + 3u] = s1_3;
    room[(r0 + 2u) * 32u + c0 + 0u] = s2_0;
    room[(r0 + 2u) * 32u + c0 + 1u] = s2_1;
    room[(r0 + 2u) * 32u + c0 + 2u] = s2_2;
    room[(r0 + 2u) * 32u + c0 + 3u] = s2_3;
    room[(r0 + 3u) * 32u + c0 + 0u] = s3_0;
    room[(r0 + 3u) * 32u + c0 + 1u] = s3_1;
    room[(r0 + 3u) * 32u + c0 + 2u] = s3_2;
    room[(r0 + 3u) * 32u + c0 + 3u] = s3_3;
    workgroupBarrier();
    for (var e = t; e < 1024u; e += 64u) {
        let row = first_row + e / 32u;
        let column = first_column + e % 32u;
        if (row < p[24] && column < p[26]) { done_1((part * p[24] + row) * p[26] + column, room[e]); }
    }
}
var<private> b0_2: u32;
var<private> b1_2: u32;
var<private> b2_2: u32;
var<private> b3_2: u32;
fn done_2(i: u32, known: f32) {
    m1[b2_2 + i] = bitcast<u32>(known);
    let x0 = bitcast<u32>(known);
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x0));
    m1[b3_2 + i] = r0;
}
fn begin_2(lane: u32) -> bool {
    var member = lane;
    b0_2 = p[52] + member * p[53];
    b1_2 = p[57] + member * p[58];
    b2_2 = p[59] + member * p[60];
    b3_2 = p[61] + member * p[62];
    return true;
}
fn run_2(w: vec3<u32>, t: u32) {
    if (!begin_2(w.z / p[63])) { return; }
    let part = w.z % p[63];
    let r0 = (t / 8u) * 4u;
    let c0 = (t % 8u) * 4u;
    let first_row = w.y * 32u;
    let first_column = w.x * 32u;
    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    var s2_0 = 0.0;
    var s2_1 = 0.0;
    var s2_2 = 0.0;
    var s2_3 = 0.0;
    var s3_0 = 0.0;
    var s3_1 = 0.0;
    var s3_2 = 0.0;
    var s3_3 = 0.0;
    for (var at = 0u; at < p[47]; at += 16u) {
        for (var e = t; e < 512u; e += 64u) {
            let r = e % 32u;
            let c = e / 32u;
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < p[46] && column < p[47]) { x = bitcast<f32>(m0[b0_2 + part * p[49] + row * p[50] + column * p[51]]); }
            room[c * 32u + r] = x;
        }
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 32u;
            let c = e % 32u;
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < p[47] && column < p[48]) { x = bitcast<f32>(m0[b1_2 + part * p[54] + row * p[55] + column * p[56]]); }
            room[512u + r * 32u + c] = x;
        }
        workgroupBarrier();
        for (var d = 0u; d < 16u; d++) {
            let y0 = room[512u + d * 32u + c0 + 0u];
            let y1 = room[512u + d * 32u + c0 + 1u];
            let y2 = room[512u + d * 32u + c0 + 2u];
            let y3 = room[512u + d * 32u + c0 + 3u];
            let x0 = room[d * 32u + r0 + 0u];
            s0_0 = fma(x0, y0, s0_0);
            s0_1 = fma(x0, y1, s0_1);
            s0_2 = fma(x0, y2, s0_2);
            s0_3 = fma(x0, y3, s0_3);
            let x1 = room[d * 32u + r0 + 1u];
            s1_0 = fma(x1, y0, s1_0);
            s1_1 = fma(x1, y1, s1_1);
            s1_2 = fma(x1, y2, s1_2);
            s1_3 = fma(x1, y3, s1_3);
            let x2 = room[d * 32u + r0 + 2u];
            s2_0 = fma(x2, y0, s2_0);
            s2_1 = fma(x2, y1, s2_1);
            s2_2 = fma(x2, y2, s2_2);
            s2_3 = fma(x2, y3, s2_3);
            let x3 = room[d * 32u + r0 + 3u];
            s3_0 = fma(x3, y0, s3_0);
            s3_1 = fma(x3, y1, s3_1);
            s3_2 = fma(x3, y2, s3_2);
            s3_3 = fma(x3, y3, s3_3);
        }
        workgroupBarrier();
    }
    room[(r0 + 0u) * 32u + c0 + 0u] = s0_0;
    room[(r0 + 0u) * 32u + c0 + 1u] = s0_1;
    room[(r0 + 0u) * 32u + c0 + 2u] = s0_2;
    room[(r0 + 0u) * 32u + c0 + 3u] = s0_3;
    room[(r0 + 1u) * 32u + c0 + 0u] = s1_0;
    room[(r0 + 1u) * 32u + c0 + 1u] = s1_1;
    room[(r0 + 1u) * 32u + c0 + 2u] = s1_2;
    room[(r0 + 1u) * 32u + c0 + 3u] = s1_3;
    room[(r0 + 2u) * 32u + c0 + 0u] = s2_0;
    room[(r0 + 2u) * 32u + c0 + 1u] = s2_1;
    room[(r0 + 2u) * 32u + c0 + 2u] = s2_2;
    room[(r0 + 2u) * 32u + c0 + 3u] = s2_3;
    room[(r0 + 3u) * 32u + c0 + 0u] = s3_0;
    room[(r0 + 3u) * 32u + c0 + 1u] = s3_1;
    room[(r0 + 3u) * 32u + c0 + 2u] = s3_2;
    room[(r0 + 3u) * 32u + c0 + 3u] = s3_3;
    workgroupBarrier();
    for (var e = t; e < 1024u; e += 64u) {
        let row = first_row + e / 32u;
        let column = first_column + e % 32u;
        if (row < p[46] && column < p[48]) { done_2((part * p[46] + row) * p[48] + column, room[e]); }
    }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var u = w.y * n.x + w.x;
    if (u < p[20]) {
        let rest = u % p[22];
        run_0(vec3<u32>(rest % p[21], rest / p[21], w.z * p[23] + u / p[22]), t);
        return;
    }
    u -= p[20];
    if (u < p[42]) {
        let rest = u % p[44];
        run_1(vec3<u32>(rest % p[43], rest / p[43], w.z * p[45] + u / p[44]), t);
        return;
    }
    u -= p[42];
    if (u < p[64]) {
        let rest = u % p[66];
        run_2(vec3<u32>(rest % p[65], rest / p[65], w.z * p[67] + u / p[66]), t);
        return;
    }
    u -= p[64];
}

// sum | sum | sum | pointwise | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
fn x0_0(e: u32) -> f32 { return bitcast<f32>(m0[b0_0 + e]); }
var<private> b1_0: u32;
fn put_0(e: u32, value: f32) { m0[b1_0 + e] = bitcast<u32>(value); }

fn body_0(i: u32) {
    let first = (i / 1u) * 4u * 1u + i % 1u;
    var sum = 0.0;
    for (var j = 0u; j < 4u; j++) { sum += x0_0(first + j * 1u); }
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
var<private> b0_2: u32;
fn x0_2(e: u32) -> f32 { return bitcast<f32>(m0[b0_2 + e]); }
var<private> b1_2: u32;
fn put_2(e: u32, value: f32) { m0[b1_2 + e] = bitcast<u32>(value); }

fn body_2(i: u32) {
    let first = (i / 1u) * 4u * 1u + i % 1u;
    var sum = 0.0;
    for (var j = 0u; j < 4u; j++) { sum += x0_2(first + j * 1u); }
    put_2(i, sum);
}
fn begin_2(lane: u32) -> bool {
    var member = lane;
    b0_2 = p[20] + member * p[21];
    b1_2 = p[22] + member * p[23];
    return true;
}
fn run_2(w: vec3<u32>, t: u32) {
    if (!begin_2(w.z / p[25])) { return; }
    let part = w.z % p[25];
    let i = w.x * 64u + t;
    if (i < p[24]) { body_2(i); }
}
var<private> b0_3: u32;
var<private> b1_3: u32;
var<private> b2_3: u32;

fn body_3(i: u32) {
    let x0 = m0[b0_3 + i];
    let x1 = m0[b1_3 + 0u];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x1));
    m0[b2_3 + i] = r0;

}
fn begin_3(lane: u32) -> bool {
    var member = lane;
    b0_3 = p[30] + member * p[31];
    b1_3 = p[32] + member * p[33];
    b2_3 = p[34] + member * p[35];
    return true;
}
fn run_3(w: vec3<u32>, t: u32) {
    if (!begin_3(w.z / p[37])) { return; }
    let part = w.z % p[37];
    let i = w.x * 64u + t;
    if (i < p[36]) { body_3(i); }
}
var<private> b0_4: u32;
var<private> b1_4: u32;
var<private> b2_4: u32;

fn body_4(i: u32) {
    let x0 = m0[b0_4 + i];
    let x1 = m0[b1_4 + 0u];
    let r0 = bitcast<u32>(bitcast<f32>(x0) * bitcast<f32>(x1));
    m0[b2_4 + i] = r0;

}
fn begin_4(lane: u32) -> bool {
    var member = lane;
    b0_4 = p[42] + member * p[43];
    b1_4 = p[44] + member * p[45];
    b2_4 = p[46] + member * p[47];
    return true;
}
fn run_4(w: vec3<u32>, t: u32) {
    if (!begin_4(w.z / p[49])) { return; }
    let part = w.z % p[49];
    let i = w.x * 64u + t;
    if (i < p[48]) { body_4(i); }
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
    if (u < p[26]) {
        let rest = u % p[28];
        run_2(vec3<u32>(rest % p[27], rest / p[27], w.z * p[29] + u / p[28]), t);
        return;
    }
    u -= p[26];
    if (u < p[38]) {
        let rest = u % p[40];
        run_3(vec3<u32>(rest % p[39], rest / p[39], w.z * p[41] + u / p[40]), t);
        return;
    }
    u -= p[38];
    if (u < p[50]) {
        let rest = u % p[52];
        run_4(vec3<u32>(rest % p[51], rest / p[51], w.z * p[53] + u / p[52]), t);
        return;
    }
    u -= p[50];
}

// pointwise | product | product
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
@group(0) @binding(2) var<storage, read> m1: array<u32>;
var<workgroup> room: array<f32, 1024>;
var<private> b0_0: u32;
var<private> b1_0: u32;
var<private> b2_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + 0u];
    let x1 = m0[b1_0 + 0u];
    let r0 = bitcast<u32>(bitcast<f32>(x0) + bitcast<f32>(x1));
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
var<private> b2_1: u32;
fn done_1(i: u32, known: f32) {
    m0[b2_1 + i] = bitcast<u32>(known);
}
fn begin_1(lane: u32) -> bool {
    var member = lane;
    b0_1 = p[18] + member * p[19];
    b1_1 = p[23] + member * p[24];
    b2_1 = p[25] + member * p[26];
    return true;
}
fn run_1(w: vec3<u32>, t: u32) {
    if (!begin_1(w.z / p[27])) { return; }
    let part = w.z % p[27];
    let r0 = (t / 8u) * 4u;
    let c0 = (t % 8u) * 4u;
    let first_row = w.y * 32u;
    let first_column = w.x * 32u;
    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    var s2_0 = 0.0;
    var s2_1 = 0.0;
    var s2_2 = 0.0;
    var s2_3 = 0.0;
    var s3_0 = 0.0;
    var s3_1 = 0.0;
    var s3_2 = 0.0;
    var s3_3 = 0.0;
    for (var at = 0u; at < p[13]; at += 16u) {
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 16u;
            let c = e % 16u;
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < p[12] && column < p[13]) { x = bitcast<f32>(m0[b0_1 + part * p[15] + row * p[16] + column * p[17]]); }
            room[c * 32u + r] = x;
        }
        for (var e = t; e < 512u; e += 64u) {
            let r = e % 16u;
            let c = e / 16u;
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < p[13] && column < p[14]) { x = bitcast<f32>(m1[b1_1 + part * p[20] + row * p[21] + column * p[22]]); }
            room[512u + r * 32u + c] = x;
        }
        workgroupBarrier();
        for (var d = 0u; d < 16u; d++) {
            let y0 = room[512u + d * 32u + c0 + 0u];
            let y1 = room[512u + d * 32u + c0 + 1u];
            let y2 = room[512u + d * 32u + c0 + 2u];
            let y3 = room[512u + d * 32u + c0 + 3u];
            let x0 = room[d * 32u + r0 + 0u];
            s0_0 = fma(x0, y0, s0_0);
            s0_1 = fma(x0, y1, s0_1);
            s0_2 = fma(x0, y2, s0_2);
            s0_3 = fma(x0, y3, s0_3);
            let x1 = room[d * 32u + r0 + 1u];
            s1_0 = fma(x1, y0, s1_0);
            s1_1 = fma(x1, y1, s1_1);
            s1_2 = fma(x1, y2, s1_2);
            s1_3 = fma(x1, y3, s1_3);
            let x2 = room[d * 32u + r0 + 2u];
            s2_0 = fma(x2, y0, s2_0);
            s2_1 = fma(x2, y1, s2_1);
            s2_2 = fma(x2, y2, s2_2);
            s2_3 = fma(x2, y3, s2_3);
            let x3 = room[d * 32u + r0 + 3u];
            s3_0 = fma(x3, y0, s3_0);
            s3_1 = fma(x3, y1, s3_1);
            s3_2 = fma(x3, y2, s3_2);
            s3_3 = fma(x3, y3, s3_3);
        }
        workgroupBarrier();
    }
    room[(r0 + 0u) * 32u + c0 + 0u] = s0_0;
    room[(r0 + 0u) * 32u + c0 + 1u] = s0_1;
    room[(r0 + 0u) * 32u + c0 + 2u] = s0_2;
    room[(r0 + 0u) * 32u + c0 + 3u] = s0_3;
    room[(r0 + 1u) * 32u + c0 + 0u] = s1_0;
    room[(r0 + 1u) * 32u + c0 + 1u] = s1_1;
    room[(r0 + 1u) * 32u + c0 + 2u] = s1_2;
    room[(r0 + 1u) * 32u + c0 + 3u] = s1_3;
    room[(r0 + 2u) * 32u + c0 + 0u] = s2_0;
    room[(r0 + 2u) * 32u + c0 + 1u] = s2_1;
    room[(r0 + 2u) * 32u + c0 + 2u] = s2_2;
    room[(r0 + 2u) * 32u + c0 + 3u] = s2_3;
    room[(r0 + 3u) * 32u + c0 + 0u] = s3_0;
    room[(r0 + 3u) * 32u + c0 + 1u] = s3_1;
    room[(r0 + 3u) * 32u + c0 + 2u] = s3_2;
    room[(r0 + 3u) * 32u + c0 + 3u] = s3_3;
    workgroupBarrier();
    for (var e = t; e < 1024u; e += 64u) {
        let row = first_row + e / 32u;
        let column = first_column + e % 32u;
        if (row < p[12] && column < p[14]) { done_1((part * p[12] + row) * p[14] + column, room[e]); }
    }
}
var<private> b0_2: u32;
var<private> b1_2: u32;
var<private> b2_2: u32;
fn done_2(i: u32, known: f32) {
    m0[b2_2 + i] = bitcast<u32>(known);
}
fn begin_2(lane: u32) -> bool {
    var member = lane;
    b0_2 = p[38] + member * p[39];
    b1_2 = p[43] + member * p[44];
    b2_2 = p[45] + member * p[46];
    return true;
}
fn run_2(w: vec3<u32>, t: u32) {
    if (!begin_2(w.z / p[47])) { return; }
    let part = w.z % p[47];
    let r0 = (t / 8u) * 4u;
    let c0 = (t % 8u) * 4u;
    let first_row = w.y * 32u;
    let first_column = w.x * 32u;
    var s0_0 = 0.0;
    var s0_1 = 0.0;
    var s0_2 = 0.0;
    var s0_3 = 0.0;
    var s1_0 = 0.0;
    var s1_1 = 0.0;
    var s1_2 = 0.0;
    var s1_3 = 0.0;
    var s2_0 = 0.0;
    var s2_1 = 0.0;
    var s2_2 = 0.0;
    var s2_3 = 0.0;
    var s3_0 = 0.0;
    var s3_1 = 0.0;
    var s3_2 = 0.0;
    var s3_3 = 0.0;
    for (var at = 0u; at < p[33]; at += 16u) {
        for (var e = t; e < 512u; e += 64u) {
            let r = e % 32u;
            let c = e / 32u;
            let row = first_row + r;
            let column = at + c;
            var x = 0.0;
            if (row < p[32] && column < p[33]) { x = bitcast<f32>(m1[b0_2 + part * p[35] + row * p[36] + column * p[37]]); }
            room[c * 32u + r] = x;
        }
        for (var e = t; e < 512u; e += 64u) {
            let r = e / 32u;
            let c = e % 32u;
            let row = at + r;
            let column = first_column + c;
            var x = 0.0;
            if (row < p[33] && column < p[34]) { x = bitcast<f32>(m0[b1_2 + part * p[40] + row * p[41] + column * p[42]]); }
            room[512u + r * 32u + c] = x;
        }
        workgroupBarrier();
        for (var d = 0u; d < 16u; d++) {
            let y0 = room[512u + d * 32u + c0 + 0u];
            let y1 = room[512u + d * 32u + c0 + 1u];
            let y2 = room[512u + d * 32u + c0 + 2u];
            let y3 = room[512u + d * 32u + c0 + 3u];
            let x0 = room[d * 32u + r0 + 0u];
            s0_0 = fma(x0, y0, s0_0);
            s0_1 = fma(x0, y1, s0_1);
            s0_2 = fma(x0, y2, s0_2);
            s0_3 = fma(x0, y3, s0_3);
            let x1 = room[d * 32u + r0 + 1u];
            s1_0 = fma(x1, y0, s1_0);
            s1_1 = fma(x1, y1, s1_1);
            s1_2 = fma(x1, y2, s1_2);
            s1_3 = fma(x1, y3, s1_3);
            let x2 = room[d * 32u + r0 + 2u];
            s2_0 = fma(x2, y0, s2_0);
            s2_1 = fma(x2, y1, s2_1);
            s2_2 = fma(x2, y2, s2_2);
            s2_3 = fma(x2, y3, s2_3);
            let x3 = room[d * 32u + r0 + 3u];
            s3_0 = fma(x3, y0, s3_0);
            s3_1 = fma(x3, y1, s3_1);
            s3_2 = fma(x3, y2, s3_2);
            s3_3 = fma(x3, y3, s3_3);
        }
        workgroupBarrier();
    }
    room[(r0 + 0u) * 32u + c0 + 0u] = s0_0;
    room[(r0 + 0u) * 32u + c0 + 1u] = s0_1;
    room[(r0 + 0u) * 32u + c0 + 2u] = s0_2;
    room[(r0 + 0u) * 32u + c0 + 3u] = s0_3;
    room[(r0 + 1u) * 32u + c0 + 0u] = s1_0;
    room[(r0 + 1u) * 32u + c0 + 1u] = s1_1;
    room[(r0 + 1u) * 32u + c0 + 2u] = s1_2;
    room[(r0 + 1u) * 32u + c0 + 3u] = s1_3;
    room[(r0 + 2u) * 32u + c0 + 0u] = s2_0;
    room[(r0 + 2u) * 32u + c0 + 1u] = s2_1;
    room[(r0 + 2u) * 32u + c0 + 2u] = s2_2;
    room[(r0 + 2u) * 32u + c0 + 3u] = s2_3;
    room[(r0 + 3u) * 32u + c0 + 0u] = s3_0;
    room[(r0 + 3u) * 32u + c0 + 1u] = s3_1;
    room[(r0 + 3u) * 32u + c0 + 2u] = s3_2;
    room[(r0 + 3u) * 32u + c0 + 3u] = s3_3;
    workgroupBarrier();
    for (var e = t; e < 1024u; e += 64u) {
        let row = first_row + e / 32u;
        let column = first_column + e % 32u;
        if (row < p[32] && column < p[34]) { done_2((part * p[32] + row) * p[34] + column, room[e]); }
    }
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
    if (u < p[28]) {
        let rest = u % p[30];
        run_1(vec3<u32>(rest % p[29], rest / p[29], w.z * p[31] + u / p[30]), t);
        return;
    }
    u -= p[28];
    if (u < p[48]) {
        let rest = u % p[50];
        run_2(vec3<u32>(rest % p[49], rest / p[49], w.z * p[51] + u / p[50]), t);
        return;
    }
    u -= p[48];
}

// pointwise | pointwise
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> m0: array<u32>;
var<private> b0_0: u32;
var<private> b1_0: u32;

fn body_0(i: u32) {
    let x0 = m0[b0_0 + ((i) % 2u) * 2u + ((i / 2u)) * 1u];
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
var<private> b0_1: u32;
var<private> b1_1: u32;

fn body_1(i: u32) {
    let x0 = m0[b0_1 + ((i) % 2u) * 2u + ((i / 2u)) * 1u];
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

