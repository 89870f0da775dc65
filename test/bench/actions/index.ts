import type { Sample } from '../engine/sample.ts'
import type { Action, Subject, Work } from '../subjects/subject.ts'
import { consume } from './consume.ts'
import { drain } from './drain.ts'
import { flow } from './flow.ts'
import { hold } from './hold.ts'
import { latency } from './latency.ts'
import { fill, prepare, sendAtLoad, sendOneByOne } from './send.ts'

const actions: Readonly<Record<Action, (subject: Subject, work: Work) => Promise<Sample>>> = {
  prepare,
  fill,
  'send one by one': sendOneByOne,
  'send at load': sendAtLoad,
  consume,
  flow,
  latency,
  drain,
  hold,
}

/** What all clients are asked to do, in one place. Each ends when everything is done and the server has taken it. */
export function runAction(subject: Subject, work: Work): Promise<Sample> {
  return actions[work.action](subject, work)
}
