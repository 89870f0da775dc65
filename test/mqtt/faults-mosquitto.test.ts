import { onMosquitto } from './support/beds.ts'
import { connectionFaults } from './support/connection-faults.ts'
import { queueFaults } from './support/queue-faults.ts'
import { sessionConflicts } from './support/session-conflicts.ts'

await onMosquitto((spoken) => {
  connectionFaults(spoken)
  sessionConflicts(spoken)
  // In MQTT 3.1.1 nobody tells what mosquitto drops while it has forgotten that subscriptions are shared.
  if (spoken.protocolVersion === 5) queueFaults(spoken)
})
