import { memoryProblem } from '../chaos/memory.ts'
import { growthProblem } from './growth.ts'
import { leftovers } from './handles.ts'
import type { SoakResult } from './protocol.ts'

const mostResidentBytes = 512 * 2 ** 20
/** A soak takes 119 samples however long it is, if it is longer than a minute. */
const enoughSamples = 40
/** What a heap may differ by from one collection to the next. */
const flatBytes = 1.5 * 2 ** 20
/** Sockets and timers come and go with the load. */
const flatCount = 5

/** Everything that is not as it has to be, one sentence each. */
export function problemsOf(result: SoakResult): readonly string[] {
  const { samples, lost, unexpected, troubles, handlesBefore, handlesAfter, socketsBefore, socketsAfter, timersAfter, handled } = result
  const residents = samples.map(({ resident }) => resident)
  return [
    growthProblem(
      'heap',
      samples.map(({ heap }) => heap),
      { atLeast: flatBytes },
    ),
    memoryProblem('the process', residents, mostResidentBytes, enoughSamples),
    growthProblem(
      'the number of handles',
      samples.map(({ handles }) => handles),
      { atLeast: flatCount, unit: 'count' },
    ),
    growthProblem(
      'the number of timers',
      samples.map(({ timers }) => timers),
      { atLeast: flatCount, unit: 'count' },
    ),
    handled === 0 ? 'nothing was handled' : undefined,
    lost > 0 ? `${lost} messages were lost` : undefined,
    unexpected > 0 ? `${unexpected} messages were handled twice, or never sent` : undefined,
    ...troubles,
    ...leftovers(handlesBefore, handlesAfter).map((what) => `after drain there is left: ${what}`),
    socketsAfter > socketsBefore ? `after drain there are left: ${socketsAfter - socketsBefore} sockets` : undefined,
    ...timersAfter.map((place) => `after drain there is left: a timer, set at ${place}`),
  ].filter((problem) => problem !== undefined)
}
