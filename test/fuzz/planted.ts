import { target } from './target.ts'

const shared: object = Array.prototype
const kept: string[] = []

/** Decoders that are broken on purpose: each must be found out. */
export const targets = [
  target({
    name: 'sound',
    generate: (draw) => draw.below(100),
    decode: (input) => input,
    problem: (output) => (typeof output === 'number' ? undefined : 'no number'),
  }),
  target({
    name: 'crashes',
    generate: (draw) => (draw.chance(0.01) ? undefined : { name: 'x' }),
    decode: (input) => (input as { readonly name: string }).name,
    problem: () => undefined,
    mayThrow: (error) => error instanceof SyntaxError,
  }),
  target({
    name: 'hangs',
    generate: (draw) => draw.below(200),
    decode: (input) => {
      for (;;) if (input !== 7) return input
    },
    problem: () => undefined,
  }),
  target({
    name: 'never-settles',
    generate: (draw) => draw.below(200),
    decode: (input) => (input === 7 ? new Promise(() => undefined) : Promise.resolve(input)),
    problem: () => undefined,
  }),
  target({
    name: 'is-slow',
    generate: (draw) => draw.below(200),
    decode: (input) => {
      const { user } = process.threadCpuUsage()
      if (input === 7) while (process.threadCpuUsage().user - user < 150_000);
      return input
    },
    problem: () => undefined,
  }),
  target({
    name: 'wrong-type',
    generate: (draw) => draw.below(200),
    decode: (input) => (input === 7 ? { attempt: '1' } : { attempt: 1 }),
    problem: ({ attempt }) => (typeof attempt === 'number' ? undefined : `attempt is ${typeof attempt}`),
  }),
  target({
    name: 'looking-throws',
    generate: (draw) => draw.below(200),
    decode: (input): { readonly headers: object } | undefined => (input === 7 ? undefined : { headers: {} }),
    problem: (output) => ('headers' in (output as object) ? undefined : 'no headers'),
  }),
  target({
    name: 'pollutes',
    generate: (draw) => draw.below(200),
    decode: (input) => {
      if (input === 7) Object.assign(Object.prototype, { polluted: true })
      return input
    },
    problem: () => undefined,
  }),
  target({
    name: 'replaces',
    generate: (draw) => draw.below(5_000),
    decode: (input) => {
      if (input === 7) Object.defineProperty(shared, 'at', { value: () => undefined, configurable: true, writable: true, enumerable: false })
      return input
    },
    problem: () => undefined,
  }),
  target({
    name: 'leaves-a-rejection',
    generate: (draw) => draw.below(200),
    decode: async (input) => {
      if (input === 7) void Promise.reject(new Error('nobody waits for it'))
      // So that the engine gets to tell of it.
      await new Promise((resolve) => setImmediate(resolve))
      return input
    },
    problem: () => undefined,
  }),
  target({
    name: 'keeps-all',
    generate: (draw) => draw.below(200),
    decode: (input) => kept.push(Buffer.alloc(512).toString('latin1') + input),
    problem: () => undefined,
  }),
]
