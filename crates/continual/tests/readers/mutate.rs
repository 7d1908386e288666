//! Files that are almost right.

use cl_random::Rng;

/// Numbers that a length, a count or an offset should never be believed to be.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_fff8,
    u64::MAX,
];

/// One to four changes of a file; `words` are put into text.
pub(crate) fn mutated(good: &[u8], words: &[&str], draw: &mut Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=draw.below(4) {
        change(&mut bytes, words, draw);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, words: &[&str], draw: &mut Rng) {
    let kinds = if words.is_empty() { 8 } else { 12 };
    let at = place(bytes, draw);
    match draw.below(kinds) {
        // A bit, a byte, an edge of a width in either order, a byte too many or too few.
        0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
        1 if at < bytes.len() => bytes[at] = draw.below(256) as u8,
        2 => put_edge(bytes, at, draw),
        3 => bytes.insert(at, draw.below(256) as u8),
        4 if at < bytes.len() => {
            bytes.remove(at);
        }
        5 => bytes.truncate(at),
        // A stretch that is missing, or there twice.
        6 => {
            let end = (at + 1 + draw.below(64) as usize).min(bytes.len());
            bytes.drain(at..end.max(at));
        }
        7 => {
            let end = (at + 1 + draw.below(64) as usize).min(bytes.len());
            let stretch = bytes[at..end].to_vec();
            let to = place(bytes, draw);
            bytes.splice(to..to, stretch);
        }
        8 | 9 => put_word(bytes, at, words, draw),
        10 => lines(bytes, draw),
        11 => number(bytes, at, words, draw),
        _ => bytes.push(0),
    }
}

/// Anywhere; half of the time near the front, where headers are.
fn place(bytes: &[u8], draw: &mut Rng) -> usize {
    let range = if draw.below(2) == 0 { bytes.len().min(64) } else { bytes.len() };
    draw.below(range as u32 + 1) as usize
}

fn put_edge(bytes: &mut [u8], at: usize, draw: &mut Rng) {
    let edge = EDGES[draw.below(EDGES.len() as u32) as usize];
    let width = [1, 2, 4, 8][draw.below(4) as usize];
    let mut edge = edge.to_le_bytes()[..width].to_vec();
    if draw.below(2) == 0 {
        edge.reverse();
    }
    for (byte, new) in bytes.iter_mut().skip(at).zip(edge) {
        *byte = new;
    }
}

fn put_word(bytes: &mut Vec<u8>, at: usize, words: &[&str], draw: &mut Rng) {
    let word = words[draw.below(words.len() as u32) as usize];
    bytes.splice(at..at, word.bytes());
}

/// Two lines change places, or one is there twice.
fn lines(bytes: &mut Vec<u8>, draw: &mut Rng) {
    let mut all: Vec<Vec<u8>> =
        bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    if all.is_empty() {
        return;
    }
    let mut one = || draw.below(all.len() as u32) as usize;
    let (a, b) = (one(), one());
    if a == b {
        all.insert(a, all[a].clone());
    } else {
        all.swap(a, b);
    }
    *bytes = all.concat();
}

/// A number that stands somewhere is another one.
fn number(bytes: &mut Vec<u8>, at: usize, words: &[&str], draw: &mut Rng) {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let Some(start) = bytes[at..].iter().position(is_part).map(|start| at + start) else { return };
    let end = bytes[start..].iter().position(|byte| !is_part(byte));
    let end = end.map_or(bytes.len(), |length| start + length);
    bytes.drain(start..end);
    put_word(bytes, start, words, draw);
}
