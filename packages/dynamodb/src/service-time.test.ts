import { describe, expect, it } from 'vitest'
import { ServiceTime } from './service-time.ts'

/** A process whose clocks are moved by hand, and a service whose clock is not. */
class World {
  monotonicMs = 5_000
  wallMs = 1_000
  serviceMs = Date.UTC(2026, 0, 1, 12, 0, 0, 700)
  readonly time = new ServiceTime({
    now: () => this.wallMs,
    monotonic: () => this.monotonicMs,
    timer: () => ({ cancel: () => undefined }),
    external: (operation) => operation,
  })

  pass(ms: number): void {
    this.monotonicMs += ms
    this.wallMs += ms
    this.serviceMs += ms
  }

  /** A request that reaches the service in the middle of its way. */
  ask(wayMs: number): void {
    const sentAt = this.monotonicMs
    this.pass(wayMs / 2)
    const date = new Date(this.serviceMs).toUTCString()
    this.pass(wayMs / 2)
    this.time.hear(date, sentAt)
  }

  get widthMs(): number {
    const { earliest, latest } = this.time.bounds()
    return latest - earliest
  }

  expectRight(): void {
    const { earliest, latest } = this.time.bounds()
    expect(earliest).toBeLessThanOrEqual(this.serviceMs)
    expect(latest).toBeGreaterThanOrEqual(this.serviceMs)
  }
}

describe('the time of the service', () => {
  it('is within a second, the way of the answer and what hosts may be apart', () => {
    const world = new World()
    expect(world.time.stale).toBe(true)
    world.ask(40)
    expect(world.time.stale).toBe(false)
    world.expectRight()
    expect(world.widthMs).toBe(1_240)
  })

  it('is known better with every answer', () => {
    const world = new World()
    for (let index = 0; index < 50; index++) {
      world.ask(20)
      world.pass(97)
      world.expectRight()
    }
    expect(world.widthMs).toBeLessThan(330)
  })

  it('does not depend on the wall clock of the process, whose jumps only have it asked for again', () => {
    const world = new World()
    world.ask(10)
    const { earliest } = world.time.bounds()
    world.wallMs += 86_400_000
    expect(world.time.stale).toBe(true)
    expect(world.time.bounds().earliest).toBe(earliest)
    world.ask(10)
    expect(world.time.stale).toBe(false)
    world.expectRight()
  })

  it('is asked for again after a minute, and after the process was suspended', () => {
    const world = new World()
    world.ask(10)
    world.pass(59_000)
    expect(world.time.stale).toBe(false)
    world.pass(2_000)
    expect(world.time.stale).toBe(true)
    world.ask(10)
    // While a machine sleeps its monotonic clock may stand still.
    world.wallMs += 30_000
    world.serviceMs += 30_000
    expect(world.time.stale).toBe(true)
    world.ask(10)
    world.expectRight()
  })

  it('stays right where our clock is slower or faster than the service', () => {
    for (const rate of [0.999_8, 1.000_2]) {
      const world = new World()
      for (let index = 0; index < 200; index++) {
        world.ask(10)
        world.pass(30_000)
        world.serviceMs += 30_000 * (rate - 1)
        world.expectRight()
      }
    }
  })

  it('follows a service whose clock was set', () => {
    const world = new World()
    world.ask(10)
    world.serviceMs -= 5_000
    world.ask(10)
    world.expectRight()
  })

  it('is not heard from what is no date', () => {
    const world = new World()
    world.time.hear(undefined, 0)
    world.time.hear('soon', 0)
    expect(world.time.stale).toBe(true)
  })
})
