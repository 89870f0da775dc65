import { onActivemq } from './support/beds.ts'
import { connectionFaults } from './support/connection-faults.ts'
import { sessionConflicts } from './support/session-conflicts.ts'

await onActivemq((spoken) => {
  connectionFaults(spoken)
  sessionConflicts(spoken)
})
