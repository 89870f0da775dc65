/** One measurement of one subject in one round, in a process of its own. */
export interface Sample {
  readonly messages: number
  readonly seconds: number
  /** User and system time of the whole process, its garbage collection included. */
  readonly cpuMicros: number
  /** Further numbers that a program takes, by name. */
  readonly numbers?: Readonly<Record<string, number>>
}

export function messagesPerSecond({ messages, seconds }: Sample): number {
  return messages / seconds
}

export function cpuMicrosPerMessage({ messages, cpuMicros }: Sample): number {
  return cpuMicros / messages
}

/** Samples by scenario and subject, in the order of the rounds. */
export class Samples {
  readonly #all: Map<string, Sample[]> = new Map()

  add(scenario: string, subject: string, sample: Sample): void {
    const key = `${scenario}\n${subject}`
    const samples = this.#all.get(key)
    if (samples) samples.push(sample)
    else this.#all.set(key, [sample])
  }

  of(scenario: string, subject: string): readonly Sample[] {
    return this.#all.get(`${scenario}\n${subject}`) ?? []
  }
}
