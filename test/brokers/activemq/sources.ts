import { existsSync } from 'node:fs'
import { readdir, realpath, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { installedProgram } from '../core/programs.ts'
import { run } from '../core/run.ts'
import type { Service, Source } from '../core/service.ts'

/** What runs an ActiveMQ. */
export interface ActivemqPrograms {
  readonly java: string
  /** Its folder with `bin/activemq.jar`. */
  readonly home: string
  /** The library of its MQTT connector, where it does not bring that along: without it the connector takes connections and never answers. */
  readonly library: string | undefined
}

export type ActivemqSource = Source<ActivemqPrograms>

const version = '5.17'
const debianHome = '/usr/share/activemq'
const debianLibrary = '/usr/share/java/mqtt-client.jar'

export const activemq5: Service<ActivemqPrograms> = {
  broker: `ActiveMQ ${version}`,
  name: `activemq-${version}`,
  variable: 'BUSBAR_ACTIVEMQ_MQTT_URL',
  image: `apache/activemq-classic:${version}.6`,
  suite: 'bookworm',
  packages: ['activemq', 'libmqtt-client-java'],
  ours: /activemq|mqtt/,
  canShare: async () => (await machineJava()) !== undefined,
  share: linkMachineLibraries,
  toInstall: `ActiveMQ ${version}.x (on Debian with libmqtt-client-java)`,
  async installed() {
    const java = await machineJava()
    if (java === undefined) return 'no java 11 or newer is installed'
    if (existsSync(`${debianHome}/bin/activemq.jar`) && existsSync(debianLibrary)) return { java, home: debianHome, library: debianLibrary }
    const home = await unpackedByHand()
    return home === undefined ? `no ActiveMQ ${version}.x is installed` : { java, home, library: undefined }
  },
  async inTree({ root, tree }) {
    const [machine] = existsSync(join(tree, 'usr/lib/jvm')) ? (await readdir(join(tree, 'usr/lib/jvm'))).filter((name) => name.startsWith('java-')) : []
    const own = machine === undefined ? undefined : `${root}/usr/lib/jvm/${machine}/bin/java`
    return { java: own ?? (await machineJava()) ?? 'java', home: root + debianHome, library: root + debianLibrary }
  },
}

/** Class paths are relative to the tree: what the machine has of Java's libraries must be in there too. */
async function linkMachineLibraries(tree: string): Promise<void> {
  const folder = 'usr/share/java'
  const [machine, there] = await Promise.all([`/${folder}`, join(tree, folder)].map((path) => readdir(path).catch((): string[] => [])))
  for (const name of machine ?? []) if (there?.includes(name) === false) await symlink(`/${folder}/${name}`, join(tree, folder, name))
}

function machineJava(): Promise<string | undefined> {
  return installedProgram('java', async (program) => Number(/version "(\d+)/.exec((await run(program, ['-version'])).stderr)?.[1]) >= 11)
}

/** The folder of Apache's own archive, if its start script is on the PATH. */
async function unpackedByHand(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const script = await realpath(join(folder, 'activemq')).catch(() => undefined)
    if (script === undefined) continue
    const home = join(script, '..', '..')
    if (existsSync(join(home, 'bin/activemq.jar')) && (await isVersion(home))) return home
  }
  return undefined
}

async function isVersion(home: string): Promise<boolean> {
  const names = await readdir(join(home, 'lib')).catch(() => [])
  return names.some((name) => name.startsWith(`activemq-client-${version}.`))
}
