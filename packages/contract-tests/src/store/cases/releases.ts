import { checkEqual } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'

const free: StoreCase = {
  id: 'releases/free',
  title: 'a released key can be claimed at once',
  kills: ['release-no-op'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    checkEqual(await store.release(claim), 'released', 'releasing')
    const next = await context.claimed(store, claim.key, 'b')
    checkEqual(await store.complete(next, 'value', longMs), 'completed', 'completing the next claim')
  },
}

const noTrace: StoreCase = {
  id: 'releases/no-trace',
  title: 'a release leaves nothing that a scan would show',
  kills: ['release-leaves-trace'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    await store.release(claim)
    checkEqual((await context.scanned(store, claim.key)).claims, [], 'what a scan shows')
  },
}

const done: StoreCase = {
  id: 'releases/done',
  title: 'a completed claim cannot be released: its value stays',
  kills: ['release-forgets-value'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    await store.complete(claim, 'value', longMs)
    checkEqual(await store.release(claim), 'lost', 'releasing')
    await context.checkDone(store, claim.key, 'value', 'the value stays')
  },
}

export const releaseCases: readonly StoreCase[] = [free, noTrace, done]
