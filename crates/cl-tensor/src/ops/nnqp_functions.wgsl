// An entry of the symmetric matrix.
fn curve(i: u32, j: u32) -> f32 { return 0.5 * (x0(i * NNu + j) + x0(j * NNu + i)); }
// Exchanges x_k and w_k in the tableau.
fn pivot(t: u32, k: u32) {
    let n = NNu;
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
// The minimum over the free variables into the last stretch of `room`, refined; gives its element k.
fn refined(t: u32, own_free: bool, k: u32) -> f32 {
    let n = NNu;
    let q = n * n;
    let c = q + 2u * n;
    let rest = c + n;
    let left = rest + n;
    if (t < n) { room[rest + t] = select(0.0, room[q + t], own_free); }
    workgroupBarrier();
    for (var turn = 0u; turn < 2u; turn++) {
        if (t < n) {
            var r = -room[c + t];
            for (var j = 0u; j < n; j++) { r = fma(-curve(t, j), room[rest + j], r); }
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
