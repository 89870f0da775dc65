/** Steady load on one driver, and what is left of it after a drain. Its argument is a {@link SoakSettings} as JSON, and it tells a {@link SoakResult}. */
import { LiveTimers } from './timers.ts'

const timers = new LiveTimers()
// Without whoever asked for it nobody ends it.
const alone = (): void => process.exit(1)
process.once('disconnect', alone)
const { runSoak } = await import('./run-soak.ts')
try {
  const result = await runSoak(JSON.parse(process.argv[2] ?? ''), timers)
  process.off('disconnect', alone)
  process.send?.(result, () => process.disconnect())
} catch (error) {
  console.error(error)
  process.exit(1)
}
