import { hostname } from 'node:os'

let workers = 0

/** A name that no other worker has, not even in another run: for whoever looks at the table of leases it begins with the host and the process. */
export function workerName(random: () => number): string {
  const unique = Array.from({ length: 3 }, () =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
  return `${hostname()}-${process.pid}-${++workers}-${unique}`
}
