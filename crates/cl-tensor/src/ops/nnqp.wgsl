    // As BoundedQp on the CPU, in f32, and each solution of the free variables refined once.
    var finite = true;
    for (var j = 0u; j < NNu * NNu; j++) { finite = finite && abs(x0(j)) < 3.4e38; }
    for (var j = 0u; j < NNu; j++) { finite = finite && abs(x1(j)) < 3.4e38 && abs(x2(j)) < 3.4e38; }
    if (!finite) {
        for (var j = 0u; j < NNu; j++) { put(j, nan()); }
        return;
    }
    let epsilon = 1.1920929e-7;
    // In `room`: the factor [n, n], then c, x, z and the rest of a solution, [n] each.
    for (var a = 0u; a < NNu; a++) { room[NNu * (NNu + 1u) + a] = 0.0; }
    for (var a = 0u; a < NNu; a++) {
        var slope = x1(a);
        for (var b = 0u; b < NNu; b++) { slope = fma((0.5 * (x0(a * NNu + b) + x0(b * NNu + a))), x2(b), slope); }
        room[NNu * NNu + a] = slope;
    }
    var free: array<bool, NN>;
    var barred: array<bool, NN>;
    var index: array<u32, NN>;
    for (var round = 0u; round < 10u * NNu; round++) {
        // The variable at its bound along which the objective falls most steeply.
        var next = NNu;
        var lowest = 0.0;
        for (var a = 0u; a < NNu; a++) {
            if (free[a] || barred[a]) { continue; }
            var slope = room[NNu * NNu + a];
            var size = abs(room[NNu * NNu + a]);
            for (var b = 0u; b < NNu; b++) {
                slope = fma((0.5 * (x0(a * NNu + b) + x0(b * NNu + a))), room[NNu * (NNu + 1u) + b], slope);
                size += abs((0.5 * (x0(a * NNu + b) + x0(b * NNu + a))) * room[NNu * (NNu + 1u) + b]);
            }
            if (slope < -4.0 * f32(NN) * epsilon * size && slope < lowest) {
                next = a;
                lowest = slope;
            }
        }
        if (next == NNu) { break; }
        free[next] = true;
        var moving = false;
        loop {
            // P_FF z_F = -c_F by Cholesky.
            var count = 0u;
            for (var a = 0u; a < NNu; a++) {
                if (free[a]) { index[count] = a; count++; }
            }
            var definite = true;
            for (var row = 0u; row < count && definite; row++) {
                for (var column = 0u; column <= row; column++) {
                    var left = (0.5 * (x0(index[row] * NNu + index[column]) + x0(index[column] * NNu + index[row])));
                    for (var k = 0u; k < column; k++) {
                        left = fma(-room[row * NNu + k], room[column * NNu + k], left);
                    }
                    if (column < row) {
                        room[row * NNu + column] = left / room[column * NNu + column];
                    } else if (left > f32(count) * epsilon * (0.5 * (x0(index[row] * NNu + index[row]) + x0(index[row] * NNu + index[row])))) {
                        room[row * NNu + row] = sqrt(left);
                    } else {
                        definite = false;
                    }
                }
            }
            if (definite) {
                for (var a = 0u; a < NNu; a++) { room[NNu * (NNu + 2u) + a] = 0.0; }
                for (var turn = 0u; turn < 2u; turn++) {
                    for (var row = 0u; row < count; row++) {
                        var left = -room[NNu * NNu + index[row]];
                        for (var k = 0u; k < count; k++) {
                            left = fma(-(0.5 * (x0(index[row] * NNu + index[k]) + x0(index[k] * NNu + index[row]))), room[NNu * (NNu + 2u) + index[k]], left);
                        }
                        for (var k = 0u; k < row; k++) { left = fma(-room[row * NNu + k], room[NNu * (NNu + 3u) + k], left); }
                        room[NNu * (NNu + 3u) + row] = left / room[row * NNu + row];
                    }
                    for (var back = count; back > 0u; back--) {
                        let row = back - 1u;
                        var left = room[NNu * (NNu + 3u) + row];
                        for (var k = back; k < count; k++) { left = fma(-room[k * NNu + row], room[NNu * (NNu + 3u) + k], left); }
                        room[NNu * (NNu + 3u) + row] = left / room[row * NNu + row];
                    }
                    for (var row = 0u; row < count; row++) { room[NNu * (NNu + 2u) + index[row]] += room[NNu * (NNu + 3u) + row]; }
                }
            }
            if (!moving && (!definite || room[NNu * (NNu + 2u) + next] <= 0.0)) {
                free[next] = false;
                barred[next] = true;
                break;
            }
            moving = true;
            if (!definite) { break; }
            // As far towards z as the bounds allow; who hinders goes back to its bound.
            var far = 2.0;
            var first = NNu;
            for (var a = 0u; a < NNu; a++) {
                if (free[a] && room[NNu * (NNu + 2u) + a] <= 0.0) {
                    let reach = room[NNu * (NNu + 1u) + a] / (room[NNu * (NNu + 1u) + a] - room[NNu * (NNu + 2u) + a]);
                    if (reach < far) { far = reach; first = a; }
                }
            }
            if (first == NNu) {
                for (var a = 0u; a < NNu; a++) { if (free[a]) { room[NNu * (NNu + 1u) + a] = room[NNu * (NNu + 2u) + a]; } }
                break;
            }
            for (var a = 0u; a < NNu; a++) {
                if (!free[a]) { continue; }
                room[NNu * (NNu + 1u) + a] += far * (room[NNu * (NNu + 2u) + a] - room[NNu * (NNu + 1u) + a]);
                if (room[NNu * (NNu + 1u) + a] <= 0.0 || a == first) { room[NNu * (NNu + 1u) + a] = 0.0; free[a] = false; }
            }
        }
        if (moving) { for (var a = 0u; a < NNu; a++) { barred[a] = false; } }
    }
    for (var a = 0u; a < NNu; a++) { put(a, x2(a) + room[NNu * (NNu + 1u) + a]); }
