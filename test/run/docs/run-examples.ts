/** Runs modules one after the other: `node run-examples.ts <file>…`. Prints `example <index> failed: <error>` for those that throw, or do not end. */
import { pathToFileURL } from 'node:url'

const longestMs = 10_000
let running = 0
let failures = 0

process.on('uncaughtException', failed)
process.on('unhandledRejection', failed)
for (const [index, file] of process.argv.slice(2).entries()) {
  running = index
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`it has not ended within ${longestMs} ms`)), longestMs)
  try {
    await Promise.race([import(pathToFileURL(file).href), late])
  } catch (error) {
    failed(error)
  }
  clearTimeout(timer)
}
// Consumers may run on.
process.exit(failures === 0 ? 0 : 1)

function failed(error: unknown): void {
  failures++
  console.log(`example ${running} failed: ${String(error).replaceAll('\n', ' ')}`)
}
