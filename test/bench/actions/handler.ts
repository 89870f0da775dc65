import { setTimeout as sleep } from 'node:timers/promises'
import type { Handle, Work } from '../subjects/subject.ts'

const slowMs = 500

/** Takes as long as the work says, then calls `onHandled`. */
export function handlerOf({ handlerMs, slowEvery }: Pick<Work, 'handlerMs' | 'slowEvery'>, onHandled: () => void): Handle {
  if (handlerMs === 0 && slowEvery === 0) return onHandled
  let started = 0
  return async () => {
    await sleep(slowEvery > 0 && ++started % slowEvery === 0 ? slowMs : handlerMs)
    onHandled()
  }
}
