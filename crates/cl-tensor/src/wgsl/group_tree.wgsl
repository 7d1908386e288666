// Sums and maxima over a workgroup, as balanced trees; all invocations have to call them alike.
var<workgroup> level: array<f32, 64>;
var<private> mine: u32;
fn group_sum(x: f32) -> f32 {
    level[mine] = x;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half = half / 2u) {
        if (mine < half) { level[mine] = level[mine] + level[mine + half]; }
        workgroupBarrier();
    }
    let whole = level[0];
    workgroupBarrier();
    return whole;
}
fn group_max(x: f32) -> f32 {
    level[mine] = x;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half = half / 2u) {
        if (mine < half) { level[mine] = select(level[mine], level[mine + half], level[mine + half] > level[mine]); }
        workgroupBarrier();
    }
    let whole = level[0];
    workgroupBarrier();
    return whole;
}
