var<private> infinity_bits: u32 = 0x7f800000u;
var<private> nan_bits: u32 = 0x7fc00000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }
fn nan() -> f32 { return bitcast<f32>(nan_bits); }
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn flag(c: bool) -> f32 { return select(0.0, 1.0, c); }
fn exp_(x: f32) -> f32 {
    if (is_nan(x)) { return x; }
    if (x < -87.3) { return 0.0; }
    if (x > 88.37) { return infinity(); }
    let n = round(x * 1.4426950408889634);
    var r = fma(n, -0.693359375, x);
    r = fma(n, 2.12194440e-4, r);
    var p = 1.9875691e-4;
    p = fma(p, r, 1.3981999e-3);
    p = fma(p, r, 8.333452e-3);
    p = fma(p, r, 4.16657960e-2);
    p = fma(p, r, 1.6666666e-1);
    p = fma(p, r, 0.5);
    let y = fma(p, r * r, r) + 1.0;
    return bitcast<f32>(bitcast<u32>(y) + (bitcast<u32>(i32(n)) << 23u));
}
fn log_(x: f32) -> f32 {
    let whole = bitcast<u32>(x);
    if (is_nan(x) || ((whole >> 31u) == 1u && (whole << 1u) != 0u)) { return nan(); }
    if ((whole << 1u) == 0u) { return -infinity(); }
    if (whole == 0x7f800000u) { return x; }
    let bits = whole - 0x3f3504f3u;
    let e = f32(bitcast<i32>(bits) >> 23u);
    let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    let z = m * m;
    var p = 7.0376836e-2;
    p = fma(p, m, -1.151461e-1);
    p = fma(p, m, 1.1676999e-1);
    p = fma(p, m, -1.2420141e-1);
    p = fma(p, m, 1.4249323e-1);
    p = fma(p, m, -1.6668057e-1);
    p = fma(p, m, 2.0000715e-1);
    p = fma(p, m, -2.4999994e-1);
    p = fma(p, m, 3.333333e-1);
    let y = p * m * z - 2.1219444e-4 * e - 0.5 * z;
    return m + y + 0.693359375 * e;
}
fn tanh_(x: f32) -> f32 {
    let a = abs(x);
    let z = x * x;
    var p = -5.7049887e-3;
    p = fma(p, z, 2.063909e-2);
    p = fma(p, z, -5.3739715e-2);
    p = fma(p, z, 1.3331442e-1);
    p = fma(p, z, -3.3333283e-1);
    let small = fma(p * z, x, x);
    let large = 1.0 - 2.0 / (exp_(2.0 * a) + 1.0);
    return select(select(large, -large, x < 0.0), small, a < 0.625);
}
fn sigmoid_(x: f32) -> f32 { return 1.0 / (1.0 + exp_(-x)); }
fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
    let schedule = array<u32, 3>(key.x, key.y, key.x ^ key.y ^ 0x1BD11BDAu);
    let rotations = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
    var w = counter + key;
    for (var injection = 1u; injection <= 5u; injection++) {
        for (var round = 0u; round < 4u; round++) {
            let by = rotations[((injection - 1u) % 2u) * 4u + round];
            w.x = w.x + w.y;
            w.y = ((w.y << by) | (w.y >> (32u - by))) ^ w.x;
        }
        w.x = w.x + schedule[injection % 3u];
        w.y = w.y + schedule[(injection + 1u) % 3u] + injection;
    }
    return w;
}
// (cos 2πu, sin 2πu) for u in [0, 1): Taylor series in the nearest eighth of a turn.
fn circle(u: f32) -> vec2<f32> {
    let eighth = round(8.0 * u);
    let a = (u - eighth * 0.125) * 6.283185307179586;
    let z = a * a;
    let s = a * fma(z, fma(z, fma(z, -1.9841270e-4, 8.3333333e-3), -0.16666667), 1.0);
    let c = fma(z, fma(z, fma(z, fma(z, 2.4801587e-5, -1.3888889e-3), 4.1666667e-2), -0.5), 1.0);
    let h = 0.70710678118654752;
    let cosines = array<f32, 8>(1.0, h, 0.0, -h, -1.0, -h, 0.0, h);
    let k = u32(eighth) % 8u;
    let ck = cosines[k];
    let sk = cosines[(k + 6u) % 8u];
    return vec2<f32>(ck * c - sk * s, sk * c + ck * s);
}
