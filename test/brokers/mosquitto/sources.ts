import { dirname } from 'node:path'
import { installedProgram } from '../core/programs.ts'
import { run } from '../core/run.ts'
import type { Service, Source } from '../core/service.ts'

/** The path of `mosquitto`. */
export interface MosquittoProgram {
  readonly program: string
}

export type MosquittoSource = Source<MosquittoProgram>

const version = '2.0'
/** Broker and clients share a tree. */
const common = {
  name: `mosquitto-${version}`,
  image: `eclipse-mosquitto:${version}`,
  suite: 'bookworm',
  packages: ['mosquitto', 'mosquitto-clients'],
  ours: /^mosquitto/,
}

export const mosquitto2: Service<MosquittoProgram> = {
  ...common,
  broker: `mosquitto ${version}`,
  variable: 'BUSBAR_MOSQUITTO_URL',
  toInstall: `mosquitto ${version}.x`,
  async installed() {
    const program = await programOfVersion('mosquitto', '-h')
    return program === undefined ? `no mosquitto ${version}.x is installed` : { program }
  },
  inTree: async ({ root }) => ({ program: `${root}/usr/sbin/mosquitto` }),
}

/** The folder of `mosquitto_pub`, `mosquitto_sub` and `mosquitto_rr`. */
export interface ClientPrograms {
  readonly folder: string
}

export const mosquittoClients2: Service<ClientPrograms> = {
  ...common,
  broker: `mosquitto clients ${version}`,
  toInstall: `the clients of mosquitto ${version}.x`,
  async installed() {
    const program = await programOfVersion('mosquitto_rr', '--help')
    return program === undefined ? `no mosquitto_rr ${version}.x is installed` : { folder: dirname(program) }
  },
  inTree: async ({ root }) => ({ folder: `${root}/usr/bin` }),
}

function programOfVersion(name: string, help: string): Promise<string | undefined> {
  return installedProgram(name, async (program) => (await run(program, [help])).stdout.includes(`version ${version}.`))
}
