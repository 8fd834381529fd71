// Processor time per message: what it costs whatever else the machine is doing, where rates suffer.

export type ProcessorTime = {
  /** "main thread 20 µs, all threads 60 µs (of it the kernel 5)" a message, since the start. */
  per(messages: number): string
}

export function startProcessorTime(): ProcessorTime {
  const all = process.cpuUsage()
  const main = process.threadCpuUsage()
  return {
    per: (messages) => {
      const total = process.cpuUsage(all)
      const own = process.threadCpuUsage(main)
      const each = (us: number): string => (us / messages).toFixed(us / messages < 10 ? 1 : 0)
      return (
        `main thread ${each(own.user + own.system)} µs, all threads ` +
        `${each(total.user + total.system)} µs (of it the kernel ${each(total.system)})`
      )
    },
  }
}
