// Processor time per message: what it costs whatever else the machine is doing, where rates suffer.

/** Microseconds. `all`: of all threads of this OS process; `kernel` is part of it. */
export type ProcessorUs = { readonly main: number; readonly all: number; readonly kernel: number }

export type ProcessorTime = {
  /** Since the start. */
  us(): ProcessorUs
  /** "main thread 20 µs, all threads 60 µs (of it the kernel 5)" a message, since the start. */
  per(messages: number): string
}

export function startProcessorTime(): ProcessorTime {
  const all = process.cpuUsage()
  const main = process.threadCpuUsage()
  const us = (): ProcessorUs => {
    const total = process.cpuUsage(all)
    const own = process.threadCpuUsage(main)
    return { main: own.user + own.system, all: total.user + total.system, kernel: total.system }
  }
  return { us, per: (messages) => perMessage(us(), messages) }
}

export function perMessage({ main, all, kernel }: ProcessorUs, messages: number): string {
  const each = (us: number): string => (us / messages).toFixed(us / messages < 10 ? 1 : 0)
  return (
    `main thread ${each(main)} µs, all threads ${each(all)} µs (of it the kernel ${each(kernel)})`
  )
}

export function addedUs(list: readonly ProcessorUs[]): ProcessorUs {
  const sum = (pick: (each: ProcessorUs) => number): number =>
    list.reduce((total, each) => total + pick(each), 0)
  return {
    main: sum(({ main }) => main),
    all: sum(({ all }) => all),
    kernel: sum(({ kernel }) => kernel),
  }
}
