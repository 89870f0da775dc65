import { measureCore } from '../../packaging/limits.ts'
import { packPackages } from '../../packaging/tarballs.ts'
import { valueRow } from '../engine/rows.ts'
import type { Suite } from './suite.ts'

/** What core costs whoever imports it: the figures of the certificate's `limits`. */
export const core: Suite = async ({ onProgress }) => {
  onProgress('size and import time')
  const never = new AbortController().signal
  const { project } = await packPackages(never, onProgress)
  const rows = (await measureCore(project, never)).map(({ what, value, limit, unit }) =>
    valueRow('core', what, value, unit, { text: `≤ ${limit.toLocaleString('en')} ${unit}`, met: value <= limit }),
  )
  return { rows, versions: {}, ran: true }
}
