import { describe, expect, it } from 'vitest'
import { Checker, type Promised, type Verdict } from './checker.ts'
import { parseEvent } from './history.ts'
import { isPoisoned } from './message-id.ts'

const everything: Promised = { ordered: true, once: true, shared: true, memoryBytes: 1_000 }

/** A message that is handled, and one whose handler always fails. */
const [first, second, third] = ['p.0/a/0', 'p.0/a/1', 'p.0/a/2'] as const
const poisoned = Array.from({ length: 1_000 }, (_, number) => `p.0/b/${number}`).find(isPoisoned) as string

/** Lines `process event what detail`, in the order of time. They are read in that order, or one process after the other. */
function verdictOn(story: string, promised: Promised = everything, by: 'time' | 'process' = 'time'): Verdict {
  const checker = new Checker()
  const lines = story
    .trim()
    .split('\n')
    .map((line, time) => ({ time, words: line.trim().split(' ') }))
  // The last process first.
  const turned = lines.toSorted((a, b) => (b.words[0] ?? '').localeCompare(a.words[0] ?? ''))
  for (const { time, words } of by === 'time' ? lines : turned) {
    const [process = '', kind = '', what = '', detail = ''] = words
    checker.add(process, parseEvent(`${time + 1}\t${kind}\t${what}\t${detail}`))
  }
  return checker.verdict(promised)
}

function sent(...ids: readonly string[]): string {
  return ids.map((id) => `p.0 sending ${id}\np.0 confirmed ${id}`).join('\n')
}

function handled(id: string, by: string = 'c.0'): string {
  return `${by} begin ${id} 1\n${by} effect ${id}\n${by} done ${id}`
}

const ends = 'c.0 left 0\nc.0 end\np.0 end'
const clean = { lost: [], outOfOrder: [], doubleEffects: [], others: [] }

describe('a history that keeps all promises', () => {
  it('passes, with what was sent, handled and given up', () => {
    const given = `c.0 begin ${poisoned} 1\nc.0 failure ${poisoned} Error\nc.0 dead ${poisoned}`
    const verdict = verdictOn(`${sent(first, second, poisoned)}\n${handled(first)}\n${given}\n${handled(second)}\n${ends}`)
    expect(verdict).toMatchObject({ ...clean, sent: 3, handled: 2, deadLettered: 1, repeats: 0, unconfirmed: 0 })
  })

  it('may leave out what was never confirmed, or have it all the same', () => {
    const story = `p.0 sending ${first}\np.0 failed ${first} ERR_UNCONFIRMED\np.0 sending ${second}\np.0 failed ${second} ERR_UNCONFIRMED`
    expect(verdictOn(`${story}\n${handled(second)}\n${ends}`)).toMatchObject({ ...clean, sent: 0, unconfirmed: 2 })
  })

  it('may have a send of a killed process without an outcome, and a handler without an end', () => {
    const story = `p.0 sending ${first}\nscript killed p.0\nc.0 begin ${first} 1\nscript killed c.0\n${handled(first, 'c.1')}\nc.1 end\nscript end`
    expect(verdictOn(story)).toMatchObject(clean)
  })

  it('may start a message again, and step back in a key, as long as the first times are in order', () => {
    const story = `c.0 begin ${first} 1\nc.0 failure ${first} AbortError\n${handled(first, 'c.1')}\n${handled(second, 'c.1')}\nc.1 begin ${first} 1\nc.1 failure ${first} Error`
    expect(verdictOn(`${sent(first, second)}\n${story}\nc.1 end\n${ends}`)).toMatchObject({ ...clean, repeats: 2 })
  })

  it('may repeat effects without idempotency, and does not say that there were none', () => {
    const story = `${sent(first, second)}\n${handled(first)}\n${handled(second)}\n${handled(first)}\n${ends}`
    expect(verdictOn(story, { ...everything, once: false })).toMatchObject({ ...clean, doubleEffects: undefined })
  })

  it('may repeat the effect of a process that was killed before it could remember it', () => {
    const story = `${sent(first)}\nc.0 begin ${first} 1\nc.0 effect ${first}\nscript killed c.0\n${handled(first, 'c.1')}\nc.1 end\np.0 end\nscript end`
    expect(verdictOn(story)).toMatchObject(clean)
  })

  it('may repeat effects as often as processes were killed, each after its effect and before the next', () => {
    const dies = (by: string): string => `${by} begin ${first} 1\n${by} effect ${first}\nscript killed ${by}`
    const story = `${sent(first)}\n${dies('c.0')}\n${dies('c.1')}\n${handled(first, 'c.2')}\nc.2 begin ${first} 2\nc.2 failure ${first} Error\nc.2 end\np.0 end\nscript end`
    expect(verdictOn(story)).toMatchObject({ ...clean, handled: 1 })
    // Histories are read in turn.
    expect(verdictOn(story, everything, 'process')).toMatchObject({ ...clean, handled: 1 })
  })

  it('may be in any order where none is promised, and between two senders of a key', () => {
    const story = `${sent(first, second)}\n${handled(second)}\n${handled(first)}\n${ends}`
    expect(verdictOn(story, { ...everything, ordered: false })).toMatchObject(clean)
    const two = `${sent(first)}\np.1 sending p.1/a/0\np.1 confirmed p.1/a/0\n${handled('p.1/a/0')}\n${handled(first)}\np.1 end\n${ends}`
    expect(verdictOn(two)).toMatchObject(clean)
  })
})

describe('a history with one violation is caught:', () => {
  it('a confirmed message that was not handled', () => {
    expect(verdictOn(`${sent(first, second)}\n${handled(first)}\n${ends}`)).toMatchObject({ ...clean, lost: [second] })
  })

  it('one that was begun and never had its effect', () => {
    expect(verdictOn(`${sent(first)}\nc.0 begin ${first} 1\nc.0 failure ${first} Error\n${ends}`)).toMatchObject({ ...clean, lost: [first] })
  })

  it('one that was confirmed at the second try', () => {
    const story = `p.0 sending ${first}\np.0 failed ${first} ERR_TIMEOUT\np.0 sending ${first}\np.0 confirmed ${first}\n${ends}`
    expect(verdictOn(story)).toMatchObject({ ...clean, lost: [first] })
  })

  it('a dead letter that is missing', () => {
    const story = `${sent(poisoned)}\nc.0 begin ${poisoned} 1\nc.0 failure ${poisoned} Error\n${ends}`
    expect(verdictOn(story)).toMatchObject({ ...clean, lost: [poisoned] })
  })

  it('a key whose later message starts first', () => {
    const story = `c.0 begin ${second} 1\nc.1 begin ${first} 1\nc.1 effect ${first}\nc.1 done ${first}\nc.0 effect ${second}\nc.0 done ${second}`
    expect(verdictOn(`${sent(first, second)}\n${story}\nc.1 end\n${ends}`)).toMatchObject({ ...clean, outOfOrder: [second] })
  })

  it('a key whose later message has its effect first, after both were started in order', () => {
    const story = `c.0 begin ${first} 1\nc.0 failure ${first} Error\n${handled(second)}\n${handled(first)}\n${handled(third)}`
    expect(verdictOn(`${sent(first, second, third)}\n${story}\n${ends}`)).toMatchObject({ ...clean, outOfOrder: [second] })
  })

  it('a second effect, in the same process or in another', () => {
    for (const by of ['c.0', 'c.1']) {
      const story = `${sent(first)}\n${handled(first)}\n${handled(first, by)}\nc.1 end\n${ends}`
      expect(verdictOn(story)).toMatchObject({ ...clean, doubleEffects: [first] })
    }
  })

  it('a second effect after a kill that came when the first was remembered, and a third one where one may be repeated', () => {
    const late = `${sent(first)}\n${handled(first)}\nscript killed c.0\n${handled(first, 'c.1')}\nc.1 end\np.0 end\nscript end`
    expect(verdictOn(late)).toMatchObject({ ...clean, doubleEffects: [first] })
    const third = `${sent(first)}\nc.0 begin ${first} 1\nc.0 effect ${first}\nscript killed c.0\n${handled(first, 'c.1')}\n${handled(first, 'c.1')}\nc.1 end\np.0 end\nscript end`
    expect(verdictOn(third)).toMatchObject({ ...clean, doubleEffects: [first] })
  })

  it.each([
    ['when both came before the kill', `c.0 begin ${first} 1\nc.0 effect ${first}\n${handled(first, 'c.1')}\nscript killed c.0`],
    [
      'when the first was remembered, and the process of the second killed',
      `${handled(first, 'c.2')}\nc.1 begin ${first} 2\nc.1 effect ${first}\nscript killed c.1`,
    ],
    [
      'when another process had found the first one remembered',
      `c.0 begin ${first} 1\nc.0 effect ${first}\nscript killed c.0\nc.1 done ${first}\n${handled(first, 'c.2')}`,
    ],
    ['when the first process only stood still', `c.2 begin ${first} 1\nc.2 effect ${first}\n${handled(first, 'c.1')}\nc.2 done ${first}`],
    [
      'when two processes had it before both were killed',
      `c.0 begin ${first} 1\nc.1 begin ${first} 1\nc.0 effect ${first}\nc.1 effect ${first}\nscript killed c.0\nscript killed c.1\n${handled(first, 'c.2')}`,
    ],
  ])('a second effect %s', (_, story) => {
    const ended = ['c.0', 'c.1', 'c.2'].filter((name) => !story.includes(`killed ${name}`)).map((name) => `${name} end`)
    for (const by of ['time', 'process'] as const)
      expect(verdictOn([sent(first), story, ...ended, 'p.0 end\nscript end'].join('\n'), everything, by)).toMatchObject({ ...clean, doubleEffects: [first] })
  })

  it.each([
    ['a send that never settles', `p.0 sending ${first}\n${ends}`, 'never settled'],
    ['a handler that never ends', `${sent(first)}\n${handled(first)}\nc.0 begin ${first} 2\n${ends}`, 'never ended'],
    ['a process that does not end', `${sent(first)}\n${handled(first)}\np.0 end`, 'c.0 has not ended'],
    ['messages that the broker keeps', `c.0 left 3\nc.0 end`, 'still has 3'],
    ['a send that was refused for good', `p.0 sending ${first}\np.0 refused ${first} ERR_INVALID\n${ends}`, 'refused for good'],
    ['a message that nobody sent', `${handled(first)}\n${ends}`, 'nobody has sent it'],
    ['a dead letter without a cause', `${sent(first)}\nc.0 dead ${first}\n${ends}`, 'without a cause'],
    ['an effect of a handler that fails', `${sent(poisoned)}\n${handled(poisoned)}\n${ends}`, 'whose handler fails'],
    ['what a process saw broken', `c.0 wrong body\n${ends}`, 'c.0: body'],
    ['too much memory', `c.0 memory 2000\n${ends}`, 'memory: c.0'],
  ])('%s', (_, story, sentence) => {
    const { others, ...rest } = verdictOn(story)
    expect(others).toEqual([expect.stringContaining(sentence)])
    expect(rest).toMatchObject({ lost: [], outOfOrder: [], doubleEffects: [] })
  })
})

describe('a consumer that gets nothing any more', () => {
  /** Two consumers share messages, one each half second; after so many seconds `c.1` gets none. */
  function idle(seconds: number, { fromSecond = 10, perSecond = 4, ends = 'left' }: { fromSecond?: number; perSecond?: number; ends?: string } = {}): Checker {
    const checker = new Checker()
    const add = (by: string, at: number, text: string): void => checker.add(by, parseEvent(`${Math.round(at * 1e9)}\t${text.replaceAll(' ', '\t')}`))
    for (const name of ['c.0', 'c.1']) add(name, 1, 'memory 5')
    let sent = 0
    for (let at = 1; at < fromSecond + seconds; at += 1 / perSecond) {
      const id = `p.0/c/${(sent += isPoisoned(`p.0/c/${sent + 1}`) ? 2 : 1)}`
      const by = at < fromSecond && sent % 2 === 0 ? 'c.1' : 'c.0'
      add('p.0', at, `sending ${id}`)
      add('p.0', at, `confirmed ${id}`)
      for (const kind of ['begin', 'effect', 'done']) add(by, at, `${kind} ${id}`)
    }
    for (const name of ['p.0', 'c.0', 'c.1']) {
      const at = fromSecond + seconds
      if (name === 'c.1' && ends === 'killed') add('script', at, 'killed c.1')
      else if (name !== 'p.0') add(name, at, 'left 0')
      if (name !== 'c.1' || ends === 'left') add(name, at, 'end')
    }
    if (ends === 'killed') add('script', fromSecond + seconds, 'end')
    return checker
  }

  it.each([
    ['after it had some', 10],
    ['from the start', 1],
  ])('is stuck: %s', (_, fromSecond) => {
    const verdict = idle(70, { fromSecond }).verdict(everything)
    expect(verdict).toMatchObject({ ...clean, others: [expect.stringMatching(/^stuck: c\.1 began nothing in its last 7\d s, and others 2[78]\d messages$/)] })
  })

  it.each([
    ['for less than a minute', idle(50), everything],
    ['while others had few', idle(70, { perSecond: 2 }), everything],
    ['where one at a time receives', idle(70), { ...everything, shared: false }],
    ['and was killed', idle(70, { ends: 'killed' }), everything],
  ])('is none: %s', (_, checker, promised) => {
    expect(checker.verdict(promised)).toMatchObject(clean)
  })
})
