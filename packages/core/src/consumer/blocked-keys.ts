import { answerOf } from '../answer-of.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { BlockedKey, BlockedKeysOptions, SkipOptions } from './blocked-keys-types.ts'
import type { ConsumerEngine } from './engine.ts'
import type { Task } from './task.ts'

/** Messages that consumers of this process try until they succeed, with what can be done about them. */
export class BlockedKeysOf {
  readonly #engines: readonly ConsumerEngine[]

  constructor(engines: readonly ConsumerEngine[]) {
    this.#engines = engines
  }

  list(): readonly BlockedKey[] {
    return this.#engines.flatMap((engine) => engine.tasks.filter(isBlocked).map(asBlockedKey))
  }

  retry(options: BlockedKeysOptions): number {
    return this.#each('retry', options, (engine, task) => engine.retryNow(task))
  }

  skip({ reason = 'skipped by an operator', ...options }: SkipOptions): number {
    return this.#each('skip', options, (engine, task) => {
      task.skipped = reason
      engine.retryNow(task)
    })
  }

  #each(what: string, options: BlockedKeysOptions, act: (engine: ConsumerEngine, task: Task) => void): number {
    assertKnownKeys(`blockedKeys.${what}`, options, ['where'])
    const { where = () => true } = options
    let count = 0
    for (const engine of this.#engines) {
      for (const task of engine.tasks.filter(isBlocked)) {
        if (!answerOf(`blockedKeys.${what}: where`, where(asBlockedKey(task)))) continue
        act(engine, task)
        count++
      }
    }
    return count
  }
}

function isBlocked({ blocked, phase }: Task): boolean {
  return blocked !== undefined && phase !== 'ended'
}

function asBlockedKey(task: Task): BlockedKey {
  return {
    key: task.key,
    messageId: task.delivery.incoming.id,
    attempts: task.attempt,
    reason: task.blocked?.reason ?? '',
    error: task.blocked?.error,
    firstFailureAt: task.firstFailureAt ?? 0,
    waiting: task.lane?.behind.size ?? 0,
  }
}
