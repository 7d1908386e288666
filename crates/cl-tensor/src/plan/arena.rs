//! Memory for temporaries by lifetime.

use super::fuse::Units;
use super::lower::{Home, How, Lowered};
use super::schedule::Schedule;
use super::view::Place;
use super::{ALIGNMENT, ARENA, FEEDS, FIRST_SLOT};
use crate::ops::SourceKind;
use std::collections::HashMap;

pub(super) struct Memory {
    /// Where each value's memory starts; `None` for values that live in registers only.
    pub place: Vec<Option<Place>>,
    pub constants: Vec<(usize, f32)>,
    pub arena_len: usize,
    /// Feed block: (value, offset).
    pub feeds: Vec<(usize, usize)>,
    pub feed_len: usize,
}

/// Values of at most so many elements share their place with no other: it would save nothing worth
/// telling, and kernels that use it would have to wait for each other on a GPU.
const SMALL: usize = 256;

struct Lifetime {
    value: usize,
    len: usize,
    first: usize,
    last: usize,
}

pub(super) fn allocate(low: &Lowered, units: &Units, schedule: &Schedule) -> Memory {
    let mut memory = Memory {
        place: vec![None; low.values.len()],
        constants: Vec::new(),
        arena_len: 0,
        feeds: Vec::new(),
        feed_len: 0,
    };
    sources(low, &mut memory);
    let kept = kept(low, units, schedule);
    let shared = shared_with_product(low, units, &kept);
    let mut lifetimes = lifetimes(low, units, schedule, &kept, &shared);
    lifetimes.sort_by_key(|life| (life.first, life.value));
    place(&lifetimes, &mut memory);
    for v in 0..low.values.len() {
        if let Home::Slot(slot) = low.home[v] {
            memory.place[v] = Some(slot_place(slot));
        }
    }
    for v in 0..low.values.len() {
        if matches!(low.home[v], Home::Piece(..)) && low.live[v] {
            memory.place[v] = Some(piece_place(low, &memory, v));
        }
    }
    for (&product, &with) in &shared {
        memory.place[product] = memory.place[with];
    }
    memory
}

fn slot_place(slot: usize) -> Place {
    Place { base: FIRST_SLOT + slot as u32, offset: 0 }
}

fn piece_place(low: &Lowered, memory: &Memory, v: usize) -> Place {
    match low.home[v] {
        Home::Piece(vector, offset) => {
            let outer = piece_place(low, memory, vector);
            Place { offset: outer.offset + offset as u32, ..outer }
        }
        _ => memory.place[v].expect("an assembled vector has memory"),
    }
}

fn sources(low: &Lowered, memory: &mut Memory) {
    let residents = FIRST_SLOT + low.slot_names.len() as u32;
    for (v, value) in low.values.iter().enumerate() {
        if !low.live[v] {
            continue;
        }
        let place = match &value.how {
            How::Source(SourceKind::Input, _) => {
                let offset = memory.feed_len;
                memory.feeds.push((v, offset));
                memory.feed_len += value.ty.len().next_multiple_of(ALIGNMENT);
                Place { base: FEEDS, offset: offset as u32 }
            }
            How::Source(SourceKind::Slot, name) => {
                let slot = low.slot_names.iter().position(|known| known == name);
                slot_place(slot.expect("declared"))
            }
            How::Source(SourceKind::Resident, name) => {
                let resident = low.residents.iter().position(|(known, _)| known == name);
                Place { base: residents + resident.expect("declared") as u32, offset: 0 }
            }
            How::Constant(number) => {
                let offset = memory.arena_len;
                memory.constants.push((offset, *number));
                memory.arena_len += ALIGNMENT;
                Place { base: ARENA, offset: offset as u32 }
            }
            _ => continue,
        };
        memory.place[v] = Some(place);
    }
}

/// Values that someone outside their pass reads: the others never leave the registers.
pub(super) fn kept(low: &Lowered, units: &Units, schedule: &Schedule) -> Vec<bool> {
    let mut kept = vec![false; low.values.len()];
    for (v, value) in low.values.iter().enumerate() {
        if low.live[v] && value.is_computed() {
            let outside = |r: &super::fuse::Reader| units.of[r.value] != units.of[v] || !r.aligned;
            kept[v] = !value.is_pointwise() && !matches!(value.how, How::Product)
                || units.readers[v].iter().any(outside)
                || low.home[v] != Home::Arena;
        }
    }
    for (v, kept) in kept.iter_mut().enumerate() {
        *kept |= low.is_read_last(v);
    }
    for &(_, value) in &schedule.commits {
        kept[value] = true;
    }
    kept
}

/// Products whose raw result only their own epilogue reads: it lies where the epilogue's result
/// goes, unless that is a slot, which the epilogue may still have to read.
fn shared_with_product(low: &Lowered, units: &Units, kept: &[bool]) -> HashMap<usize, usize> {
    let mut shared = HashMap::new();
    for members in &units.members {
        let Some(&product) = members.iter().find(|&&v| matches!(low.values[v].how, How::Product))
        else {
            continue;
        };
        if kept[product] || members.len() == 1 {
            continue;
        }
        let target = members
            .iter()
            .copied()
            .find(|&v| v != product && kept[v] && !matches!(low.home[v], Home::Slot(_)));
        if let Some(target) = target {
            shared.insert(product, target);
        }
    }
    shared
}

fn lifetimes(
    low: &Lowered,
    units: &Units,
    schedule: &Schedule,
    kept: &[bool],
    shared: &HashMap<usize, usize>,
) -> Vec<Lifetime> {
    let mut spans: HashMap<usize, Lifetime> = HashMap::new();
    for (v, value) in low.values.iter().enumerate() {
        let product = matches!(value.how, How::Product) && !shared.contains_key(&v);
        if !low.live[v] || !value.is_computed() || !(kept[v] || product) {
            continue;
        }
        let mut root = v;
        while let Home::Piece(vector, _) = low.home[root] {
            root = vector;
        }
        if low.home[root] != Home::Arena {
            continue;
        }
        let born = schedule.time[units.of[v]];
        let died = units.readers[v].iter().map(|r| schedule.time[units.of[r.value]]).max();
        let stays = low.is_read_last(v) || schedule.commits.iter().any(|&(_, value)| value == v);
        let last = if stays { usize::MAX } else { died.unwrap_or(born).max(born) };
        let len = low.values[root].ty.len();
        let span = spans.entry(root).or_insert(Lifetime { value: root, len, first: born, last });
        span.first = span.first.min(born);
        span.last = span.last.max(last);
    }
    let own = |life: Lifetime| match life.len <= SMALL {
        true => Lifetime { first: 0, last: usize::MAX, ..life },
        false => life,
    };
    spans.into_values().map(own).collect()
}

/// First fit in order of birth.
fn place(lifetimes: &[Lifetime], memory: &mut Memory) {
    let floor = memory.arena_len;
    let mut placed: Vec<(usize, usize, usize)> = Vec::new();
    for life in lifetimes {
        let len = life.len.max(1).next_multiple_of(ALIGNMENT);
        placed.retain(|&(_, _, last)| last >= life.first);
        placed.sort_unstable();
        let mut offset = floor;
        for &(start, end, _) in &placed {
            if offset + len <= start {
                break;
            }
            offset = offset.max(end);
        }
        placed.push((offset, offset + len, life.last));
        memory.arena_len = memory.arena_len.max(offset + len);
        memory.place[life.value] = Some(Place { base: ARENA, offset: offset as u32 });
    }
}
