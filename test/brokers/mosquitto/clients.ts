import { run } from '../core/run.ts'
import type { RunResult } from '../core/run.ts'
import { findService } from '../core/service.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { mosquittoClients2 } from './sources.ts'

/** Runs a program with these arguments, to its end. */
type Program = (...args: readonly string[]) => Promise<RunResult>

/** The command-line clients of mosquitto: plain clients by others. */
export interface MosquittoClients {
  /** `mosquitto_pub` sends. */
  readonly pub: Program
  /** `mosquitto_sub` receives: tell it how many messages (`-C`) or seconds (`-W`). */
  readonly sub: Program
  /** `mosquitto_rr` asks and prints the answer. */
  readonly rr: Program
}

export async function findMosquittoClients(onProgress: (text: string) => void = () => {}): Promise<MosquittoClients | Skipped> {
  const source = await findService(mosquittoClients2, { own: true, onProgress })
  if (isSkipped(source)) return source
  const client = (name: string): Program => {
    return (...args) => {
      if (source.how === 'environment') throw new TypeError('clients have no URL')
      if (source.how === 'docker') return run('docker', ['run', '--rm', '--init', '--network', 'host', source.image, name, ...args])
      const { place, programs } = source
      const command = place.command(`${programs.folder}/${name}`, args)
      return run(command.file, command.args, { env: place.env })
    }
  }
  return { pub: client('mosquitto_pub'), sub: client('mosquitto_sub'), rr: client('mosquitto_rr') }
}
