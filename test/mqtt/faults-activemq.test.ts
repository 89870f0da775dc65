import { expect, it } from 'vitest'
import { errorOf } from '../amqp/support/link.ts'
import { accessTo } from './support/access.ts'
import { onActivemq } from './support/beds.ts'
import { deadConnections } from './support/dead-connections.ts'
import { heldMessages } from './support/held-messages.ts'
import { killsUnderLoad } from './support/kills-under-load.ts'
import { lostConnections } from './support/lost-connections.ts'
import { sessionConflicts } from './support/session-conflicts.ts'

await onActivemq((spoken) => {
  it('says nothing to MQTT 5, and the driver guesses why', async () => {
    const attempt = accessTo(spoken).open(spoken.bed.url, { protocolVersion: 5 })
    expect(await errorOf(attempt)).toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('set protocolVersion: 4') as string })
  })

  lostConnections(spoken)
  deadConnections(spoken)
  sessionConflicts(spoken)
  heldMessages(spoken)
  killsUnderLoad(spoken)
})
