import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { script } from '../run/command.ts'
import { root } from '../run/paths.ts'
import { parseArguments } from './arguments.ts'
import { leftovers } from './handles.ts'
import { problemsOf } from './judge.ts'
import type { Sample, SoakResult } from './protocol.ts'
import { lines, summary } from './report.ts'
import { LiveTimers } from './timers.ts'

const mebibyte = 2 ** 20
const flat: Sample = { heap: 30 * mebibyte, resident: 100 * mebibyte, handles: 7, timers: 4 }

function result(change: Partial<SoakResult> = {}, sample: (index: number) => Partial<Sample> = () => ({})): SoakResult {
  return {
    samples: Array.from({ length: 119 }, (_, index) => ({ ...flat, ...sample(index) })),
    ...{ sent: 1_000, handled: 990, retried: 60, deadLetters: 10, replies: 50, lost: 0, unexpected: 0, troubles: [], notes: {}, timersAfter: [], drainMs: 5 },
    handlesBefore: { PipeWrap: 2, Timeout: 1 },
    handlesAfter: { PipeWrap: 2 },
    socketsBefore: 0,
    socketsAfter: 0,
    ...change,
  }
}

describe('the judge', () => {
  it('finds nothing where all is flat and nothing is left', () => {
    expect(problemsOf(result())).toEqual([])
    expect(problemsOf(result({}, (index) => ({ handles: 7 + (index % 4), timers: index % 9 })))).toEqual([])
  })

  it.each([
    ['a heap that leaks', result({}, (index) => ({ heap: (30 + index / 10) * mebibyte })), /^heap grew by 5\.9 MiB/],
    ['more memory than there may be', result({}, (index) => ({ resident: (100 + 4 * index) * mebibyte })), /^memory: the process had 572 MiB/],
    ['memory that the heap does not show', result({}, (index) => ({ resident: (100 + 2 * index) * mebibyte })), /^memory: the process grew from/],
    ['handles that pile up', result({}, (index) => ({ handles: 7 + Math.floor(index / 5) })), /^the number of handles grew by 1\d/],
    ['timers that pile up', result({}, (index) => ({ timers: index })), /^the number of timers grew by 59/],
    ['a socket that is left', result({ socketsAfter: 1 }), /^after drain there are left: 1 sockets$/],
    ['a resource that is left', result({ handlesAfter: { PipeWrap: 2, TCPSocketWrap: 3 } }), /^after drain there is left: 3 TCPSocketWrap$/],
    ['a timer that is left', result({ timersAfter: ['here'] }), /^after drain there is left: a timer, set at here$/],
    ['lost messages', result({ lost: 2 }), /^2 messages were lost$/],
    ['doubled messages', result({ unexpected: 1 }), /^1 messages were handled twice, or never sent$/],
    ['nothing at all', result({ handled: 0 }), /^nothing was handled$/],
    ['what went wrong on the way', result({ troubles: ['a warning'] }), /^a warning$/],
  ])('finds %s', (_, bad, problem) => {
    expect(problemsOf(bad)).toEqual([expect.stringMatching(problem)])
    expect(summary([result(), bad])).toEqual({ text: 'soak: 2 drivers, 2000 messages, 1 problems', clean: false })
    expect(lines(bad).at(-1)).toMatch(/^problem: /)
  })

  it('takes what was there before for no leftover', () => {
    expect(leftovers({ a: 2, b: 1 }, { a: 2, b: 3, c: 1 })).toEqual(['2 b', '1 c'])
  })

  it('is not content with no driver', () => {
    expect(summary([]).clean).toBe(false)
    expect(summary([result()])).toEqual({ text: 'soak: 1 drivers, 1000 messages, 0 problems', clean: true })
  })
})

describe('live timers', () => {
  it('are those that are set, have not fired and were not cleared, also if they keep nothing alive', async () => {
    using timers = new LiveTimers()
    const before = timers.count
    const long = setTimeout(() => undefined, 60_000).unref()
    const often = setInterval(() => undefined, 60_000)
    setTimeout(() => undefined, 1)
    expect(timers.count - before).toBe(3)
    expect(timers.places.at(-1)).toContain('soak.test.ts')
    await pause(20)
    expect(timers.count - before).toBe(2)
    clearTimeout(long)
    clearInterval(often)
    expect(timers.count - before).toBe(0)
  })
})

describe('arguments', () => {
  it('choose drivers', () => {
    expect(parseArguments(['mqtt', '--minutes', '0.5'], ['memory', 'mqtt'])).toEqual({ drivers: ['mqtt'], minutes: 0.5, rate: 200, maySkip: false })
    expect(parseArguments([], ['memory', 'mqtt']).drivers).toEqual(['memory', 'mqtt'])
  })

  it.each([[['none']], [['--minutes', '0']], [['--rate', 'x']], [['--odd']]])('refuse %j', (args) => {
    expect(() => parseArguments(args, ['memory'])).toThrow()
  })
})

it('runs for some seconds in memory, and leaves nothing', async () => {
  const { code, lines: printed } = await script(join(root, 'test', 'soak', 'main.ts'), ['memory', '--minutes', '0.05', '--rate', '500'])
  expect(printed.at(-1)).toMatch(/^soak: 1 drivers, 1[345]\d\d messages, 0 problems$/)
  expect(code).toBe(0)
}, 60_000)
