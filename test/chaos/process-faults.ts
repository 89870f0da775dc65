import { setTimeout as pause } from 'node:timers/promises'
import { kill, tell, type Fleet, type Member } from './fleet.ts'
import type { FaultKind } from './script.ts'

/** A way to break a process. */
export interface ProcessFault extends FaultKind {
  strike(lastsMs: number, target: number): Promise<void>
}

/** Shorter than claims last, which outlive their process by 20 seconds: who stands still for longer may come back to a handler that somebody else has run. */
const stoppedMs = [500, 5_000] as const

/** `follow` is told at once who was killed, and starts another in its place after a pause. */
export function processFaults(fleet: Fleet, follow: (killed: Member, index: number, afterMs: number) => Promise<void>): readonly ProcessFault[] {
  const killing = (role: 'producer' | 'consumer'): ProcessFault => ({
    name: `${role} killed (SIGKILL)`,
    lastsMs: [0, 500],
    strikes: role,
    async strike(lastsMs, target) {
      const member = fleet.at(role, target)
      if (member === undefined) return
      await kill(member)
      await follow(member, target, lastsMs)
    },
  })
  const stopping = (role: 'producer' | 'consumer'): ProcessFault => ({
    name: `${role} stopped (SIGSTOP)`,
    lastsMs: stoppedMs,
    strikes: role,
    async strike(lastsMs, target) {
      const member = fleet.at(role, target)
      member?.child.kill('SIGSTOP')
      await pause(lastsMs)
      member?.child.kill('SIGCONT')
    },
  })
  const jumping: ProcessFault = {
    name: 'clock jumps',
    lastsMs: [0, 2_000],
    strikes: 'consumer',
    async strike(lastsMs, target) {
      const byMs = 3_600_000
      const members = [fleet.at('consumer', target), fleet.at('producer', target)].filter((member) => member !== undefined)
      for (const member of members) tell(member, { order: 'clock', byMs })
      await pause(lastsMs)
      for (const member of members) tell(member, { order: 'clock', byMs: -2 * byMs })
    },
  }
  return [killing('consumer'), killing('producer'), stopping('consumer'), stopping('producer'), jumping]
}
