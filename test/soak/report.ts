import { highest } from '../chaos/memory.ts'
import { shown, trendOf } from './growth.ts'
import { problemsOf } from './judge.ts'
import type { SoakResult } from './protocol.ts'

/** For the reader of what became of one driver. */
export function lines(result: SoakResult): readonly string[] {
  const { samples, sent, handled, retried, deadLetters, replies, drainMs, notes } = result
  const heap = samples.map((sample) => sample.heap)
  const trend = trendOf(heap)
  const handles = samples.map((sample) => sample.handles)
  const timers = samples.map((sample) => sample.timers)
  return [
    `${sent} sent, ${handled} handled, ${retried} retried, ${deadLetters} dead letters, ${replies} replies, drained in ${drainMs} ms`,
    `heap ${bytes(heap[0])} at first, ${bytes(heap.at(-1))} at last${trend === undefined ? ', too few samples to judge growth' : `, ${shown(trend.growth, 'bytes')} of growth in the second half, noise ${shown(trend.noise, 'bytes')}`}; resident at most ${bytes(highest(samples.map((sample) => sample.resident)))}`,
    `handles ${handles[0] ?? 0} at first, ${handles.at(-1) ?? 0} at last, at most ${highest(handles)}; timers ${timers[0] ?? 0}, ${timers.at(-1) ?? 0}, ${highest(timers)}; ${samples.length} samples`,
    ...Object.entries(notes).map(([event, times]) => `${event} was logged ${times} times`),
    ...problemsOf(result).map((problem) => `problem: ${problem}`),
  ]
}

/** The last line, which the certificate reads. */
export function summary(results: readonly SoakResult[]): { readonly text: string; readonly clean: boolean } {
  const messages = results.reduce((total, { sent }) => total + sent, 0)
  const problems = results.reduce((total, result) => total + problemsOf(result).length, 0)
  return { text: `soak: ${results.length} drivers, ${messages} messages, ${problems} problems`, clean: problems === 0 && messages > 0 }
}

function bytes(value: number | undefined): string {
  return shown(value ?? 0, 'bytes')
}
