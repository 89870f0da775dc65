import { onMosquitto } from './support/beds.ts'
import { deadConnections } from './support/dead-connections.ts'
import { heldMessages } from './support/held-messages.ts'
import { lostConnections } from './support/lost-connections.ts'
import { queueFaults } from './support/queue-faults.ts'
import { sessionConflicts } from './support/session-conflicts.ts'

await onMosquitto((spoken) => {
  lostConnections(spoken)
  heldMessages(spoken)
  // What does not depend on acks and windows is examined with MQTT 3.1.1 on ActiveMQ.
  if (spoken.protocolVersion === 4) return
  deadConnections(spoken)
  sessionConflicts(spoken)
  // In MQTT 3.1.1 nobody would tell what mosquitto drops while it has forgotten that subscriptions are shared.
  queueFaults(spoken)
})
