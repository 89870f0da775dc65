import type { Target } from './rows.ts'

/** How far off `--gate` lets medians be: machines differ by half, and rounds on a busy one by a sixth. */
const gate = { ofThroughput: 0.6, ofRatio: 0.85, ofCpu: 1.4 }

export function atLeast(messages: number): Target {
  return {
    text: `≥ ${messages.toLocaleString('en')}/s`,
    met: ({ messagesPerSecond }) => messagesPerSecond >= messages,
    within: ({ messagesPerSecond }) => messagesPerSecond >= messages * gate.ofThroughput,
  }
}

/** Throughput by the lower end of its interval, CPU by its median. */
export const nearRaw: Target = {
  text: 'low ≥ 0.97, CPU ≤ 1.15',
  met: ({ ratioToRaw, cpuRatioToRaw }) => ratioToRaw !== null && cpuRatioToRaw !== null && ratioToRaw.low >= 0.97 && cpuRatioToRaw.median <= 1.15,
  within: ({ ratioToRaw, cpuRatioToRaw }) =>
    ratioToRaw !== null && cpuRatioToRaw !== null && ratioToRaw.median >= gate.ofRatio && cpuRatioToRaw.median <= gate.ofCpu,
}

/**
 * Ahead of a peer: the median of throughput is higher, or, where the broker is the limit of both and the interval does not tell them apart, CPU per message is lower.
 */
export function aheadOf(peers: readonly string[]): Target {
  return {
    text: 'ahead of peers',
    met: ({ against }) =>
      peers.every((peer) => {
        const { throughput, cpu } = against(peer)
        return throughput.median > 1 || (throughput.high >= 1 && cpu.high < 1)
      }),
    within: ({ against }) => peers.every((peer) => against(peer).throughput.median >= gate.ofRatio),
  }
}

/** Throughput by its median, as a multiple of another subject's. */
export function timesOf(subject: string, factor: number): Target {
  return {
    text: `≥ ${factor} × ${subject}`,
    met: ({ against }) => against(subject).throughput.median >= factor,
    within: ({ against }) => against(subject).throughput.median >= factor * gate.ofRatio,
  }
}
