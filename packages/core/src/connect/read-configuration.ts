import { fail } from '../broker/check-options.ts'
import { checkConfiguration } from './check-configuration.ts'
import type { BrokerConfiguration } from './types.ts'

// At least two characters: `C:` is a drive.
const schemePattern = /^[a-z][a-z0-9+.-]+:/i

/** The configuration that `source` is, names or stands for: an object, a path ending in `.json` or `file:` URL, or the URL of a driver. Throws `ERR_CONFIGURATION`. */
export async function readConfiguration(source: string | URL | BrokerConfiguration): Promise<BrokerConfiguration> {
  if (typeof source === 'object' && !(source instanceof URL)) {
    checkConfiguration('configuration', source)
    return source
  }
  const text = String(source)
  if (/^file:/i.test(text)) return readFile(text)
  if (schemePattern.test(text)) return { driver: text }
  if (text.endsWith('.json')) return readFile(text)
  // The text itself may be a secret that was put into the wrong variable.
  return fail(
    text === '' ? 'connect: the configuration is empty' : "connect: the configuration must be a URL, such as 'memory:', a path ending in .json, or an object",
  )
}

async function readFile(location: string): Promise<BrokerConfiguration> {
  // Loaded on demand: where there are no files, configuration comes as an object.
  const [files, urls] = await Promise.all([import('node:fs/promises'), import('node:url')])
  const path = /^file:\/\//i.test(location) ? urls.fileURLToPath(location) : location.replace(/^file:/i, '')
  const what = `configuration file ${path}`
  let text: string
  try {
    text = await files.readFile(path, 'utf8')
  } catch (error) {
    fail(`${what} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
  return configurationIn(what, text)
}

/** The configuration that a file holds. Throws `ERR_CONFIGURATION`; `what` begins its text. */
export function configurationIn(what: string, text: string): BrokerConfiguration {
  const configuration = parse(what, text)
  checkConfiguration(what, configuration)
  return configuration
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    // The engine's own message quotes the file, which may hold secrets.
    const position = /at position \d+( \(line \d+ column \d+\))?/.exec(error instanceof Error ? error.message : '')
    fail(`${what} is not valid JSON${position === null ? '' : ` ${position[0]}`}`)
  }
}
