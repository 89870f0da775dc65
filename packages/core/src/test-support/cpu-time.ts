/** Milliseconds of CPU that this thread has used: unlike time, it does not pass while other work has the machine. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
