export { createTeller } from './tell-settled.ts'
export { tellBlocked, tellInvalidWait, tellWaiting } from './tell-waits.ts'
