//! The memory of a run: blocks, and views into them. The one place where plans become pointers.

use crate::error::Error;
use crate::plan::Place;

/// A cache line of floats: blocks are made of these, so every block is aligned to 64 bytes.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// An aligned block of floats.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    lines: Vec<Line>,
    len: usize,
}

impl Block {
    /// So many zeros; `what` they are for is told where memory does not do.
    pub(super) fn zeros(len: usize, what: &str) -> Result<Self, Error> {
        let count = len.div_ceil(16).max(1);
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(count)
            .map_err(|_| Error::Memory { what: what.to_owned(), bytes: 4 * len as u64 })?;
        lines.resize(count, Line::default());
        Ok(Self { lines, len })
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        &bytemuck::must_cast_slice(&self.lines)[..self.len]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut bytemuck::must_cast_slice_mut(&mut self.lines)[..self.len]
    }

    fn pointer(&mut self) -> *mut f32 {
        self.lines.as_mut_ptr().cast()
    }
}

/// Where the blocks of one member's run lie, by number: arena, feeds, slots, residents.
///
/// # Invariant
/// Filled by [`Bases::fill`] from blocks that the running worker borrows exclusively (arena, feeds,
/// this member's slots) or shares with readers only (residents), each at least as long as the plan
/// says. It is emptied before those borrows end.
#[derive(Debug, Default)]
pub(crate) struct Bases(Vec<*mut f32>);

// SAFETY: the pointers are used under the invariant above; which of a worker's helpers writes which
// elements is fixed by the plan, and they never overlap within one kernel.
unsafe impl Send for Bases {}
// SAFETY: as above.
unsafe impl Sync for Bases {}

impl Bases {
    /// Room for the blocks of a plan, so that filling allocates nothing.
    pub(super) fn with_capacity(blocks: usize) -> Self {
        Self(Vec::with_capacity(blocks))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn push(&mut self, block: &mut Block) {
        self.0.push(block.pointer());
    }

    /// A block that nobody writes. Plans only read residents, which is checked when they are made.
    pub(super) fn push_shared(&mut self, block: &Block) {
        self.0.push(block.lines.as_ptr().cast::<f32>().cast_mut());
    }

    /// A block inside memory that outlives the run: a plan within a plan works on its operands.
    pub(super) fn push_pointer(&mut self, block: *mut f32) {
        self.0.push(block);
    }

    #[inline]
    pub(super) fn pointer(&self, place: Place) -> *mut f32 {
        // SAFETY: the plan's offsets lie inside its blocks.
        unsafe { self.0[place.base as usize].add(place.offset as usize) }
    }

    /// `len` floats at a place.
    ///
    /// # Safety
    /// The place holds at least `len` floats and nobody writes them while the slice lives.
    #[inline]
    pub(crate) unsafe fn slice<'a>(&self, place: Place, len: usize) -> &'a [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.pointer(place), len) }
    }

    /// `len` floats at a place, to write.
    ///
    /// # Safety
    /// The place holds at least `len` floats and nobody else reads or writes them while the slice
    /// lives.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn slice_mut<'a>(&self, place: Place, len: usize) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(place), len) }
    }

    /// `len` bytes at a place.
    ///
    /// # Safety
    /// As for [`Bases::slice`], with `len` bytes.
    #[inline]
    pub(crate) unsafe fn bytes<'a>(&self, place: Place, len: usize) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.pointer(place).cast(), len) }
    }
}
