//! Denormal numbers are flushed to zero in the threads of a session's pool, and nowhere else.
//!
//! Late in training gradients and moments sink below 1e-38; each such operand costs a hundred cycles
//! or more. The determinism contract includes the flush: every worker has it, always.

/// Sets the flush for the calling thread, for as long as the thread lives. Called once by each
/// worker when its pool starts; these threads run nothing but plans.
pub(super) fn flush_to_zero() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_RESULTS: u32 = 1 << 15;
        const FLUSH_OPERANDS: u32 = 1 << 6;
        let mut control = 0_u32;
        // SAFETY: both instructions only move the SSE control word of this thread; the two bits
        // change how denormals are treated and nothing else. They exist on every x86-64.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
            control |= FLUSH_RESULTS | FLUSH_OPERANDS;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        const FLUSH: u64 = 1 << 24;
        let mut control: u64;
        // SAFETY: reads and writes the floating-point control register of this thread; bit 24 (FZ)
        // changes how denormals are treated and nothing else.
        unsafe {
            std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack));
            control |= FLUSH;
            std::arch::asm!("msr fpcr, {}", in(reg) control, options(nostack));
        }
    }
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use std::hint::black_box;

    #[test]
    fn a_worker_flushes_and_other_threads_do_not() {
        let worker = std::thread::spawn(|| {
            super::flush_to_zero();
            black_box(f32::MIN_POSITIVE) * black_box(0.5)
        });
        assert_eq!(worker.join().unwrap(), 0.0);
        assert!(black_box(f32::MIN_POSITIVE) * black_box(0.5) > 0.0);
    }
}
