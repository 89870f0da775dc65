import type { Services } from '@busbar/core/driver'

/** In real time: the broker on the other side of a socket has no other. */
export const services: Services = {
  clock: {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    timer(atMs, wake) {
      const timeout = setTimeout(wake, Math.max(0, atMs - performance.now()))
      return { cancel: () => clearTimeout(timeout) }
    },
    external: (operation) => operation,
  },
  random: Math.random,
  log: () => undefined,
  meter: () => undefined,
}
