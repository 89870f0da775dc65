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

/** Samples by scenario and subject, each with its round. */
export class Samples {
  readonly #all: Map<string, Map<number, Sample>> = new Map()

  add(scenario: string, subject: string, round: number, sample: Sample): void {
    const key = `${scenario}\n${subject}`
    const rounds = this.#all.get(key) ?? new Map<number, Sample>()
    this.#all.set(key, rounds.set(round, sample))
  }

  /** In the order of the rounds. */
  of(scenario: string, subject: string): readonly Sample[] {
    return [...this.#rounds(scenario, subject).values()]
  }

  /** `figure(own) / figure(other)` of each round in which both ran. */
  ratios(scenario: string, own: string, other: string, figure: (sample: Sample) => number): number[] {
    const others = this.#rounds(scenario, other)
    return [...this.#rounds(scenario, own)].flatMap(([round, sample]) => {
      const twin = others.get(round)
      return twin === undefined ? [] : [figure(sample) / figure(twin)]
    })
  }

  #rounds(scenario: string, subject: string): ReadonlyMap<number, Sample> {
    return this.#all.get(`${scenario}\n${subject}`) ?? new Map()
  }
}
