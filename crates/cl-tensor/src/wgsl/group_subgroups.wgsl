// Sums and maxima over a workgroup: of each subgroup, then of these in their order; all invocations have to
// call them alike.
var<workgroup> level: array<f32, 64>;
var<private> mine: u32;
var<private> subgroup: u32;
var<private> subgroups: u32;
var<private> first: bool;
fn group_sum(x: f32) -> f32 {
    let part = subgroupAdd(x);
    if (first) { level[subgroup] = part; }
    workgroupBarrier();
    var whole = level[0];
    for (var s = 1u; s < subgroups; s++) { whole = whole + level[s]; }
    workgroupBarrier();
    return whole;
}
fn group_max(x: f32) -> f32 {
    let part = subgroupMax(x);
    if (first) { level[subgroup] = part; }
    workgroupBarrier();
    var whole = level[0];
    for (var s = 1u; s < subgroups; s++) { whole = max(whole, level[s]); }
    workgroupBarrier();
    return whole;
}
