import { constants, getPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { script } from './command.ts'
import { skipCount, verdict, type Part } from './part.ts'
import { allParts } from './parts/index.ts'
import { root } from './paths.ts'
import { runParts } from './run-parts.ts'
import { skipsIn } from './skip-lines.ts'
import { summary, totals } from './summary.ts'

const never = new AbortController().signal
const silent = (): void => undefined

describe('running parts', () => {
  it('runs at most two at a time, and a part alone when it asks for it', async () => {
    const running = new Set<string>()
    const together: string[] = []
    const part = (name: string, alone = false): Part => ({
      name,
      alone,
      budgetSeconds: 5,
      async run() {
        running.add(name)
        together.push([...running].join('+'))
        await sleep(20)
        running.delete(name)
        return verdict([])
      },
    })
    const finished = await runParts([part('a'), part('b'), part('c'), part('d', true), part('e')], never, silent)
    expect(finished.map((done) => done.part.name)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(Math.max(...together.map((names) => names.split('+').length))).toBe(2)
    expect(together).toContain('d')
    expect(together.at(-1)).toBe('e')
  })

  it('runs a part in the background beside those that run alone, and waits for it at the end', async () => {
    const events: string[] = []
    const part = (name: string, ms: number, how: Pick<Part, 'alone' | 'background'> = {}): Part => ({
      name,
      ...how,
      budgetSeconds: 5,
      async run() {
        events.push(`${name} begins`)
        await sleep(ms)
        events.push(`${name} ends`)
        return verdict([])
      },
    })
    const finished = await runParts([part('long', 100, { background: true }), part('a', 20, { alone: true }), part('b', 20)], never, silent)
    expect(events).toEqual(['long begins', 'a begins', 'a ends', 'b begins', 'b ends', 'long ends'])
    expect(finished.map((done) => done.part.name)).toEqual(['long', 'a', 'b'])
  })

  it('stops a part at its budget and counts it as failed', async () => {
    const part: Part = { name: 'slow', budgetSeconds: 0.05, run: ({ signal }) => sleep(10_000, verdict([]), { signal }).catch(() => verdict([])) }
    const [done] = await runParts([part], never, silent)
    expect(done?.result.failed).toBe(1)
    expect(done?.result.failures).toEqual(['over its budget of 0.05 s and stopped'])
  })

  it('counts a part that throws as failed and goes on', async () => {
    const broken: Part = { name: 'broken', budgetSeconds: 5, run: () => Promise.reject(new Error('no such thing')) }
    const fine: Part = { name: 'fine', budgetSeconds: 5, run: () => Promise.resolve(verdict([], 3)) }
    const finished = await runParts([broken, fine], never, silent)
    expect(totals(finished)).toEqual({ passed: 3, failed: 1, skipped: 0 })
    expect(summary(finished).join('\n')).toContain('no such thing')
  })

  it('ends with the counts, after the reasons and remedies of what was skipped', async () => {
    const skip = { what: 'RabbitMQ 4', reason: 'no binary', remedy: 'install it', count: 2 }
    const part: Part = { name: 'amqp', budgetSeconds: 5, run: () => Promise.resolve({ passed: 1, failed: 0, skipped: [skip], failures: [] }) }
    const lines = summary(await runParts([part], never, silent))
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 2 skipped')
    expect(lines).toContain('  amqp: RabbitMQ 4 (2): no binary. Remedy: install it')
    expect(skipCount({ passed: 0, failed: 0, failures: [], skipped: [skip, { ...skip, count: 1 }] })).toBe(3)
  })

  it('stops what runs and what would follow when the whole takes too long, and says so', async () => {
    const stop = new AbortController()
    const part = (name: string): Part => ({
      name,
      budgetSeconds: 5,
      alone: true,
      run: ({ signal }) => sleep(10_000, verdict([]), { signal }).catch(() => verdict([])),
    })
    setTimeout(() => stop.abort('15 minutes are over'), 20)
    const finished = await runParts([part('a'), part('b')], stop.signal, silent)
    expect(finished.map(({ result }) => result.failures)).toEqual([['interrupted: 15 minutes are over'], ['interrupted: 15 minutes are over']])
  })

  it('gives every part a name of its own', () => {
    expect(new Set(allParts.map((part) => part.name)).size).toBe(allParts.length)
  })
})

describe('skip lines', () => {
  it('are read from what a bed prints, each once', () => {
    const line = 'RabbitMQ 4.0 skipped: path: not found; docker: no daemon. Remedy: install Docker'
    expect(skipsIn(['x', line, line])).toEqual([{ what: 'RabbitMQ 4.0', reason: 'path: not found; docker: no daemon', remedy: 'install Docker' }])
    expect(skipsIn(['3 tests skipped: none'])).toEqual([])
  })
})

describe('the bootstrap', () => {
  const bootstrap = join(root, 'test', 'run', 'bootstrap.mjs')

  it('refuses to start without an entry, and an entry that does not exist', async () => {
    expect((await script(bootstrap, [])).code).toBe(1)
    expect((await script(bootstrap, ['test/run/none.ts'])).lines).toContain('busbar: test/run/none.ts does not exist')
  })

  it('hands on arguments and the exit code', async () => {
    const { code, lines } = await script(bootstrap, ['test/run/certify.ts', '--only', 'none'])
    expect(code).toBe(1)
    expect(lines.join('\n')).toContain('unknown part: none')
  })
})

describe('a command', () => {
  it('runs at the lowest priority in the background, and at our own otherwise', async () => {
    const priority = ['--input-type=module', ['--eval', `import { getPriority } from 'node:os'; console.log(getPriority())`]] as const
    expect((await script(...priority, { background: true })).lines).toEqual([String(constants.priority.PRIORITY_LOW)])
    expect((await script(...priority)).lines).toEqual([String(getPriority())])
  })

  it('ends with its children when its signal fires', async () => {
    const started = performance.now()
    const child = `import { spawn } from 'node:child_process'; spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' }); setTimeout(() => {}, 60000)`
    const stopped = await script('--input-type=module', ['--eval', child], { signal: AbortSignal.timeout(300) })
    expect(stopped.code).not.toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
