import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Order } from './settings.ts'

export type Role = 'producer' | 'consumer'

/** A process of the run. */
export interface Member {
  readonly name: string
  readonly role: Role
  readonly history: string
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

/** Processes that produce and consume. Each has a slot, and a process that is killed is followed by another in its slot: `consumer-1.2` is the third of consumer 1. */
export class Fleet {
  readonly #folder: string
  readonly #onStart: (member: Member) => void
  readonly #slots = new Map<string, { member: Member; generation: number }>()

  /** Histories are files in `folder`. */
  constructor(folder: string, onStart: (member: Member) => void) {
    this.#folder = folder
    this.#onStart = onStart
  }

  get running(): readonly Member[] {
    return [...this.#slots.values()].map(({ member }) => member).filter(isRunning)
  }

  at(role: Role, index: number): Member | undefined {
    const member = this.#slots.get(`${role}-${index}`)?.member
    return member !== undefined && isRunning(member) ? member : undefined
  }

  /** Starts the next process of a slot with the settings that belong to its name and history. */
  start(role: Role, index: number, settings: (name: string, history: string) => object, env: Readonly<Record<string, string>>): void {
    const slot = `${role}-${index}`
    const generation = (this.#slots.get(slot)?.generation ?? -1) + 1
    const name = `${slot}.${generation}`
    const history = join(this.#folder, name)
    const script = new URL(`./${role}-process.ts`, import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=busbar-source', script, JSON.stringify(settings(name, history))], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    const member = { name, role, history, child, ended: once(child, 'exit') }
    this.#slots.set(slot, { member, generation })
    this.#onStart(member)
  }

  /** SIGKILL to all, also to those that are stopped. */
  async endNow(): Promise<void> {
    await Promise.all(this.running.map((member) => kill(member)))
  }
}

export async function kill({ child, ended }: Member): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

export function tell({ child }: Member, order: Order): void {
  if (child.connected) child.send(order)
}

function isRunning({ child }: Member): boolean {
  return child.exitCode === null && child.signalCode === null
}
